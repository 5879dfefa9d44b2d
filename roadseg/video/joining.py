"""Join consecutive videos into one without encoding them again."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from roadseg.errors import VideoError
from roadseg.video.container import open_input, video_stream
from roadseg.video.muxer import Muxer


def join_videos(
    parts: Sequence[Path],
    path: Path,
    *,
    time_base: Fraction,
    audio_from: Path | None = None,
    start: Fraction = Fraction(0),
    cut_audio: bool = False,
) -> list[str]:
    """Copy the frames of videos into one video, each at its own time.

    `VideoWriter` encodes without reordering frames, so decoding order is time order across parts too.

    Args:
        parts: at least one video written by `VideoWriter`, all of frames of one size, format and frame rate, sorted by
            time and without overlap.
        path: the file to write, `.mp4` or `.mkv`.
        time_base: seconds per tick of the written frames.
        audio_from: a file whose sound is copied.
        start: seconds of the parts, and of the sound, that become 0; a whole number of ticks.
        cut_audio: end the sound where the frames end.

    Returns:
        Notices about sound that could not be kept, each a sentence.

    Raises:
        OutputError: the disk is full, or the file cannot be written for another reason.
        VideoError: a part cannot be read, or was encoded with other settings than the first.
    """
    with Muxer(path, time_base, audio_from, audio_start=start, cut_audio=cut_audio) as muxer:
        header, end = None, Fraction()
        for part in parts:
            with open_input(part) as source:
                stream = video_stream(source, part)
                if header is None:
                    muxer.add_copy(stream)
                    header = stream.codec_context.extradata
                elif stream.codec_context.extradata != header:
                    raise VideoError(
                        f"{part}: encoded with other settings than {parts[0]}",
                        "Run the same command again, on one machine: it starts anew.",
                    )
                for packet in source.demux(stream):
                    if packet.size and packet.pts is not None and packet.dts is not None:
                        moved = round(start / packet.time_base)
                        packet.pts, packet.dts = packet.pts - moved, packet.dts - moved
                        end = (packet.pts + (packet.duration or 0)) * packet.time_base
                        muxer.write([packet])
        muxer.end(end)
    return muxer.notices
