"""Parts that vehicles of all kinds share: wheels, windows, lamps."""

import math
from collections.abc import Iterable

from roadseg.streets.drawing.mesh import Face, Point, Quad, Solid, patch
from roadseg.streets.scene import Colour, VehicleModel

TYRE: Colour = (26, 26, 28)
BLACK: Colour = (22, 22, 24)
METAL: Colour = (132, 134, 138)
HEADLAMP: Colour = (236, 238, 232)
HEADLAMP_ON: Colour = (255, 252, 226)
TAIL_LAMP: Colour = (170, 24, 22)
TAIL_LAMP_ON: Colour = (255, 58, 40)
YELLOW_PLATE: Colour = (232, 214, 120)
WHITE_PLATE: Colour = (232, 232, 228)
_CIRCLE = tuple((math.sin(math.pi * step / 9), math.cos(math.pi * step / 9)) for step in range(18))


def glass(model: VehicleModel, factor: float = 1.0) -> Colour:
    """Return the slightly blue grey of a model's windows."""
    grey = model.glass * factor
    return grey * 0.92, grey, grey * 1.08


def wheels(forwards: Iterable[float], half_width: float, radius: float, tyre: float = 0.2) -> list[Solid]:
    """Return wheels on both sides: tyres under the body, and their outer faces, which show on its flanks."""

    def disc(share: float, right: float, forward: float) -> tuple[Point, ...]:
        reach = radius * share
        return tuple((right, radius + reach * up, forward + reach * ahead) for up, ahead in _CIRCLE)

    solids = []
    for forward in forwards:
        for side in (-1, 1):
            outside, rim = side * half_width, side * (half_width - 0.02)
            inside = side * (half_width - tyre)
            solids.append(Solid([Face(disc(1, rim, forward), TYRE), Face(disc(1, inside, forward), TYRE)], layer=-5))
            face = Solid([Face(disc(1, outside, forward), TYRE), Face(disc(1, rim, forward), TYRE)], side=side)
            for share, grey in ((0.66, 96.0), (0.56, 158.0), (0.2, 60.0)):
                face.details.append(Face(disc(share, outside, forward), (grey, grey + 2, grey + 5)))
            solids.append(face)
    return solids


def end_quads(model: VehicleModel, low: float, high: float, half: float) -> tuple[Quad, Quad]:
    """Return upright quads over rear and front between two heights; first edge along the foot, left to right."""
    reach = model.length / 2
    rear: Quad = ((-half, low, -reach), (half, low, -reach), (half, high, -reach), (-half, high, -reach))
    front: Quad = ((-half, low, reach), (half, low, reach), (half, high, reach), (-half, high, reach))
    return rear, front


def lamps(model: VehicleModel, quad: Quad, *, front: bool, share: float, rows: tuple[float, float]) -> list[Face]:
    """Return a pair of lamps at the outer ends of a quad, each `share` of its width."""
    on = model.lights
    colour = (HEADLAMP_ON if on else HEADLAMP) if front else (TAIL_LAMP_ON if on else TAIL_LAMP)
    return [
        Face(patch(quad, across, rows), colour, glows=on) for across in ((0.02, 0.02 + share), (0.98 - share, 0.98))
    ]
