"""Symbols painted on lanes, stretched along the road so that drivers can read them."""

import math
from itertools import pairwise

from roadseg.streets.scene import Colour, Patch

_WHEEL = 0.34
_STROKE = 0.07
_STRETCH = 1.7
_CORNERS = 10


def arrow(u: float, s: float, colour: Colour) -> Patch:
    """Return an arrow straight ahead, its foot at (u, s)."""
    shape = ((-0.08, 0.0), (0.08, 0.0), (0.08, 1.8), (0.35, 1.8), (0.0, 3.2), (-0.35, 1.8), (-0.08, 1.8))
    return Patch(tuple((u + du, s + ds) for du, ds in shape), colour)


def bicycle(u: float, s: float, colour: Colour) -> list[Patch]:
    """Return a bicycle seen from its side, its wheels on both sides of (u, s)."""
    strokes: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for middle in (-0.5, 0.5):
        rim = [
            (middle + _WHEEL * math.cos(turn), _WHEEL * math.sin(turn))
            for turn in (2 * math.pi * corner / _CORNERS for corner in range(_CORNERS + 1))
        ]
        strokes += pairwise(rim)
    hub, crank, saddle, head = (-0.5, 0.0), (-0.08, 0.0), (-0.22, 0.45), (0.36, 0.42)
    bars = (0.22, 0.62)
    strokes += [(hub, crank), (hub, saddle), (crank, saddle), (crank, head), (saddle, head), ((0.5, 0.0), bars)]
    return [_stroke(u, s, start, end, colour) for start, end in strokes]


def _stroke(u: float, s: float, start: tuple[float, float], end: tuple[float, float], colour: Colour) -> Patch:
    du, ds = end[0] - start[0], end[1] - start[1]
    scale = _STROKE / 2 / math.hypot(du, ds)
    aside = (-ds * scale, du * scale)
    corners = (
        (start[0] - aside[0], start[1] - aside[1]),
        (end[0] - aside[0], end[1] - aside[1]),
        (end[0] + aside[0], end[1] + aside[1]),
        (start[0] + aside[0], start[1] + aside[1]),
    )
    return Patch(tuple((u + x, s + _STRETCH * y) for x, y in corners), colour)
