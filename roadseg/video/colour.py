"""Colour matrices and ranges of video, their equations, and FFmpeg's swscale, which converts frames."""

import threading
from typing import Literal, cast

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Matrix = Literal["bt601", "bt709", "bt2020"]
Real = np.integer | np.floating

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

# (Kr, Kb) of ITU-R BT.601-7, BT.709-6 and BT.2020-2.
LUMA_WEIGHTS: dict[Matrix, tuple[float, float]] = {
    "bt601": (0.299, 0.114),
    "bt709": (0.2126, 0.0722),
    "bt2020": (0.2627, 0.0593),
}


def rgb_to_ycbcr(rgb: NDArray[Real], matrix: Matrix, full_range: bool) -> NDArray[np.float64]:
    """Convert R'G'B' colours to Y'CbCr by the equations of the ITU-R recommendations.

    Args:
        rgb: (..., 3) in 0..255.
        matrix: the weights of red, green and blue.
        full_range: levels 0..255, else 16..235 for Y' and 16..240 for Cb and Cr.

    Returns:
        (..., 3) Y', Cb, Cr in 8-bit levels, not rounded.
    """
    kr, kb = LUMA_WEIGHTS[matrix]
    red, green, blue = np.moveaxis(np.asarray(rgb, np.float64), -1, 0)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb = (blue - luma) / (2 * (1 - kb))
    cr = (red - luma) / (2 * (1 - kr))
    if full_range:
        return np.stack([luma, cb + 128, cr + 128], axis=-1)
    return np.stack([luma * 219 / 255 + 16, cb * 224 / 255 + 128, cr * 224 / 255 + 128], axis=-1)


_local = threading.local()


def reformatter() -> VideoReformatter:
    """Return this thread's swscale context: it is costly to make and not safe to share."""
    if not hasattr(_local, "reformatter"):
        _local.reformatter = VideoReformatter()
    made: VideoReformatter = _local.reformatter
    return made


def sws_range(full_range: bool) -> ColorRange:
    """Return swscale's name of the range."""
    return ColorRange.JPEG if full_range else ColorRange.MPEG


def plane_views(frame: av.VideoFrame) -> tuple[Plane, ...]:
    """Return the planes of an 8-bit PyAV frame as read-only arrays without a copy; they keep its memory alive."""
    return tuple(cast(Plane, np.from_dlpack(plane)) for plane in frame.planes)


def deep_plane_views(frame: av.VideoFrame) -> tuple[NDArray[np.uint16], ...]:
    """Return the planes of a PyAV frame of 9 to 16 bits, stored in two bytes each, as read-only arrays."""
    return tuple(
        np.frombuffer(memoryview(plane), np.uint16).reshape(plane.height, plane.line_size // 2)[:, : plane.width]
        for plane in frame.planes
    )
