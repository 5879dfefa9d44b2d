"""Perspective: from street coordinates to pixels, and back for the ground.

Street coordinates (u, y, s) become camera coordinates (x right, y up, z ahead) with the camera at the origin. Bends of
the street move things sideways by the distance of the centre line from its tangent at the camera. This shear is exact
for the tangent and close to a turn for the gentle bends of streets, and keeps every row of ground at one depth.
"""

import numpy as np
from numpy.typing import NDArray

from roadseg.streets.scene import Camera, CentreLine, Floats

NEAR = 0.3
"""Depth in metres of the near clipping plane."""
BEND_BEHIND, BEND_AHEAD = 40, 900
"""Metres of the street around the camera with known bends; beyond, it is straight."""


class View:
    """A camera at `s` metres along a street."""

    def __init__(
        self, camera: Camera, centre_line: CentreLine, size: tuple[int, int], *, s: float = 0.0, nod: float = 0.0
    ) -> None:
        """Place `camera`; `size` is (width, height) in pixels, `nod` a pitch in image heights, downwards positive."""
        self.width, self.height = size
        self.s = s
        self.eye = camera.height
        self.focal = camera.focal * self.width
        self.slope = centre_line.slope(s)
        self.middle = self.width * (0.5 + camera.pan)
        self.horizon = self.height * (camera.horizon - nod)
        # On whole metres of the street, whatever the camera's place: the straight pieces stay in place as it moves.
        self._grid = np.arange(np.floor(s) - BEND_BEHIND, np.floor(s) + BEND_AHEAD)
        self._bends = centre_line.offset(self._grid) - centre_line.offset(np.array(s)) - self.slope * (self._grid - s)

    def bend(self, s: Floats) -> Floats:
        """Return the sideways distance in metres of the street at `s`, any shape, from its tangent at the camera."""
        return np.interp(s, self._grid, self._bends)

    def to_camera(self, points: Floats) -> Floats:
        """Convert street coordinates (N, 3) to camera coordinates (N, 3)."""
        seen = np.empty_like(points)
        seen[:, 0] = points[:, 0] + self.bend(points[:, 2])
        seen[:, 1] = points[:, 1] - self.eye
        seen[:, 2] = points[:, 2] - self.s
        return seen

    def project(self, points: Floats) -> Floats:
        """Project camera coordinates (N, 3), all with z > 0, to pixels (N, 2); pixel centres lie at whole numbers."""
        scale = self.focal / points[:, 2]
        pixels = np.empty((len(points), 2))
        pixels[:, 0] = self.middle + points[:, 0] * scale - 0.5
        pixels[:, 1] = self.horizon - points[:, 1] * scale - 0.5
        return pixels

    def ground_rows(self) -> tuple[int, NDArray[np.float32]]:
        """Return the first row that shows ground, and the depth in metres of it and all rows below, (rows,) float32."""
        first = min(max(int(np.ceil(self.horizon)), 0), self.height)
        rows = np.arange(first, self.height) + 0.5 - self.horizon
        return first, np.minimum(self.focal * self.eye / np.maximum(rows, 1e-3), 2000).astype(np.float32)


def clip_near(points: Floats) -> Floats:
    """Return the part of a polygon, (N, 3) camera coordinates, ahead of the near plane; (0, 3) where there is none."""
    ahead = points[:, 2] >= NEAR
    if ahead.all():
        return points
    if not ahead.any():
        return points[:0]
    kept = []
    for i, (point, inside) in enumerate(zip(points, ahead, strict=True)):
        before, was_inside = points[i - 1], ahead[i - 1]
        if inside != was_inside:
            kept.append(before + (NEAR - before[2]) / (point[2] - before[2]) * (point - before))
        if inside:
            kept.append(point)
    return np.array(kept)


def cross(a: Floats, b: Floats) -> Floats:
    """Return cross products of (N, 3) vectors, several times faster than `numpy.cross`."""
    product = np.empty_like(a)
    product[:, 0] = a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1]
    product[:, 1] = a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]
    product[:, 2] = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return product
