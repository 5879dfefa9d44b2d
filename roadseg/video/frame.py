"""One picture of a video with its exact time."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Matrix = Literal["bt601", "bt709", "bt2020"]


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded picture as 8-bit planar Y'CbCr 4:2:0, the form in which video is stored, decoded and encoded.

    Keeping it that way from decoder to encoder spares both conversions to RGB, the costliest part of drawing on
    video; `roadseg.video.colour.to_rgb` converts where RGB is needed, at the size that is needed.
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
    """Position among the decoded frames of the video, from 0."""
    pts: int
    """Presentation time in ticks of `time_base`, exactly as the container has it."""
    time_base: Fraction
    """Seconds a tick."""
    duration: int
    """How long the picture is shown, in ticks of `time_base`; at least 1."""

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
        """How long the picture is shown, in seconds."""
        return float(self.duration * self.time_base)

    def __repr__(self) -> str:
        levels = "full" if self.full_range else "limited"
        return (
            f"Frame({self.width}x{self.height} {self.matrix} {levels}, index={self.index}, "
            f"pts={self.pts} x {self.time_base} s)"
        )
