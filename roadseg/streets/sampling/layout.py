"""The cross-section of a street and what is painted on it."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from roadseg.streets.classes import ROAD, SIDEWALK, TERRAIN
from roadseg.streets.sampling.draws import between, chance, grey, hsv, index, pick, sign, varied
from roadseg.streets.sampling.settings import Setting
from roadseg.streets.scene import CentreLine, Colour, Junction, Line, Patch, Street, Strip
from roadseg.streets.textures.bank import GRITS, NOISES

WHITE: Colour = (226, 226, 220)
YELLOW: Colour = (222, 178, 52)
DUST: tuple[Colour, ...] = ((168, 138, 104), (186, 160, 124), (150, 118, 88), (142, 128, 108))
PARKING_WIDTH = 2.2


@dataclass(frozen=True)
class Lane:
    """A lane: its middle, and 1 for our direction or -1 for oncoming traffic."""

    u: float
    direction: int
    tram: bool = False


@dataclass(frozen=True)
class Layout:
    """Where things belong across the street; the camera drives along u = 0."""

    lanes: tuple[Lane, ...]
    lane_width: float
    left_hand: bool
    road: tuple[float, float]
    """Left and right edge of the carriageway, parking included."""
    parking: tuple[bool, bool]
    outer: tuple[float, float]
    """Left and right outer edges of the sidewalks, where plots begin."""
    junctions: tuple[Junction, ...]
    median: float | None

    def edge(self, side: int) -> float:
        """The carriageway's edge on a side, -1 or 1."""
        return self.road[(side + 1) // 2]

    def plot(self, side: int) -> float:
        """Where plots begin on a side, -1 or 1."""
        return self.outer[(side + 1) // 2]

    def blocked(self, start: float, end: float) -> bool:
        """Whether a side street lies between `start` and `end`."""
        return any(junction.start < end and start < junction.end for junction in self.junctions)


def sample_layout(rng: np.random.Generator, setting: Setting, length: float) -> Layout:
    """Draw the cross-section of a street `length` metres long."""
    width = between(rng, (2.9, 3.7))
    count = pick(rng, setting.lanes)
    left_hand = chance(rng, setting.left_hand)
    ours = max(1, (count + 1) // 2) if count > 1 else 1
    ours = count if chance(rng, 0.12) else ours
    own = index(rng, ours)
    median = None
    gap = 0.0
    if ours < count and count >= 2 and chance(rng, setting.median):
        gap = between(rng, (0.6, 1.4))
        median = 0.0
    # Lanes are counted from the edge that traffic keeps to; mirrored afterwards for traffic on the right.
    lanes = []
    for lane in range(count):
        u = (lane - own) * width + (gap if lane >= ours else 0.0)
        lanes.append((u, 1 if lane < ours else -1))
    if median is not None:
        median = (ours - own - 0.5) * width + gap / 2
    near = -(own + 0.5) * width - (between(rng, (0.0, 0.7)))
    far = (count - own - 0.5) * width + gap + between(rng, (0.0, 0.7))
    mirror = 1 if left_hand else -1
    parking = (chance(rng, setting.parking), chance(rng, setting.parking))
    left, right = (near, far) if left_hand else (-far, -near)
    left -= PARKING_WIDTH * parking[0]
    right += PARKING_WIDTH * parking[1]
    sidewalks = [between(rng, setting.sidewalk), between(rng, setting.sidewalk)]
    if chance(rng, 0.05):
        sidewalks[index(rng, 2)] = 0.3
    tram = chance(rng, setting.tram)
    trams = _tram_lanes(lanes, ours) if tram else set()
    return Layout(
        lanes=tuple(Lane(mirror * u, d, i in trams) for i, (u, d) in enumerate(lanes)),
        lane_width=width,
        left_hand=left_hand,
        road=(left, right),
        parking=parking,
        outer=(left - sidewalks[0], right + sidewalks[1]),
        junctions=_junctions(rng, length),
        median=None if median is None else mirror * median,
    )


def _tram_lanes(lanes: list[tuple[float, int]], ours: int) -> set[int]:
    """Trams keep to the middle of the street; on a one-lane street, to that lane."""
    return {i for i in (ours - 1, ours) if 0 <= i < len(lanes)}


def _junctions(rng: np.random.Generator, length: float) -> tuple[Junction, ...]:
    found = []
    s = between(rng, (6.0, 110.0))
    while s < length:
        end = s + between(rng, (5.0, 10.0))
        found.append(Junction(s, end))
        s = end + between(rng, (40.0, 160.0))
    return tuple(found)


def sample_street(rng: np.random.Generator, setting: Setting, layout: Layout, length: float) -> Street:
    """Draw the ground of a street with the given cross-section."""
    road = grey(rng, 62, 128, 6)
    dry = chance(rng, setting.verge_dry)
    verge = varied(rng, DUST[index(rng, len(DUST))], 0.12) if dry else _grass(rng)
    paved: Colour = grey(rng, 110, 188, 9) if chance(rng, 0.8) else hsv(rng, (0.0, 0.09), (0.2, 0.4), (0.5, 0.72))
    strips: list[Strip] = []
    made: list[bool] = []
    # Plots are paved up to the houses in towns; elsewhere the verge lies between.
    if setting.built > 0.6 and chance(rng, 0.75):
        strips.append(Strip(layout.outer[0] - 14, layout.outer[1] + 14, SIDEWALK, varied(rng, paved, 0.12)))
    for side in (-1, 1):
        edge, outer = layout.edge(side), layout.plot(side)
        left, right = sorted((edge, outer))
        made.append(chance(rng, setting.made_sidewalk))
        if made[-1]:
            strips.append(Strip(left - 0.02, right + 0.02, SIDEWALK, paved))
            if right - left > 2.6 and chance(rng, 0.2):  # a green strip along the kerb
                inner = edge + side * 0.3
                green = sorted((inner, inner + side * between(rng, (0.8, 1.6))))
                strips.append(Strip(green[0], green[1], TERRAIN, verge))
        else:
            colour = verge if chance(rng, 0.3) else varied(rng, DUST[index(rng, len(DUST))], 0.12)
            strips.append(Strip(left - 1.0, right + 1.0, TERRAIN, colour, ragged=0.5))
    ragged = 0.0 if all(made) else 0.55
    strips.append(Strip(layout.road[0], layout.road[1], ROAD, road, ragged=ragged))
    paint = _Paint(rng, setting, layout, road, made)
    return Street(
        centre_line=_centre_line(rng),
        verge=verge,
        strips=tuple(strips),
        lines=tuple(paint.lines()),
        patches=tuple(paint.patches(length)),
        junctions=layout.junctions,
        road=road,
        road_left=layout.road[0],
        road_right=layout.road[1],
        joints=between(rng, (0.5, 1.6)) if chance(rng, 0.6) else 0.0,
        grain=(index(rng, GRITS), index(rng, NOISES)),
        roughness=between(rng, (0.1, 0.36)),
    )


def _grass(rng: np.random.Generator) -> Colour:
    if chance(rng, 0.7):
        return hsv(rng, (0.2, 0.3), (0.35, 0.65), (0.32, 0.55))
    return hsv(rng, (0.11, 0.19), (0.3, 0.5), (0.45, 0.62))


def _centre_line(rng: np.random.Generator) -> CentreLine:
    """Gentle bends: the curvature of each wave is amplitude / length squared."""
    strong = chance(rng, 0.5)
    waves = []
    for length in (between(rng, (70.0, 130.0)), between(rng, (160.0, 300.0))):
        curvature = between(rng, (0.0006, 0.003)) if strong else between(rng, (0.0, 0.0005))
        waves.append((sign(rng) * curvature * length**2 / 2, length, between(rng, (0.0, 6.28))))
    return CentreLine(tuple(waves))


class _Paint:
    """Everything painted on, or let into, the road."""

    def __init__(
        self, rng: np.random.Generator, setting: Setting, layout: Layout, road: Colour, made: list[bool]
    ) -> None:
        self._rng, self._setting, self._layout, self._road, self._made = rng, setting, layout, road, made
        self._white = varied(rng, WHITE, 0.1)

    def lines(self) -> list[Line]:
        """Kerbs, edge lines, lane lines, rails and the median."""
        return [*self._kerbs(), *self._lane_lines(), *self._rails(), *self._median()]

    def _kerbs(self) -> list[Line]:
        rng, lines = self._rng, []
        striped = chance(rng, self._setting.striped_kerb)
        tone = grey(rng, 120, 200)
        edging = pick(rng, {"": 0.55, "white": 0.2, "yellow": 0.15, "double": 0.1})
        for side, made in zip((-1, 1), self._made, strict=True):
            edge = self._layout.edge(side)
            if made or striped:
                lines += self._kerb(edge + side * 0.12, 0.26 if striped else 0.18, tone, striped=striped)
            if edging:
                colour = self._white if edging == "white" else YELLOW
                for step in (0.25, 0.5) if edging == "double" else (0.3,):
                    lines.append(Line(edge - side * step, 0.11, colour))
        return lines

    def _kerb(self, u: float, width: float, tone: Colour, *, striped: bool) -> list[Line]:
        if not striped:
            return [Line(u, width, tone, label=SIDEWALK)]
        stones = between(self._rng, (0.6, 1.1))
        dark = pick(self._rng, {(38.0, 38.0, 40.0): 0.7, (210.0, 170.0, 40.0): 0.3})
        return [Line(u, width, (222, 222, 216), label=SIDEWALK), Line(u, width, dark, stones, stones, SIDEWALK)]

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
                colour = YELLOW if chance(rng, 0.3) else self._white
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
        """A raised strip between the directions, seen as its top."""
        median = self._layout.median
        if median is None:
            return []
        rng = self._rng
        striped = chance(rng, 0.5 + 0.5 * self._setting.striped_kerb)
        edge = self._kerb(median, 0.8, grey(rng, 130, 190), striped=striped)
        if striped or chance(rng, 0.5):
            return edge
        return [*edge, Line(median, 0.5, _grass(rng), label=TERRAIN)]

    def patches(self, length: float) -> list[Patch]:
        """Repairs, manholes, zebra crossings, stop lines and arrows."""
        rng, layout = self._rng, self._layout
        left, right = layout.road
        found = []
        for _ in range(int(rng.poisson(length / 45))):
            u, s = between(rng, (left, right)), between(rng, (2.0, length))
            half, deep = between(rng, (0.25, 1.4)), between(rng, (0.4, 6.0))
            found.append(_rectangle(u - half, u + half, s, s + deep, varied(rng, self._road, 0.22)))
        for _ in range(int(rng.poisson(length / 70))):
            u, s = between(rng, (left, right)), between(rng, (3.0, length))
            found.append(_ellipse(u, s, 0.33, varied(rng, (66, 62, 58), 0.25)))
        crossings = [j.start - 4.5 for j in layout.junctions if chance(rng, 0.6)]
        crossings += [between(rng, (5.0, length))] if chance(rng, 0.22) else []
        for s in crossings:
            found += self._crossing(s)
        for lane in layout.lanes:
            if lane.direction > 0 and chance(rng, 0.2):
                found.append(_arrow(lane.u, between(rng, (5.0, min(length, 60.0))), self._white))
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


def _rectangle(left: float, right: float, near: float, far: float, colour: Colour) -> Patch:
    return Patch(((left, near), (right, near), (right, far), (left, far)), colour)


def _ellipse(u: float, s: float, radius: float, colour: Colour) -> Patch:
    turn = np.arange(12) * np.pi / 6
    return Patch(tuple((u + radius * float(np.cos(a)), s + radius * float(np.sin(a))) for a in turn), colour)


def _arrow(u: float, s: float, colour: Colour) -> Patch:
    shape = ((-0.08, 0.0), (0.08, 0.0), (0.08, 1.8), (0.35, 1.8), (0.0, 3.2), (-0.35, 1.8), (-0.08, 1.8))
    return Patch(tuple((u + du, s + ds) for du, ds in shape), colour)
