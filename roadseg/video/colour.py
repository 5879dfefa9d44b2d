"""Between planar Y'CbCr and RGB, by FFmpeg's swscale, and between `Frame` and PyAV's own frame type."""

import threading
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from roadseg.video.frame import Frame, Matrix, Plane

# Matrix coefficients, transfer and primaries as ITU-T H.273 numbers them, which are FFmpeg's numbers too.
H273_MATRIX: dict[Matrix, int] = {"bt601": 6, "bt709": 1, "bt2020": 9}
H273_TRANSFER: dict[Matrix, int] = {"bt601": 6, "bt709": 1, "bt2020": 14}
H273_PRIMARIES: dict[Matrix, int] = {"bt601": 6, "bt709": 1, "bt2020": 9}

SWS_MATRIX: dict[Matrix, Colorspace] = {
    "bt601": Colorspace.ITU601,
    "bt709": Colorspace.ITU709,
    "bt2020": Colorspace.BT2020,
}

# AREA averages when shrinking, so that nothing aliases, and interpolates linearly when growing. Without the other two
# swscale takes short cuts that are off by up to 3.5 levels; with them it stays within 0.6 of the standards' formulas.
ACCURATE = Interpolation.AREA | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND

_local = threading.local()


def reformatter() -> VideoReformatter:
    """This thread's swscale context: it is costly to make and not safe to share."""
    if not hasattr(_local, "reformatter"):
        _local.reformatter = VideoReformatter()
    made: VideoReformatter = _local.reformatter
    return made


def sws_range(full_range: bool) -> ColorRange:
    """What swscale calls the range."""
    return ColorRange.JPEG if full_range else ColorRange.MPEG


def plane_views(picture: av.VideoFrame) -> tuple[Plane, ...]:
    """The planes of an 8-bit picture as read-only arrays without a copy; they keep the picture's memory alive."""
    return tuple(cast(Plane, np.from_dlpack(plane)) for plane in picture.planes)


def to_av(frame: Frame, width: int | None = None, height: int | None = None) -> av.VideoFrame:
    """Copy a frame, or its upper left `width` x `height` pixels, into a PyAV frame with its colour tags and time."""
    width, height = width or frame.width, height or frame.height
    picture = av.VideoFrame(width, height, "yuv420p")
    for plane, pixels in zip(picture.planes, (frame.y, frame.u, frame.v), strict=True):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        rows[:, : plane.width] = pixels[: plane.height, : plane.width]
    picture.colorspace = H273_MATRIX[frame.matrix]
    picture.color_range = sws_range(frame.full_range)
    picture.pts, picture.time_base, picture.duration = frame.pts, frame.time_base, frame.duration
    return picture


def to_rgb(frame: Frame, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Convert a frame to RGB, scaling in the same pass.

    Shrinking averages over the covered area (as `cv2.INTER_AREA` does), growing interpolates linearly. May be called
    from any thread.

    Args:
        frame: the picture.
        size: (width, height) of the result in pixels; the frame's own by default.

    Returns:
        (H, W, 3) uint8 full-range RGB, read-only. Flat areas are within 0.6 levels of the formulas in
        ITU-R BT.601-7, BT.709-6 and BT.2020-2.
    """
    width, height = size or (frame.width, frame.height)
    picture = reformatter().reformat(
        to_av(frame), width, height, "rgb24", dst_color_range=ColorRange.JPEG, interpolation=ACCURATE, threads=1
    )
    return plane_views(picture)[0]


def from_rgb(
    image: NDArray[np.uint8], *, index: int, pts: int, time_base: Fraction, duration: int, matrix: Matrix = "bt709"
) -> Frame:
    """Convert an RGB picture to a frame in limited range.

    Args:
        image: (H, W, 3) uint8 RGB.
        index: position in the video, from 0.
        pts: presentation time in ticks of `time_base`.
        time_base: seconds a tick.
        duration: how long the picture is shown, in ticks.
        matrix: the Y'CbCr matrix to convert with.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected (H, W, 3) uint8 RGB, got {image.dtype} {image.shape}")
    picture = reformatter().reformat(
        av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24"),
        format="yuv420p",
        src_color_range=ColorRange.JPEG,
        dst_colorspace=SWS_MATRIX[matrix],
        dst_color_range=ColorRange.MPEG,
        interpolation=ACCURATE,
        threads=1,
    )
    y, u, v = plane_views(picture)
    return Frame(y, u, v, matrix, False, index, pts, time_base, duration)
