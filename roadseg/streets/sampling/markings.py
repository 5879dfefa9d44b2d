"""Markings painted on, or set into, the ground: lines, kerbs, rails, medians, crossings, repairs and cracks."""

from itertools import pairwise

import numpy as np

from roadseg.streets.classes import SIDEWALK, TERRAIN
from roadseg.streets.sampling.draws import between, chance, grey, hsv, index, pick, varied
from roadseg.streets.sampling.layout import PARKING_WIDTH, Layout
from roadseg.streets.sampling.settings import Setting
from roadseg.streets.sampling.symbols import arrow, bicycle
from roadseg.streets.scene import Colour, Line, Patch

WHITE: Colour = (226, 226, 220)
YELLOW: Colour = (222, 178, 52)
DUST: tuple[Colour, ...] = ((168, 138, 104), (186, 160, 124), (150, 118, 88), (142, 128, 108))
LANE_HUES = ((0.98, 1.03), (0.3, 0.42), (0.55, 0.62))
MEDIAN_HALF = 0.45
MEDIAN_HEIGHT = 0.22


def grass(rng: np.random.Generator) -> Colour:
    """Draw a colour of grass, fresh or dry."""
    if chance(rng, 0.7):
        return hsv(rng, (0.2, 0.3), (0.35, 0.65), (0.32, 0.55))
    return hsv(rng, (0.11, 0.19), (0.3, 0.5), (0.45, 0.62))


class Markings:
    """Everything painted on, or set into, the road."""

    def __init__(
        self, rng: np.random.Generator, setting: Setting, layout: Layout, road: Colour, made: list[bool], kerb: float
    ) -> None:
        self._rng, self._setting, self._layout, self._road, self._made = rng, setting, layout, road, made
        self._kerb_height = kerb
        worn = between(rng, (0.0, 0.6)) ** 2  # worn paint takes on the road's colour
        self._white = _blend(varied(rng, WHITE, 0.1), road, worn)
        self._yellow = _blend(varied(rng, YELLOW, 0.1), road, worn)

    def lines(self) -> list[Line]:
        """Return kerbs, edge lines, lane lines, rails and the median."""
        return [
            *self._coloured_lanes(),
            *self._seams(),
            *self._slabs(),
            *self._gutters(),
            *self._feet(),
            *self._kerbs(),
            *self._lane_lines(),
            *self._rails(),
            *self._median(),
        ]

    def _coloured_lanes(self) -> list[Line]:
        """Return lanes for buses or bicycles, at times in red, green or blue."""
        rng, layout = self._rng, self._layout
        if self._setting.warm or not self._setting.people or not chance(rng, 0.08):
            return []
        tone = _blend(self._road, hsv(rng, LANE_HUES[index(rng, 3)], (0.4, 0.7), (0.35, 0.6)), between(rng, (0.3, 0.9)))
        lane = layout.lanes[index(rng, len(layout.lanes))]
        return [Line(lane.u, layout.lane_width * between(rng, (0.4, 0.95)), tone)]

    def _seams(self) -> list[Line]:
        """Return the seams between strips of asphalt."""
        count = pick(self._rng, {0: 0.5, 1: 0.3, 2: 0.2})
        return [
            Line(
                between(self._rng, self._layout.road),
                between(self._rng, (0.03, 0.09)),
                varied(self._rng, self._road, 0.3),
            )
            for _ in range(count)
        ]

    def _slabs(self) -> list[Line]:
        """Return joints along paved sidewalks."""
        rng, layout = self._rng, self._layout
        if not chance(rng, 0.4):
            return []
        spacing, rise = between(rng, (0.5, 1.3)), (self._kerb_height, self._kerb_height)
        tone = _blend(self._road, (20, 20, 20), between(rng, (0.0, 0.4)))
        return [
            Line(layout.edge(side) + side * (0.2 + spacing * joint), 0.02, tone, rise=rise)
            for side, made in zip((-1, 1), self._made, strict=True)
            if made
            for joint in range(1, int(abs(layout.plot(side) - layout.edge(side)) / spacing))
        ]

    def _feet(self) -> list[Line]:
        """Return the dark and dirty strip at the foot of walls and fences."""
        layout, tone = self._layout, _blend(self._road, (20, 20, 20), between(self._rng, (0.2, 0.6)))
        width = between(self._rng, (0.15, 0.5))
        return [Line(layout.plot(side) - side * width / 2, width, tone) for side in (-1, 1)]

    def _gutters(self) -> list[Line]:
        """Return dirt, or paving, along the edges of the road."""
        rng = self._rng
        if not chance(rng, 0.5):
            return []
        tone, width = varied(rng, self._road, 0.25), between(rng, (0.25, 0.6))
        if self._setting.verge_dry > 0.5:
            tone = _blend(DUST[index(rng, len(DUST))], self._road, between(rng, (0.2, 0.7)))
        return [Line(self._layout.edge(side) - side * width / 2, width, tone) for side in (-1, 1)]

    def _kerbs(self) -> list[Line]:
        rng, lines = self._rng, []
        striped = chance(rng, self._setting.striped_kerb)
        tone = grey(rng, 84, 198)
        edging = pick(rng, {"": 0.5, "white": 0.2, "yellow": 0.12, "double": 0.18})
        for side, made in zip((-1, 1), self._made, strict=True):
            edge = self._layout.edge(side)
            if made or striped:
                height = self._kerb_height if made else 0.15
                lines += self._kerb(edge, side, 0.22 if striped else 0.16, height, tone, striped=striped)
            if edging:
                colour = self._white if edging == "white" else self._yellow
                for step in (0.25, 0.5) if edging == "double" else (0.3,):
                    lines.append(Line(edge - side * step, 0.11, colour))
        return lines

    def _kerb(self, u: float, side: int, width: float, height: float, tone: Colour, *, striped: bool) -> list[Line]:
        """Return a row of stones beside `u`, on its `side`: their tops, and their shaded faces towards the camera."""
        if not striped:
            return self._stones(u, side, width, height, tone, 0.0)
        stones = between(self._rng, (0.5, 1.1))
        paint = pick(self._rng, {((222, 222, 216), (38, 38, 40)): 0.65, ((220, 178, 44), (38, 38, 40)): 0.35})
        light, dark = (_blend(tint, tone, between(self._rng, (0.0, 0.4))) for tint in paint)
        return [
            *self._stones(u, side, width, height, light, 0.0), *self._stones(u, side, width, height, dark, stones)
        ]  # fmt: skip

    def _stones(self, u: float, side: int, width: float, height: float, tone: Colour, length: float) -> list[Line]:
        # The lower edge of the face is the one towards the middle of the road.
        face = (0.0, height) if side > 0 else (height, 0.0)
        shapes = [(u + side * width / 2, width, tone, (height, height))]
        if height:
            shapes.append((u, 0.01, _blend(tone, (0, 0, 0), 0.3), face))
        return [Line(u, width, tone, length or 1.0, length, SIDEWALK, rise) for u, width, tone, rise in shapes]

    def _lane_lines(self) -> list[Line]:
        rng, layout = self._rng, self._layout
        if not chance(rng, 0.88):
            return []
        lines = []
        dash, gap = between(rng, (1.5, 4.0)), between(rng, (1.5, 5.0))
        width = between(rng, (0.1, 0.18))
        ordered = sorted(layout.lanes, key=lambda lane: lane.u)
        for left, right in pairwise(ordered):
            middle = (left.u + right.u) / 2
            if left.direction == right.direction:
                lines.append(Line(middle, width, self._white, dash, gap))
            elif layout.median is None:
                colour = self._yellow if chance(rng, 0.25) else self._white
                kind = pick(rng, {"dashed": 0.5, "solid": 0.3, "double": 0.2})
                if kind == "dashed":
                    lines.append(Line(middle, width, colour, dash, gap))
                elif kind == "solid":
                    lines.append(Line(middle, width, colour))
                else:
                    lines += [Line(middle + step, width, colour) for step in (-0.15, 0.15)]
        for side, parked in zip((-1, 1), layout.parking, strict=True):
            if parked and chance(rng, 0.5):
                lines.append(
                    Line(layout.edge(side) - side * PARKING_WIDTH, 0.1, self._white, 1.0, between(rng, (0, 1)))
                )
        return lines

    def _rails(self) -> list[Line]:
        steel = grey(self._rng, 40, 62)
        shine = grey(self._rng, 130, 170)
        return [
            Line(lane.u + side * 0.72 + shift, width, colour)
            for lane in self._layout.lanes
            if lane.tram
            for side in (-1, 1)
            for shift, width, colour in ((0.0, 0.16, steel), (0.02, 0.06, shine))
        ]

    def _median(self) -> list[Line]:
        """Return a raised strip between the directions, seen as its top."""
        median = self._layout.median
        if median is None:
            return []
        rng = self._rng
        striped = chance(rng, 0.2 + 0.7 * self._setting.striped_kerb)
        side = 1 if median > 0 else -1
        near = median - side * MEDIAN_HALF
        half = MEDIAN_HALF if chance(rng, 0.6) else 0.2  # low stones or a kerbed strip
        edge = self._kerb(near, side, 2 * half, MEDIAN_HEIGHT, grey(rng, 120, 190), striped=striped)
        if half == MEDIAN_HALF and not striped and chance(rng, 0.5):
            edge.append(Line(near + side * half, half, grass(rng), label=TERRAIN, rise=(MEDIAN_HEIGHT,) * 2))
        return edge

    def patches(self, length: float) -> list[Patch]:
        """Return repairs, manholes, zebra crossings, stop lines, arrows and bicycles."""
        rng, layout = self._rng, self._layout
        left, right = layout.road
        found = []
        for _ in range(int(rng.poisson(length / 30))):
            u, s = between(rng, (left, right)), between(rng, (2.0, length))
            half, deep = between(rng, (0.25, 1.4)), between(rng, (0.4, 6.0))
            found.append(_rectangle(u - half, u + half, s, s + deep, varied(rng, self._road, 0.34)))
        for _ in range(int(rng.poisson(length / 45))):
            u, s = between(rng, (left, right)), between(rng, (3.0, length))
            found.append(_ellipse(u, s, 0.33, varied(rng, (66, 62, 58), 0.25)))
        for _ in range(int(rng.poisson(length / 60))):
            found += self._crack(between(rng, (left, right)), between(rng, (3.0, min(length, 40.0))))
        crossings = [j.start - 4.5 for j in layout.junctions if chance(rng, 0.6)]
        crossings += [between(rng, (5.0, length))] if self._setting.people and chance(rng, 0.22) else []
        for s in crossings:
            found += self._crossing(s)
        for lane in layout.lanes:
            if lane.direction > 0 and chance(rng, 0.2):
                found.append(arrow(lane.u, between(rng, (5.0, min(length, 60.0))), self._white))
            if self._setting.people and not self._setting.warm and chance(rng, 0.2):
                found += bicycle(lane.u + between(rng, (-1.0, 1.0)), between(rng, (4.0, 30.0)), self._white)
        return found

    def _crack(self, u: float, s: float) -> list[Patch]:
        """Return a crack, at times sealed with tar, that wanders along or across the road."""
        rng, found = self._rng, []
        tone, half = varied(rng, _blend(self._road, (20, 20, 22), 0.55), 0.1), between(rng, (0.015, 0.05))
        across = chance(rng, 0.4)
        for _ in range(index(rng, 6) + 2):
            du, ds = (between(rng, (0.3, 1.2)), between(rng, (-0.3, 0.3)))
            if not across:
                du, ds = ds, 2 * du
            side = (half, 0.0) if not across else (0.0, half)
            corners = ((u - side[0], s - side[1]), (u + side[0], s + side[1]))
            u, s = u + du, s + ds
            found.append(Patch((*corners, (u + side[0], s + side[1]), (u - side[0], s - side[1])), tone))
        return found

    def _crossing(self, s: float) -> list[Patch]:
        left, right = self._layout.road
        deep = between(self._rng, (2.2, 3.6))
        bars = np.arange(left + 0.3, right - 0.3, 1.0)
        found = [_rectangle(float(u), float(u) + 0.5, s, s + deep, self._white) for u in bars]
        ours = [lane.u for lane in self._layout.lanes if lane.direction > 0]
        half = self._layout.lane_width / 2
        found.append(_rectangle(min(ours) - half, max(ours) + half, s - 1.6, s - 1.25, self._white))
        return found


def _blend(colour: Colour, other: Colour, share: float) -> Colour:
    """Return `colour` mixed with a `share` of another."""
    red, green, blue = (c * (1 - share) + o * share for c, o in zip(colour, other, strict=True))
    return red, green, blue


def _rectangle(left: float, right: float, near: float, far: float, colour: Colour) -> Patch:
    return Patch(((left, near), (right, near), (right, far), (left, far)), colour)


def _ellipse(u: float, s: float, radius: float, colour: Colour) -> Patch:
    turn = np.arange(12) * np.pi / 6
    return Patch(tuple((u + radius * float(np.cos(a)), s + radius * float(np.sin(a))) for a in turn), colour)
