"""The cross-section of a street."""

from dataclasses import dataclass

import numpy as np

from roadseg.streets.sampling.draws import between, chance, index, pick
from roadseg.streets.sampling.settings import Setting
from roadseg.streets.scene import Junction

PARKING_WIDTH = 2.2


@dataclass(frozen=True)
class Lane:
    """A lane: its middle, and 1 for the camera's direction or -1 for oncoming traffic."""

    u: float
    direction: int
    tram: bool = False


@dataclass(frozen=True)
class Layout:
    """Places of things across the street; the camera drives along u = 0."""

    lanes: tuple[Lane, ...]
    lane_width: float
    left_hand: bool
    road: tuple[float, float]
    """Left and right edge of the carriageway, including parking."""
    parking: tuple[bool, bool]
    outer: tuple[float, float]
    """Left and right outer edges of the sidewalks, where plots begin."""
    junctions: tuple[Junction, ...]
    median: float | None

    def edge(self, side: int) -> float:
        """Return the carriageway's edge on a side, -1 or 1."""
        return self.road[(side + 1) // 2]

    def plot(self, side: int) -> float:
        """Return the edge of the plots on a side, -1 or 1."""
        return self.outer[(side + 1) // 2]

    def blocked(self, start: float, end: float) -> bool:
        """Return True if a side street lies between `start` and `end`."""
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
    # Lanes are counted from the edge on which traffic drives; mirrored afterwards for traffic on the right.
    lanes = []
    for lane in range(count):
        u = (lane - own) * width + (gap if lane >= ours else 0.0)
        lanes.append((u, 1 if lane < ours else -1))
    if median is not None:
        median = (ours - own - 0.5) * width + gap / 2
    near = -(own + 0.5) * width - between(rng, setting.shoulder)
    far = (count - own - 0.5) * width + gap + between(rng, setting.shoulder)
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
        junctions=_junctions(rng, length) if setting.side_streets else (),
        median=None if median is None else mirror * median,
    )


def _tram_lanes(lanes: list[tuple[float, int]], ours: int) -> set[int]:
    """Choose the lanes of trams: the middle of the street, or the only lane."""
    return {i for i in (ours - 1, ours) if 0 <= i < len(lanes)}


def _junctions(rng: np.random.Generator, length: float) -> tuple[Junction, ...]:
    found = []
    s = between(rng, (6.0, 110.0))
    while s < length:
        end = s + between(rng, (5.0, 10.0))
        found.append(Junction(s, end))
        s = end + between(rng, (40.0, 160.0))
    return tuple(found)
