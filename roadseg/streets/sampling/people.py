"""People: looks, places and ways."""

import math
from collections.abc import Iterator

import numpy as np

from roadseg.streets.sampling.draws import between, chance, grey, hsv, index, pick, sign, varied
from roadseg.streets.sampling.layout import Layout
from roadseg.streets.sampling.settings import Setting
from roadseg.streets.scene import Colour, Cow, Figure, Person

SKINS: tuple[Colour, ...] = ((232, 190, 164), (214, 166, 134), (180, 126, 92), (140, 94, 66), (104, 68, 48))
HIDES: tuple[Colour, ...] = ((226, 220, 208), (150, 108, 74), (92, 66, 50), (46, 42, 42), (188, 170, 146))
HAIR: tuple[Colour, ...] = ((28, 22, 20), (52, 36, 26), (96, 68, 44), (160, 130, 84), (150, 146, 142))
NEAR = 0.35
"""Chance that a side of a still has people within 14 m of the camera, who are seen large."""


def sample_figure(rng: np.random.Generator, setting: Setting) -> Figure:
    """Draw the looks of a person; clothes are brighter in warm countries."""
    warm = setting.warm
    bright = chance(rng, 0.75 if warm else 0.3)
    top = hsv(rng, (0.0, 1.0), (0.35, 0.9), (0.4, 0.95)) if bright else grey(rng, 18, 170, 10)
    robe = chance(rng, 0.3 if warm else 0.1)
    legs = varied(rng, top, 0.25) if robe else grey(rng, 20, 110, 8)
    if not robe and chance(rng, 0.35):
        legs = hsv(rng, (0.58, 0.66), (0.3, 0.6), (0.2, 0.5))
    tones = SKINS[2:] if warm else SKINS
    child = chance(rng, 0.08)
    return Figure(
        height=between(rng, (1.0, 1.4)) if child else between(rng, (1.55, 1.88)),
        build=between(rng, (0.88, 1.16)),
        skin=varied(rng, tones[index(rng, len(tones))], 0.1),
        top=top,
        legs=legs,
        hair=varied(rng, HAIR[index(rng, 2 if warm else len(HAIR))], 0.2),
        robe=robe,
        bag=sign(rng) if chance(rng, 0.3) else 0,
    )


def sample_people(rng: np.random.Generator, setting: Setting, layout: Layout, length: float) -> Iterator[Person]:
    """Draw people on both sides, alone and in groups; in stills some of them near the camera, and some who cross the
    road."""
    density = setting.people * pick(rng, {0.15: 0.25, 0.7: 0.35, 1.3: 0.25, 2.6: 0.15})
    near = NEAR if length == 0 and setting.people else 0.0
    for side in (-1, 1):
        width = abs(layout.plot(side) - layout.edge(side))
        beside = int(chance(rng, near))
        for number in range(beside + int(rng.poisson(density * (length + 50) / 100))):
            u = layout.edge(side) + side * between(rng, (0.3, max(width - 0.3, 0.9)))
            s = between(rng, (3.5, 14.0) if number < beside else (3.0, length + 50))
            walks = chance(rng, 0.7)
            heading = (0.0 if chance(rng, 0.5) else math.pi) if walks else between(rng, (0, 6.28))
            for member in range(pick(rng, {1: 0.66, 2: 0.26, 3: 0.08})):
                shift = member * between(rng, (0.5, 0.7))
                pace = 1.3 if walks else 0.0
                yield Person(
                    sample_figure(rng, setting),
                    u + side * shift,
                    s + 0.2 * shift,
                    heading,
                    pace,
                    between(rng, (0, 6.28)),
                )
    if length == 0:
        crossing = {0: 0.5, 1: 0.25, 3: 0.25} if setting.warm else {0: 0.6, 1: 0.25, 3: 0.15}
        for _ in range(pick(rng, crossing) if setting.people else 0):
            u, heading = between(rng, layout.road), math.pi / 2 * sign(rng) + between(rng, (-0.4, 0.4))
            yield Person(
                sample_figure(rng, setting), u, between(rng, (6.0, 40.0)), heading, 1.3, between(rng, (0, 6.28))
            )


def sample_cattle(rng: np.random.Generator, setting: Setting, layout: Layout, length: float) -> Iterator[Cow]:
    """Draw cows along the edges of the road, in small groups."""
    for _ in range(int(rng.poisson(setting.cattle * (length + 50) / 100))):
        side, s = sign(rng), between(rng, (5.0, length + 50))
        for member in range(pick(rng, {1: 0.6, 2: 0.25, 3: 0.15})):
            u = layout.edge(side) + side * between(rng, (-1.5 if length == 0 else 0.6, 3.0))
            colour = varied(rng, HIDES[index(rng, len(HIDES))], 0.15)
            yield Cow(u, s + 1.4 * member, between(rng, (0.0, 6.28)), colour)
