"""Solids made of flat faces: vehicles, kerbs, boxes.

Local coordinates are (right, up, forward) in metres about the middle of the footprint.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.streets.drawing.canvas import FRACTION_BITS, Canvas
from roadseg.streets.drawing.view import NEAR
from roadseg.streets.scene import Colour, Floats

Point = tuple[float, float, float]
Quad = tuple[Point, Point, Point, Point]
DETAIL_PIXELS = 7
"""Height in pixels below which the details of a solid are left out."""


@dataclass(frozen=True)
class Face:
    """A flat polygon; a glowing one is seen in its own colour whatever the light."""

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
    """-1 or 1 for what is mounted on the left or right, such as wheels: it goes behind all else when it faces away."""


class Mesh:
    """Solids as arrays, ready to be placed and drawn."""

    def __init__(self, solids: Sequence[Solid]) -> None:
        corners: list[Point] = []
        starts = [0]
        colours: list[Colour] = []
        glows: list[bool] = []
        self.spans: list[tuple[int, int, int]] = []  # first face, first detail, end
        for solid in solids:
            first = len(colours)
            middle = np.mean([c for face in solid.faces for c in face.corners], axis=0)
            for face in (*solid.faces, *solid.details):
                corners += _facing_away(face.corners, middle)
                starts.append(len(corners))
                colours.append(face.colour)
                glows.append(face.glows)
            self.spans.append((first, first + len(solid.faces), len(colours)))
        self.corners = np.array(corners, np.float64)
        self.starts = np.array(starts)
        self.colours = np.array(colours, np.float64)
        self.glows = np.array(glows)
        self.layers = [solid.layer for solid in solids]
        self.sides = [solid.side for solid in solids]


def _facing_away(corners: tuple[Point, ...], middle: NDArray[np.float64]) -> tuple[Point, ...]:
    """Order corners so that the normal points away from `middle`."""
    points = np.array(corners)
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    return corners if normal @ (points.mean(0) - middle) > 0 else corners[::-1]


def draw_mesh(canvas: Canvas, mesh: Mesh, place: tuple[float, float], heading: float, label: int) -> None:
    """Draw `mesh` standing at `place` (u, s), turned to `heading`."""
    right, up, forward = mesh.corners.T
    sin, cos = np.sin(heading), np.cos(heading)
    street = np.stack([place[0] + right * cos + forward * sin, up, place[1] + forward * cos - right * sin], 1)
    seen = canvas.view.to_camera(street)
    if seen[:, 2].max() < NEAR:
        return
    first = seen[mesh.starts[:-1]]
    normals = _cross(seen[mesh.starts[:-1] + 1] - first, seen[mesh.starts[:-1] + 2] - first)
    visible = (normals * first).sum(1) < 0
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    lit = np.where(mesh.glows[:, None], 1.0, canvas.light(normals)) * mesh.colours
    colours = canvas.through_haze(lit, np.maximum(first[:, 2], 0)).tolist()
    pixels = None
    if seen[:, 2].min() > NEAR:
        exact = canvas.view.project(seen)
        low, high = exact.min(0), exact.max(0)
        if high[0] < 0 or low[0] > canvas.view.width or high[1] < 0 or low[1] > canvas.view.height:
            return
        pixels = np.rint(np.clip(exact, -(1 << 14), 1 << 14) * (1 << FRACTION_BITS)).astype(np.int32)
    for index in _painting_order(mesh, seen, (cos, -sin)):
        if pixels is None:
            _draw_clipped(canvas, mesh, index, seen, visible, colours, label)
        else:
            _draw_whole(canvas, mesh, index, pixels, visible, colours, label)


def _painting_order(mesh: Mesh, seen: Floats, rightwards: tuple[float, float]) -> list[int]:
    """Solids from back to front; those mounted on a side go first when that side faces away."""
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
    # The hull under the faces keeps the background from shining through the seams between them.
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


def _cross(a: Floats, b: Floats) -> Floats:
    """Cross products of (N, 3) vectors, several times faster than `numpy.cross`."""
    product = np.empty_like(a)
    product[:, 0] = a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1]
    product[:, 1] = a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]
    product[:, 2] = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return product


def loft(profile: Sequence[tuple[float, float, float]], colour: Colour) -> list[Face]:
    """Faces of a body with a side outline of (forward, up, half width) points: two sides and the strips between."""
    left = tuple((-half, up, forward) for forward, up, half in profile)
    right = tuple((half, up, forward) for forward, up, half in profile)
    faces = [Face(left, colour), Face(right, colour)]
    for i in range(len(profile)):
        faces.append(Face((left[i - 1], right[i - 1], right[i], left[i]), colour))
    return faces


def box(
    forward: tuple[float, float], up: tuple[float, float], right: tuple[float, float], colour: Colour
) -> list[Face]:
    """Faces of a box given by its range along each axis."""
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
    """The part of a quad between shares of its first-to-second (`across`) and first-to-last (`along`) edges."""
    a, b, c, d = (np.array(corner) for corner in quad)

    def at(i: float, j: float) -> Point:
        x, y, z = ((a * (1 - i) + b * i) * (1 - j) + (d * (1 - i) + c * i) * j).tolist()
        return x, y, z

    (i0, i1), (j0, j1) = across, along
    return at(i0, j0), at(i1, j0), at(i1, j1), at(i0, j1)
