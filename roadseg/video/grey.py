"""Writer of lossless grey video, for numbers as pixels rather than pictures."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
from av.codec.context import Flags

from roadseg.video.colour import Plane, sws_range
from roadseg.video.muxer import Muxer

LOSSLESS = {"qp": "0", "preset": "veryfast", "bf": "0", "g": "64"}
"""Options of x264."""


def write_grey(path: Path, frames: Iterable[tuple[Plane, int, int]], *, time_base: Fraction) -> None:
    """Write planes as lossless H.264; readers that convert to grey or RGB get the same values.

    Args:
        path: the file to write, `.mp4` or `.mkv`.
        frames: at least one plane (h, w) uint8, all of one size, with time and duration in ticks.
        time_base: seconds per tick.

    Raises:
        OutputError: the disk is full, or the file cannot be written for another reason.
    """
    with Muxer(path, time_base) as muxer:
        stream = None
        for plane, pts, duration in frames:
            if stream is None:
                stream = muxer.add_encoder("libx264", LOSSLESS)
                stream.pix_fmt = "gray"
                stream.height, stream.width = plane.shape
                stream.codec_context.time_base = time_base
                stream.codec_context.flags |= Flags.frame_duration
                stream.codec_context.color_range = sws_range(True)  # or readers stretch the values
            frame = av.VideoFrame.from_ndarray(plane, format="gray")
            frame.pts, frame.duration, frame.time_base, frame.color_range = pts, duration, time_base, sws_range(True)
            with muxer.errors():
                packets = stream.encode(frame)
            muxer.write(packets)
        assert stream is not None
        with muxer.errors():
            packets = stream.encode(None)
        muxer.write(packets)
