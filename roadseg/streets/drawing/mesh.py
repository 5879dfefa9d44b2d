"""Solids made of flat faces: vehicles, kerbs, boxes.

Local coordinates are (right, up, forward) in metres about the middle of the footprint.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.streets.drawing.canvas import FRACTION_BITS, Canvas, fixed_point
from roadseg.streets.drawing.view import NEAR, cross
from roadseg.streets.scene import Colour, Floats

Point = tuple[float, float, float]
Quad = tuple[Point, Point, Point, Point]
DETAIL_PIXELS = 7
"""Height in pixels below which the details of a solid are left out."""


@dataclass(frozen=True)
class Face:
    """A flat polygon; a glowing one keeps its own colour in any light."""

    corners: tuple[Point, ...]
    colour: Colour
    glows: bool = False


@dataclass
class Solid:
    """A convex body: its faces, and details painted on them."""

    faces: list[Face]
    details: list[Face] = field(default_factory=list)
    layer: int = 0
    """Solids of a higher layer are drawn later; those of one layer from far to near."""
    side: int = 0
    """-1 or 1 for parts mounted on the left or right, such as wheels: drawn behind all else when facing away."""


class Mesh:
    """Solids as arrays, ready to be placed and drawn."""

    def __init__(self, solids: Sequence[Solid]) -> None:
        faces = [face for solid in solids for face in (*solid.faces, *solid.details)]
        sizes = np.array([len(face.corners) for face in faces])
        self.starts = np.concatenate([[0], np.cumsum(sizes)])
        """Start of each face among the corners."""
        self.spans: list[tuple[int, int, int]] = []
        """First face, first detail and end of each solid among the faces."""
        for solid in solids:
            first = self.spans[-1][2] if self.spans else 0
            details = first + len(solid.faces)
            self.spans.append((first, details, details + len(solid.details)))
        self.corners = self._facing_outwards(np.array([corner for face in faces for corner in face.corners]), sizes)
        self.colours = np.array([face.colour for face in faces])
        self.glows = np.array([face.glows for face in faces])
        self.layers = [solid.layer for solid in solids]
        self.sides = [solid.side for solid in solids]

    def _facing_outwards(self, corners: Floats, sizes: NDArray[np.intp]) -> Floats:
        """Reverse the corners of faces whose normals point towards the middle of their solid."""
        starts = self.starts[:-1]
        normals = cross(corners[starts + 1] - corners[starts], corners[starts + 2] - corners[starts])
        outwards = np.add.reduceat(corners, starts) / sizes[:, None]
        for first, details, end in self.spans:
            outwards[first:end] -= corners[self.starts[first] : self.starts[details]].mean(0)
        order = np.arange(len(corners))
        for face in np.flatnonzero((normals * outwards).sum(1) < 0):
            part = slice(self.starts[face], self.starts[face + 1])
            order[part] = order[part][::-1]
        return corners[order]


def draw_mesh(canvas: Canvas, mesh: Mesh, place: tuple[float, float], heading: float, label: int) -> None:
    """Draw `mesh` standing at `place` (u, s), turned to `heading`."""
    right, up, forward = mesh.corners.T
    sin, cos = np.sin(heading), np.cos(heading)
    street = np.stack([place[0] + right * cos + forward * sin, up, place[1] + forward * cos - right * sin], 1)
    seen = canvas.view.to_camera(street)
    if seen[:, 2].max() < NEAR:
        return
    first = seen[mesh.starts[:-1]]
    normals = cross(seen[mesh.starts[:-1] + 1] - first, seen[mesh.starts[:-1] + 2] - first)
    visible = (normals * first).sum(1) < 0
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    lit = np.where(mesh.glows[:, None], 1.0, canvas.light(normals)) * mesh.colours
    depth = np.maximum(first[:, 2], 0)
    tones = canvas.through_haze(lit, depth)
    for face in np.flatnonzero(mesh.glows):
        tones[face] = canvas.glow(mesh.colours[face], float(depth[face]))
    colours = tones.tolist()
    pixels = None
    if seen[:, 2].min() > NEAR:
        exact = canvas.view.project(seen)
        low, high = exact.min(0), exact.max(0)
        if high[0] < 0 or low[0] > canvas.view.width or high[1] < 0 or low[1] > canvas.view.height:
            return
        pixels = fixed_point(exact)
    for index in _painting_order(mesh, seen, (cos, -sin)):
        if pixels is None:
            _draw_clipped(canvas, mesh, index, seen, visible, colours, label)
        else:
            _draw_whole(canvas, mesh, index, pixels, visible, colours, label)


def _painting_order(mesh: Mesh, seen: Floats, rightwards: tuple[float, float]) -> list[int]:
    """Return the solids from back to front; those mounted on a side go first when that side faces away."""
    keys = []
    for index, (first, details, _) in enumerate(mesh.spans):
        middle = seen[mesh.starts[first] : mesh.starts[details]].mean(0)
        layer = mesh.layers[index]
        if mesh.sides[index]:
            faces_us = mesh.sides[index] * (rightwards[0] * middle[0] + rightwards[1] * middle[2]) < 0
            layer = 10 + layer if faces_us else -10
        keys.append((layer, -middle[2], index))
    return [index for *_, index in sorted(keys)]


def _draw_whole(
    canvas: Canvas,
    mesh: Mesh,
    index: int,
    pixels: NDArray[np.int32],
    visible: NDArray[np.bool_],
    colours: list[Colour],
    label: int,
) -> None:
    first, details, end = mesh.spans[index]
    starts = mesh.starts
    hull = cv2.convexHull(pixels[starts[first] : starts[details]])
    tall = int(np.ptp(hull[:, 0, 1])) >> FRACTION_BITS
    shown = np.flatnonzero(visible[first : end if tall >= DETAIL_PIXELS else details]) + first
    if not len(shown):
        return
    # The hull under the faces prevents the background from shining through the seams between them.
    cv2.fillPoly(canvas.image, [hull], colours[shown[0]], cv2.LINE_AA, FRACTION_BITS)
    cv2.fillPoly(canvas.label, [hull], label, cv2.LINE_8, FRACTION_BITS)
    if tall >= 2:
        for face in shown:
            corners = pixels[starts[face] : starts[face + 1]]
            cv2.fillPoly(canvas.image, [corners], colours[face], cv2.LINE_AA, FRACTION_BITS)


def _draw_clipped(
    canvas: Canvas,
    mesh: Mesh,
    index: int,
    seen: Floats,
    visible: NDArray[np.bool_],
    colours: list[Colour],
    label: int,
) -> None:
    first, details, end = mesh.spans[index]
    for face in range(first, end):
        if visible[face]:
            corners = seen[mesh.starts[face] : mesh.starts[face + 1]]
            canvas.polygon(corners, colours[face], label if face < details else None)


def loft(profile: Sequence[tuple[float, float, float]], colour: Colour) -> list[Face]:
    """Return the faces of a body with a side outline of (forward, up, half width): two sides and the strips between."""
    left = tuple((-half, up, forward) for forward, up, half in profile)
    right = tuple((half, up, forward) for forward, up, half in profile)
    faces = [Face(left, colour), Face(right, colour)]
    for i in range(len(profile)):
        faces.append(Face((left[i - 1], right[i - 1], right[i], left[i]), colour))
    return faces


def box(
    forward: tuple[float, float], up: tuple[float, float], right: tuple[float, float], colour: Colour
) -> list[Face]:
    """Return the faces of a box given by its range along each axis."""
    (f0, f1), (y0, y1), (r0, r1) = forward, up, right
    corners = {
        (i, j, k): (r, y, f)
        for i, r in enumerate((r0, r1))
        for j, y in enumerate((y0, y1))
        for k, f in enumerate((f0, f1))
    }
    faces = []
    for axis in range(3):
        for end in (0, 1):
            ring = []
            for pair in ((0, 0), (0, 1), (1, 1), (1, 0)):
                key = list(pair)
                key.insert(axis, end)
                ring.append(corners[key[0], key[1], key[2]])
            faces.append(Face(tuple(ring), colour))
    return faces


def patch(quad: Quad, across: tuple[float, float], along: tuple[float, float]) -> Quad:
    """Return the part of a quad between shares of its first-to-second (`across`) and first-to-last (`along`) edges."""
    (i0, i1), (j0, j1) = across, along
    return _inside(quad, i0, j0), _inside(quad, i1, j0), _inside(quad, i1, j1), _inside(quad, i0, j1)


def _inside(quad: Quad, i: float, j: float) -> Point:
    """Interpolate a quad's corners bilinearly. Written out, as it is called hundreds of times for each vehicle."""
    a, b, c, d = quad
    p, q, r, s = (1 - i) * (1 - j), i * (1 - j), i * j, (1 - i) * j
    return (
        p * a[0] + q * b[0] + r * c[0] + s * d[0],
        p * a[1] + q * b[1] + r * c[1] + s * d[1],
        p * a[2] + q * b[2] + r * c[2] + s * d[2],
    )
