"""Videos that follow one another in time, joined into one without encoding them again."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from av.packet import Packet
from av.video.stream import VideoStream

from roadseg.video.container import open_input, picture_stream
from roadseg.video.muxer import Muxer

REORDERED = 2
"""Pictures that x264 holds back at most, to code others before them (its b-pyramid)."""


def join_videos(parts: Sequence[Path], path: Path, *, time_base: Fraction, audio_from: Path | None = None) -> list[str]:
    """Copy the pictures of videos into one, each at the time that it has in its own.

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
        header = None
        before: list[int] = []
        """Presentation times of the pictures that decoding of the next part begins with."""
        for part in parts:
            with open_input(part) as source:
                stream = picture_stream(source, part)
                if header is None:
                    muxer.add_copy(stream)
                    header = stream.codec_context.extradata
                elif stream.codec_context.extradata != header:
                    raise ValueError(f"{part} is encoded in another way than {parts[0]}")
                packets = [packet for packet in source.demux(stream) if packet.size]
                before = _restamp(packets, before)
                end = max((packet.pts or 0) + (packet.duration or 0) for packet in packets) * packets[0].time_base
                muxer.write(packets)
        muxer.end(end)
    return muxer.notices


def _restamp(packets: Sequence["Packet[VideoStream]"], before: list[int]) -> list[int]:
    """Give pictures the decoding times that they would have, had all parts been encoded in one go.

    A picture is decoded when the one that is shown `REORDERED` pictures earlier is shown.

    Args:
        packets: of a part, in the order of decoding; changed.
        before: when the last pictures of the part before are shown, none for the first part.

    Returns:
        The same of this part, for the next.
    """
    shown = sorted(packet.pts or 0 for packet in packets)
    if not before:
        step = shown[1] - shown[0] if len(shown) > 1 else 1
        before = [shown[0] - place * step for place in range(REORDERED, 0, -1)]
    times = [*before, *shown]
    for packet, time in zip(packets, times, strict=False):
        packet.dts = time
    return times[-REORDERED:]
