"""Videos that follow one another in time, joined into one without encoding them again."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from roadseg.video.container import open_input, picture_stream
from roadseg.video.muxer import Muxer


def join_videos(parts: Sequence[Path], path: Path, *, time_base: Fraction, audio_from: Path | None = None) -> list[str]:
    """Copy the pictures of videos into one, each at the time that it has in its own.

    As `VideoWriter` encodes without reordering pictures, the order of decoding is that of time across parts too.

    Args:
        parts: at least one, as `VideoWriter` made them of frames of one size and kind with one frame rate, in the
            order of their times, which do not overlap.
        path: `.mp4` or `.mkv`.
        time_base: seconds a tick, of the frames that were written.
        audio_from: a file whose sound is copied beside the pictures.

    Returns:
        What could not be kept, each in a sentence.

    Raises:
        OutputError: the disk is full, or the file cannot be written for another reason.
        VideoError: a part cannot be read.
        ValueError: the parts were not encoded alike.
    """
    with Muxer(path, time_base, audio_from) as muxer:
        header, end = None, Fraction()
        for part in parts:
            with open_input(part) as source:
                stream = picture_stream(source, part)
                if header is None:
                    muxer.add_copy(stream)
                    header = stream.codec_context.extradata
                elif stream.codec_context.extradata != header:
                    raise ValueError(f"{part} is encoded in another way than {parts[0]}")
                for packet in source.demux(stream):
                    if packet.size:
                        end = ((packet.pts or 0) + (packet.duration or 0)) * packet.time_base
                        muxer.write([packet])
        muxer.end(end)
    return muxer.notices
