"""One frame of a video with its exact time."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import av
import numpy as np
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from roadseg.video.colour import ACCURATE, H273_MATRIX, SWS_MATRIX, Matrix, Plane, plane_views, reformatter, sws_range


@dataclass(frozen=True, slots=True)
class Moment:
    """Place and time of a frame, which are known before its pixels are converted; fields as in `Frame`."""

    index: int
    pts: int
    time_base: Fraction
    duration: int


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded frame as 8-bit planar Y'CbCr 4:2:0, the form in which video is stored, decoded and encoded.

    Keeping this form from decoder to encoder avoids both conversions to RGB, the costliest part of drawing on video.
    `to_rgb` converts where RGB is needed, at the size that is needed.
    """

    y: Plane
    """Luma, (H, W) uint8; may be a read-only view into the decoder's memory."""
    u: Plane
    """Cb, (ceil(H / 2), ceil(W / 2)) uint8."""
    v: Plane
    """Cr, (ceil(H / 2), ceil(W / 2)) uint8."""
    matrix: Matrix
    """The Y'CbCr matrix: ITU-R BT.601, BT.709 or BT.2020 (non-constant luminance)."""
    full_range: bool
    """True for luma 0..255, False for 16..235 (chroma 16..240)."""
    index: int
    """Position among the frames of the video, from 0."""
    pts: int
    """Presentation time in ticks of `time_base`, exactly as the container has it."""
    time_base: Fraction
    """Seconds per tick."""
    duration: int
    """Duration of the frame in ticks of `time_base`, at least 1."""

    def __post_init__(self) -> None:
        height, width = self.y.shape
        chroma = ((height + 1) // 2, (width + 1) // 2)
        for name, plane, expected in (
            ("y", self.y, (height, width)),
            ("u", self.u, chroma),
            ("v", self.v, chroma),
        ):
            if plane.dtype != np.uint8 or plane.shape != expected:
                raise ValueError(f"plane {name} must be uint8 of shape {expected}, got {plane.dtype} {plane.shape}")

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.y.shape[0])

    @property
    def seconds(self) -> float:
        """Presentation time in seconds."""
        return float(self.pts * self.time_base)

    @property
    def duration_seconds(self) -> float:
        """Duration of the frame in seconds."""
        return float(self.duration * self.time_base)

    @classmethod
    def from_rgb(
        cls,
        image: NDArray[np.uint8],
        *,
        index: int,
        pts: int,
        time_base: Fraction,
        duration: int,
        matrix: Matrix = "bt709",
    ) -> Self:
        """Convert an RGB image to a frame in limited range.

        Args:
            image: (H, W, 3) uint8 RGB.
            index: position in the video, from 0.
            pts: presentation time in ticks of `time_base`.
            time_base: seconds per tick.
            duration: duration of the frame in ticks.
            matrix: the Y'CbCr matrix to convert with.

        Raises:
            ValueError: `image` has another type or shape.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"expected (H, W, 3) uint8 RGB, got {image.dtype} {image.shape}")
        converted = reformatter().reformat(
            av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24"),
            format="yuv420p",
            src_color_range=ColorRange.JPEG,
            dst_colorspace=SWS_MATRIX[matrix],
            dst_color_range=ColorRange.MPEG,
            interpolation=ACCURATE,
            threads=1,
        )
        y, u, v = plane_views(converted)
        return cls(y, u, v, matrix, False, index, pts, time_base, duration)

    def to_rgb(self, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Convert to RGB, scaling in the same pass.

        Shrinking averages over the covered area (as `cv2.INTER_AREA` does), growing interpolates linearly. May be
        called from any thread.

        Args:
            size: (width, height) of the result in pixels; by default the size of the frame.

        Returns:
            (H, W, 3) uint8 full-range RGB, read-only. Flat areas are within 0.6 levels of the formulas in
            ITU-R BT.601-7, BT.709-6 and BT.2020-2.
        """
        width, height = size or (self.width, self.height)
        converted = reformatter().reformat(
            self.to_av(), width, height, "rgb24", dst_color_range=ColorRange.JPEG, interpolation=ACCURATE, threads=1
        )
        return plane_views(converted)[0]

    def to_rgb_planes(self) -> tuple[Plane, Plane, Plane]:
        """Convert to red, green and blue, (H, W) uint8 each, full-range and read-only, in half the time of `to_rgb`.

        Values are those of `to_rgb` in frames of even height; in others swscale weights chroma a little differently.
        """
        converted = reformatter().reformat(
            self.to_av(), format="gbrp", dst_color_range=ColorRange.JPEG, interpolation=ACCURATE, threads=1
        )
        green, blue, red = plane_views(converted)
        return red, green, blue

    def to_av(self, width: int | None = None, height: int | None = None) -> av.VideoFrame:
        """Copy the frame, or its upper left `width` x `height` pixels, into a PyAV frame with colour tags and time."""
        width, height = width or self.width, height or self.height
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane, pixels in zip(frame.planes, (self.y, self.u, self.v), strict=True):
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
            rows[:, : plane.width] = pixels[: plane.height, : plane.width]
        frame.colorspace = H273_MATRIX[self.matrix]
        frame.color_range = sws_range(self.full_range)
        frame.pts, frame.time_base, frame.duration = self.pts, self.time_base, self.duration
        return frame

    def __repr__(self) -> str:
        levels = "full" if self.full_range else "limited"
        return (
            f"Frame({self.width}x{self.height} {self.matrix} {levels}, index={self.index}, "
            f"pts={self.pts} x {self.time_base} s)"
        )
