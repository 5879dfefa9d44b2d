"""Posts along the street: lamps, utility poles and their wires, signs, traffic lights, bollards."""

from collections.abc import Iterator

import numpy as np

from roadseg.streets.sampling.draws import between, chance, grey, index, pick, sign, varied
from roadseg.streets.sampling.layout import Layout
from roadseg.streets.sampling.settings import Setting
from roadseg.streets.scene import Board, BoardShape, Cable, Colour, Post, Signal


def sample_posts(
    rng: np.random.Generator, setting: Setting, layout: Layout, side: int, length: float
) -> Iterator[Post | Cable]:
    """Draw street lamps at even distances, occasional signs, traffic lights at junctions, and bollards."""
    edge, end = layout.edge(side), length + 90
    grey_tone = grey(rng, 50, 190, 8)
    utility = chance(rng, max(setting.cables, 0.15 + 0.3 * setting.verge_dry))
    if chance(rng, setting.lamps):
        spacing, height = between(rng, (16.0, 36.0)), between(rng, (5.5, 9.5))
        offset, radius, reach = between(rng, (0.4, 0.9)), between(rng, (0.045, 0.09)), between(rng, (0.8, 2.2))
        banded = utility and chance(rng, 0.3)
        s = between(rng, (3.0, 3.0 + spacing))
        while s < end:
            u = edge + side * offset
            if utility:
                yield Post(u, s, height, radius * 1.3, grey_tone, crossbar=True, banded=banded)
                if chance(rng, setting.cables):
                    yield from _wires(rng, (u, height - 0.2, s), spacing)
            else:
                yield Post(u, s, height, radius, grey_tone, arm=-side * reach, lamp=True)
            s += spacing
    s = between(rng, (4.0, 25.0))
    while s < end:
        yield _sign(rng, edge + side * between(rng, (0.35, 0.9)), s)
        s += between(rng, (9.0, 45.0)) / setting.signs
    for junction in layout.junctions:
        if chance(rng, 0.65 * min(setting.signs, 1.0)):
            yield _traffic_light(
                rng, edge + side * between(rng, (0.35, 0.7)), junction.start - between(rng, (0.5, 1.5)), side
            )
    if chance(rng, 0.25 * setting.signs):
        yield _traffic_light(rng, edge + side * between(rng, (0.35, 0.7)), between(rng, (7.0, 40.0)), side)
    if setting.people and chance(rng, 0.09):
        spacing, height = between(rng, (1.4, 2.8)), between(rng, (0.8, 1.05))
        start = between(rng, (3.0, 14.0))
        banded = chance(rng, 0.3)
        for s in np.arange(start, start + between(rng, (6.0, 30.0)), spacing).tolist():
            if not layout.blocked(s, s):
                yield Post(edge + side * 0.35, s, height, between(rng, (0.04, 0.08)), grey_tone, banded=banded)


def _wires(rng: np.random.Generator, top: tuple[float, float, float], spacing: float) -> Iterator[Cable]:
    """Draw wires from a utility pole to the next, and at times one across the street."""
    u, y, s = top
    for shift in (-0.7, 0.0, 0.7)[: 1 + index(rng, 3)]:
        yield Cable((u + shift, y, s), (u + shift, y, s + spacing), between(rng, (0.3, 0.9)))
    if chance(rng, 0.2):
        yield Cable(
            (u, y, s), (-u, y - between(rng, (0.0, 2.0)), s + between(rng, (0.0, 6.0))), between(rng, (0.2, 0.6))
        )


_SIGN_LOOKS: dict[str, tuple[BoardShape, Colour, Colour, Colour]] = {
    "prohibition": ("disc", (200, 24, 30), (240, 240, 238), (30, 30, 34)),
    "no stopping": ("disc", (200, 24, 30), (24, 70, 160), (200, 24, 30)),
    "mandatory": ("disc", (236, 238, 240), (20, 84, 170), (240, 240, 240)),
    "warning": ("triangle", (204, 26, 30), (240, 240, 236), (30, 30, 30)),
    "priority": ("diamond", (238, 238, 234), (240, 184, 30), (240, 184, 30)),
    "warning diamond": ("diamond", (30, 30, 30), (242, 182, 26), (30, 30, 30)),
    "parking": ("rectangle", (236, 238, 240), (22, 80, 168), (240, 240, 240)),
    "direction": ("rectangle", (236, 238, 240), (20, 110, 70), (240, 240, 240)),
    "name": ("rectangle", (40, 44, 52), (236, 236, 232), (40, 44, 52)),
    "works": ("rectangle", (30, 30, 30), (244, 170, 24), (30, 30, 30)),
}


def _sign(rng: np.random.Generator, u: float, s: float) -> Post:
    height = between(rng, (2.2, 3.1))
    boards, top = [], height - 0.05
    for _ in range(pick(rng, {1: 0.68, 2: 0.27, 3: 0.05})):
        shape, border, fill, symbol = _SIGN_LOOKS[pick(rng, dict.fromkeys(_SIGN_LOOKS, 1.0))]
        half = between(rng, (0.17, 0.36))
        wide = half * between(rng, (0.8, 1.7)) if shape == "rectangle" else half
        boards.append(Board(shape, top - half, wide, half, border, varied(rng, fill, 0.12), symbol, index(rng, 6)))
        top -= 2 * half + 0.06
    if chance(rng, 0.05):  # a large direction board
        half = between(rng, (0.5, 0.9))
        fill = pick(rng, {(22.0, 80.0, 168.0): 0.4, (16.0, 100.0, 64.0): 0.4, (236.0, 236.0, 232.0): 0.2})
        boards = [Board("rectangle", height + half, half * 1.7, half, (236, 238, 240), fill, (240, 240, 240), 3)]
        return Post(u, s, height + 2 * half, 0.09, grey(rng, 90, 170), boards=tuple(boards))
    banded = chance(rng, 0.08)
    return Post(u, s, height, between(rng, (0.03, 0.05)), grey(rng, 100, 185), boards=tuple(boards), banded=banded)


def _traffic_light(rng: np.random.Generator, u: float, s: float, side: int) -> Post:
    height, size = between(rng, (2.9, 3.6)), between(rng, (0.7, 1.05))
    lit = pick(rng, {0: 0.45, 1: 0.1, 2: 0.45})
    box: Colour = grey(rng, 14, 44, 4) if chance(rng, 0.85) else (196, 156, 30)
    signals = [Signal(height - size / 2, 0.0, size, lit, box)]
    arm = 0.0
    if chance(rng, 0.3):
        arm, height = -side * between(rng, (2.5, 4.5)), between(rng, (5.0, 6.0))
        signals.append(Signal(height - size / 2, arm, size, lit, box))
    elif chance(rng, 0.3):
        signals.append(Signal(height - size / 2, sign(rng) * 0.45, size, lit, box))
    return Post(u, s, height, between(rng, (0.05, 0.09)), grey(rng, 60, 170), arm=arm, signals=tuple(signals))
