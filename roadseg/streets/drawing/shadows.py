"""Shadows on the ground: blocked sunlight, and the dark beneath vehicles."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.streets.drawing.canvas import FRACTION_BITS, fixed_point
from roadseg.streets.drawing.view import View, clip_near
from roadseg.streets.scene import (
    Atmosphere,
    Barrier,
    Building,
    Cable,
    Cow,
    Floats,
    Hoarding,
    Person,
    Post,
    StreetObject,
    Tree,
    TwoWheeler,
    Vehicle,
)

LONGEST = 2.5
"""Greatest length of a shadow relative to the height of its object."""
_Solid = Building | Barrier | Hoarding | Cow | Tree | Post | Vehicle | Person | TwoWheeler
UNDERNEATH = 0.4
"""Share of the light that reaches the ground beneath vehicles."""
_OCTAGON = np.stack([np.cos(np.arange(10) * np.pi / 5), np.sin(np.arange(10) * np.pi / 5)], 1)


@dataclass(frozen=True)
class Shadow:
    """A dark polygon on the ground."""

    corners: Floats
    """(N, 2) street coordinates (u, s)."""
    light: float
    """Share of the light that remains, 0..1."""

    def draw(self, view: View, layer: NDArray[np.uint8], first: int) -> None:
        """Darken `layer`, the image's rows from `first`, where 255 means no shadow."""
        points = np.insert(self.corners, 1, 0.0, axis=1)
        seen = clip_near(view.to_camera(points))
        if len(seen) < 3:
            return
        cv2.fillPoly(
            layer, [fixed_point(view.project(seen) - (0, first))], 255 * self.light, cv2.LINE_AA, FRACTION_BITS
        )


def cast(objects: list[StreetObject], atmosphere: Atmosphere) -> Iterator[Shadow]:
    """Yield the shadows of all objects, the darkest last, as they are painted over each other."""
    right, up, ahead = atmosphere.sun_direction
    sun, sky = max(atmosphere.sun) * up, max(atmosphere.ambient)
    reach = np.array((-right, -ahead)) / max(up, 0.15)
    reach *= min(1.0, LONGEST / (float(np.linalg.norm(reach)) + 1e-9))
    light = sky / (sky + sun) if sun > 0.05 else 1.0
    if light < 1:
        for thing in objects:
            if not isinstance(thing, Cable):
                base, top, height = _footprint(thing)
                yield Shadow(_hull(np.concatenate([base, top + reach * height])), light)
    for thing in objects:
        if isinstance(thing, Vehicle):
            shape = _rectangle(thing.u, thing.s, thing.model.width * 1.06, thing.model.length * 1.02, thing.heading)
            yield Shadow(shape, UNDERNEATH * max(light, 0.6))


def _footprint(thing: _Solid) -> tuple[Floats, Floats, float]:
    """Return the outlines (N, 2) of foot and top in street coordinates, and the height of the top in metres."""
    if isinstance(thing, Building):
        away = np.sign(thing.u) * thing.depth
        corners = np.array(
            [(thing.u, thing.start), (thing.u + away, thing.start), (thing.u + away, thing.end), (thing.u, thing.end)]
        )
        return corners, corners, thing.height
    if isinstance(thing, Barrier):
        line = np.array([(thing.u, thing.start), (thing.u, thing.end)])
        return line, line, thing.height * 0.9
    if isinstance(thing, Vehicle):
        corners = _rectangle(thing.u, thing.s, thing.model.width, thing.model.length, thing.heading)
        return corners, corners, thing.model.height * 0.85
    if isinstance(thing, Tree):
        foot = np.array([(thing.u, thing.s)])
        return foot, foot + _OCTAGON * thing.width * 0.34, thing.height * 0.6
    if isinstance(thing, Hoarding):
        line = np.array([(thing.left, thing.s), (thing.right, thing.s)])
        return line, line, thing.top
    if isinstance(thing, Post):
        foot = np.array([(thing.u - thing.radius, thing.s), (thing.u + thing.radius, thing.s)])
        return foot, foot, thing.height
    foot = np.array([(thing.u, thing.s)]) + _OCTAGON * (0.22 if isinstance(thing, Person) else 0.3)
    return foot, foot, 1.5


def _rectangle(u: float, s: float, width: float, length: float, heading: float) -> Floats:
    sin, cos = np.sin(heading), np.cos(heading)
    right, ahead = np.array((cos, -sin)) * width / 2, np.array((sin, cos)) * length / 2
    middle = np.array((u, s))
    return np.array([middle - right - ahead, middle + right - ahead, middle + right + ahead, middle - right + ahead])


def _hull(points: Floats) -> Floats:
    return np.asarray(cv2.convexHull(points.astype(np.float32))[:, 0], np.float64)
