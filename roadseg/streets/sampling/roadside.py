"""Things along the street: houses, barriers, trees, posts, and the skyline behind them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from roadseg.streets.classes import BUILDING, FENCE, TERRAIN, VEGETATION, WALL
from roadseg.streets.sampling.draws import Range, between, chance, grey, hsv, index, pick, sign, tint
from roadseg.streets.sampling.layout import Layout
from roadseg.streets.sampling.posts import sample_posts
from roadseg.streets.sampling.settings import Setting
from roadseg.streets.scene import (
    Barrier,
    BarrierKind,
    Building,
    Colour,
    Hoarding,
    Ridge,
    StreetObject,
    Tree,
    TreeKind,
)
from roadseg.streets.textures import bank, barriers, facades

BEHIND = -8.0
"""Start of the furnished part in metres, before the start of the street."""
SEGMENT = 4.0
"""Length in metres of the pieces of fences, so that each can be behind or before other things."""
_BARRIERS: dict[BarrierKind, tuple[int, Range]] = {
    "railings": (FENCE, (0.9, 2.0)),
    "wall with railings": (FENCE, (0.8, 2.4)),
    "mesh": (FENCE, (1.2, 2.6)),
    "guard rail": (FENCE, (0.75, 0.95)),
    "boards": (FENCE, (1.0, 2.0)),
    "wall": (WALL, (0.7, 2.6)),
    "compound wall": (WALL, (1.6, 3.6)),
    "noise wall": (WALL, (2.2, 4.8)),
    "concrete barrier": (WALL, (0.8, 1.1)),
    "hedge": (VEGETATION, (0.8, 2.4)),
}
"""Label and range of heights in metres of each kind."""


def sample_roadside(
    rng: np.random.Generator, setting: Setting, layout: Layout, length: float
) -> Iterator[StreetObject]:
    """Furnish both sides of a street of `length` metres."""
    street = setting
    opened = sign(rng) if chance(rng, street.open_side) else 0
    for side in (-1, 1):
        setting = _gardens(street) if side == opened else street
        setback = between(rng, setting.setback)
        yield from _plots(rng, setting, layout, side, setback, length)
        if chance(rng, setting.barrier) and setback > 0.4:
            yield from _barrier(rng, setting, layout, side, length)
        elif setting.people and chance(rng, 0.12):
            yield from _railing(rng, layout, side, length)
        yield from _street_trees(rng, setting, layout, side, length)
        yield from sample_posts(rng, setting, layout, side, length)
        yield from _hoardings(rng, setting, layout, side, length)


def _gardens(setting: Setting) -> Setting:
    """Return the setting of a side with gardens, churchyards or lawns behind walls and railings."""
    return replace(setting, built=0.12, setback=(2.0, 8.0), barrier=0.95, trees_a_side=11.0)


def sample_ridges(rng: np.random.Generator, setting: Setting, *, night: bool) -> tuple[Ridge, ...]:
    """Draw the skyline, far layers first."""
    ridges = []
    for layer in range(index(rng, 3) + 1):
        weights = {VEGETATION: 0.6, BUILDING: 0.2 + 0.6 * setting.built, TERRAIN: 0.05}
        label = pick(rng, weights)
        colour: Colour = {
            VEGETATION: hsv(rng, (0.22, 0.36), (0.25, 0.5), (0.25, 0.42)),
            BUILDING: grey(rng, 110, 180, 14),
            TERRAIN: hsv(rng, (0.15, 0.3), (0.2, 0.4), (0.35, 0.5)),
        }[label]
        stretch = between(rng, (30.0, 90.0)) if label != TERRAIN else between(rng, (6.0, 16.0))
        height = between(rng, (0.025, 0.12)) * (1.0 if layer else 1.3)
        ridges.append(
            Ridge(
                label,
                colour,
                height,
                index(rng, bank.NOISES),
                stretch,
                label == BUILDING,
                between(rng, (0.88, 0.99)) if night else between(rng, (0.25, 0.75)) / (1 + layer),
            )
        )
    return tuple(ridges)


def _plots(
    rng: np.random.Generator, setting: Setting, layout: Layout, side: int, setback: float, length: float
) -> Iterator[StreetObject]:
    """Draw houses side by side, and trees on empty plots."""
    rows = pick(rng, setting.floors)
    storey = between(rng, (2.8, 3.5))
    terraced = setting.built == 1.0 or chance(rng, 0.6)
    s = BEHIND - between(rng, (0.0, 10.0))
    while s < length + 130:
        variant = index(rng, facades.VARIANTS)
        frontage = facades.BAYS[variant] * between(rng, (2.2, 3.6))
        end = s + max(frontage, 5.5)
        if layout.blocked(s - 1.0, end + 1.0):
            s += 2.0
            continue
        if chance(rng, setting.built):
            row = pick(rng, setting.floors) if chance(rng, 0.45) else rows
            gap = 0.0 if terraced else between(rng, (0.5, 4.0))
            yield _building(rng, layout, side, (s, end - gap), setback + between(rng, (0.0, 0.7)), row, variant, storey)
        else:
            yield from _garden(rng, setting, layout, side, s, end)
        s = end


def _building(
    rng: np.random.Generator,
    layout: Layout,
    side: int,
    span: tuple[float, float],
    setback: float,
    row: int,
    variant: int,
    storey: float,
) -> Building:
    floors = facades.FLOORS[row]
    pitched = floors <= 4 and chance(rng, 0.5)
    return Building(
        u=layout.plot(side) + side * (setback + 0.05),
        start=span[0],
        end=span[1],
        depth=between(rng, (7.0, 12.0)),
        height=floors * storey * between(rng, (0.92, 1.08)) + (0.0 if pitched else between(rng, (0.3, 1.0))),
        facade=row * facades.VARIANTS + variant,
        wall=index(rng, bank.WALLS),
        side_facade=row * facades.VARIANTS + index(rng, facades.VARIANTS) if chance(rng, 0.3) else None,
        tint=tint(rng, 0.8, 1.1),
        mirrored=chance(rng, 0.5),
        roof=pick(rng, {"gable": 0.65, "tent": 0.35}) if pitched else "flat",
        rise=between(rng, (1.4, 3.6)),
        roof_colour=hsv(rng, (0.0, 0.06), (0.3, 0.55), (0.35, 0.6)) if chance(rng, 0.5) else grey(rng, 60, 110, 8),
    )


def _tree(rng: np.random.Generator, kind: TreeKind, u: float, s: float) -> Tree:
    height = {"leafy": (4.5, 12.0), "bare": (5.0, 13.0), "palm": (6.0, 13.0), "bush": (1.2, 3.2)}[kind]
    tall = between(rng, height)
    wide = tall * between(
        rng, {"leafy": (0.75, 1.1), "bare": (0.8, 1.1), "palm": (0.7, 0.95), "bush": (1.0, 1.7)}[kind]
    )
    return Tree(kind, u, s, tall, wide, index(rng, bank.SPRITES[kind]), tint(rng, 0.75, 1.2), chance(rng, 0.5))


def _garden(
    rng: np.random.Generator, setting: Setting, layout: Layout, side: int, start: float, end: float
) -> Iterator[Tree]:
    for _ in range(int(rng.poisson((end - start) * 0.18))):
        kind = pick(rng, {**setting.trees, "bush": 0.35})
        yield _tree(rng, kind, layout.plot(side) + side * between(rng, (1.0, 13.0)), between(rng, (start, end)))


def _street_trees(
    rng: np.random.Generator, setting: Setting, layout: Layout, side: int, length: float
) -> Iterator[Tree]:
    """Draw a row of similar trees, or single ones."""
    if not chance(rng, 0.75):
        return
    kind = pick(rng, setting.trees)
    spacing = 100 / (setting.trees_a_side * between(rng, (0.4, 2.0)))
    width = abs(layout.plot(side) - layout.edge(side))
    offset = between(rng, (0.6, max(width, 0.9))) if width > 1.0 else width + 0.8
    s = between(rng, (3.0, 3.0 + spacing))
    while s < length + 90:
        if not layout.blocked(s - 1.5, s + 1.5):
            chosen = kind if chance(rng, 0.8) else pick(rng, setting.trees)
            beyond = 1.2 if chosen == "bush" else 0.0
            yield _tree(
                rng, chosen, layout.edge(side) + side * (max(offset, beyond + 0.4) + between(rng, (-0.2, 0.4))), s
            )
        s += spacing * between(rng, (0.7, 1.4))


def _barrier(rng: np.random.Generator, setting: Setting, layout: Layout, side: int, length: float) -> Iterator[Barrier]:
    """Draw a run of one kind of fence along the plots, open at side streets, at times of another kind."""
    s = BEHIND - 4
    u = layout.plot(side) + side * 0.02
    while s < length + 60:
        run = between(rng, (15.0, 90.0))
        kind = pick(rng, setting.barriers)
        label, heights = _BARRIERS[kind]
        texture, colour, height = _barrier_texture(rng, kind), tint(rng, 0.75, 1.15), between(rng, heights)
        for start in np.arange(s, s + run, SEGMENT).tolist():
            if not layout.blocked(start, start + SEGMENT):
                yield Barrier(kind, label, u, start, start + SEGMENT, height, texture, colour)
        s += np.ceil(run / SEGMENT) * SEGMENT + (between(rng, (3.0, 12.0)) if chance(rng, 0.5) else 0.0)


def _barrier_texture(rng: np.random.Generator, kind: BarrierKind) -> int:
    _, count = barriers.PAINTERS[kind]
    return index(rng, count)


def _railing(rng: np.random.Generator, layout: Layout, side: int, length: float) -> Iterator[Barrier]:
    """Draw a railing at the kerb."""
    kind: BarrierKind = "railings"
    texture, colour, height = _barrier_texture(rng, kind), tint(rng, 0.7, 1.2), between(rng, (0.9, 1.2))
    start = between(rng, (0.0, 15.0))
    for s in np.arange(start, min(start + between(rng, (12.0, 50.0)), length + 60), SEGMENT).tolist():
        if not layout.blocked(s, s + SEGMENT):
            yield Barrier(kind, FENCE, layout.edge(side) + side * 0.3, s, s + SEGMENT, height, texture, colour)


def _hoardings(
    rng: np.random.Generator, setting: Setting, layout: Layout, side: int, length: float
) -> Iterator[Hoarding]:
    """Draw large adverts on posts behind the sidewalk, or high up as on roofs."""
    for _ in range(int(rng.poisson(setting.hoardings * (length + 90) / 100))):
        wide, s = between(rng, (2.0, 8.0)), between(rng, (8.0, length + 90))
        inner = layout.plot(side) + side * between(rng, (-0.5, 4.0))
        bottom = between(rng, (1.2, 3.5)) if chance(rng, 0.65) else between(rng, (4.0, 8.0))
        left, right = sorted((inner, inner + side * wide))
        top = bottom + wide * between(rng, (0.4, 0.7))
        yield Hoarding(left, right, s, bottom, top, index(rng, bank.ADVERTS), bottom < 4.0)
