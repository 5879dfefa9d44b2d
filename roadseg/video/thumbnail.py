"""Small image of a video, for lists of many."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import ColorRange, Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray

from roadseg.errors import VideoError
from roadseg.video.colour import plane_views, reformatter
from roadseg.video.container import demux, fraction, open_input, video_stream

REMEDY = "Draw the video again with --overwrite."


def thumbnail(path: Path, size: Callable[[float], tuple[int, int]], *, rows: int | None = None) -> NDArray[np.uint8]:
    """Return the keyframe before the middle of an overlay.

    The file is opened once and one frame is decoded. `VideoReader`, which is right about any video, opens it three
    times; overlays are upright and state their colours.

    Args:
        path: a video that `VideoWriter` wrote.
        size: returns the (width, height) of the image in pixels for an aspect ratio, width over height.
        rows: upper rows of the video that the image shows, as of the picture above a legend; None for all.

    Returns:
        (height, width, 3) uint8 RGB; with `rows`, the height is their share of it.

    Raises:
        VideoError: the file is not a video, or no frame can be decoded.
    """
    with open_input(path) as container:
        stream = video_stream(container, path)
        stream.thread_type, stream.thread_count = "SLICE", 1  # several would first be filled with packets
        try:
            container.seek((container.start_time or 0) + (container.duration or 0) // 2)
            frame = _first_frame(container, stream)
        except av.error.FFmpegError as error:
            raise VideoError(f"{path}: no frame can be decoded ({error.strerror})", REMEDY) from error
        if frame is None:
            raise VideoError(f"{path}: no frame can be decoded", REMEDY)
        pixel = fraction(stream.sample_aspect_ratio) or Fraction(1)
        shown = size(float(Fraction(frame.width, frame.height) * pixel))
        # Off by up to 3.5 levels, and quicker than `Frame.to_rgb`.
        converted = reformatter().reformat(
            frame, *shown, "rgb24", dst_color_range=ColorRange.JPEG, interpolation=Interpolation.AREA, threads=1
        )
        share = 1.0 if rows is None else min(1.0, rows / frame.height)
        return plane_views(converted)[0][: max(1, round(share * shown[1]))]


def _first_frame(container: InputContainer, stream: VideoStream) -> av.VideoFrame | None:
    return next((frame for packet in demux(container, stream) for frame in packet.decode()), None)
