"""Bodies made of limbs, each the hull of a few spheres."""

import math
from dataclasses import dataclass

import numpy as np

from roadseg.streets.drawing.canvas import Canvas
from roadseg.streets.drawing.view import NEAR
from roadseg.streets.scene import Colour, Floats

Joint = tuple[float, float, float]
"""(right, up, forward) in metres about the point on the ground."""


@dataclass(frozen=True)
class _Limb:
    """Hull of the spheres from `first` to `end` of its puppet."""

    first: int
    end: int
    colour: Colour
    label: int | None
    nearer: float


class Puppet:
    """Collects limbs around a point of the street, then places and draws them, far ones first."""

    def __init__(self, canvas: Canvas, u: float, s: float, heading: float) -> None:
        self._canvas = canvas
        self._place = (u, s)
        self._sin, self._cos = math.sin(heading), math.cos(heading)
        self._joints: list[Joint] = []
        self._radii: list[float] = []
        self._limbs: list[_Limb] = []

    def camera(self, joints: list[Joint]) -> Floats:
        """Return joints in camera coordinates, (N, 3)."""
        right, up, forward = np.array(joints).T
        u, s = self._place
        street = (u + right * self._cos + forward * self._sin, up, s + forward * self._cos - right * self._sin)
        return self._canvas.view.to_camera(np.stack(street, 1))

    def limb(self, spheres: list[tuple[Joint, float]], colour: Colour, label: int | None, nearer: float = 0.0) -> None:
        """Add the hull of (joint, radius) spheres; `nearer` moves it forward in the painting order by metres."""
        first = len(self._joints)
        self._joints += [joint for joint, _ in spheres]
        self._radii += [radius for _, radius in spheres]
        self._limbs.append(_Limb(first, len(self._joints), colour, label, nearer))

    def draw(self) -> None:
        """Draw all limbs, unless they reach up to the camera."""
        points = self.camera(self._joints)
        depths = points[:, 2]
        if depths.min() < NEAR:
            return
        pixels, radii = self._canvas.view.project(points), np.array(self._radii) * self._canvas.view.focal / depths
        order = [(float(depths[limb.first : limb.end].mean()) - limb.nearer, limb) for limb in self._limbs]
        for depth, limb in sorted(order, key=lambda pair: -pair[0]):
            part = slice(limb.first, limb.end)
            self._canvas.hull(pixels[part], radii[part], self._canvas.tone(limb.colour, depth), limb.label)
