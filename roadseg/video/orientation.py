"""Orientation of stored frames: the eight ways in which they are turned and mirrored to be shown."""

import struct
from typing import Any, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

MATRIX_BYTES = 36


class Orientation(NamedTuple):
    """Rotation and mirroring that make stored frames upright: first turned, then mirrored."""

    rotation: int = 0
    """0, 90, 180 or 270: degrees counter-clockwise."""
    mirrored: bool = False
    """True if left and right are swapped after the rotation."""

    @classmethod
    def of(cls, frame: av.VideoFrame) -> "Orientation":
        """Read the display matrix of a frame (ISO/IEC 14496-12, section 6.2.2); other angles count as the nearest."""
        side_data: Any = frame.side_data.get("DISPLAYMATRIX")
        if side_data is None or len(data := bytes(side_data)) < MATRIX_BYTES:
            return cls()
        # A point (x, y) is shown at (a x + c y, b x + d y); the y axis points down.
        a, b, _, c, d, *_ = struct.unpack("=9i", data[:MATRIX_BYTES])
        if abs(a) + abs(d) >= abs(b) + abs(c):
            leftwards, upwards = a < 0, d < 0
            return cls(180 if upwards else 0, leftwards != upwards)
        leftwards, upwards = c < 0, b < 0
        return cls(90 if upwards else 270, leftwards == upwards)

    @property
    def swaps_sides(self) -> bool:
        """True if width and height change places."""
        return self.rotation in (90, 270)

    def upright(self, plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return an (H, W) plane as it is shown; the same array where it is upright already."""
        if self == Orientation():
            return plane
        turned = np.rot90(plane, self.rotation // 90)
        return np.ascontiguousarray(turned[:, ::-1] if self.mirrored else turned)
