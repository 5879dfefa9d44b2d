"""House fronts and blank side walls, painted once for each bank."""

from dataclasses import dataclass

import cv2
import numpy as np

from roadseg.streets.colours import shade
from roadseg.streets.scene import Colour
from roadseg.streets.textures import ground_floors
from roadseg.streets.textures.paint import (
    BOARD_COLOURS,
    BRICK,
    PLASTER,
    SIZE,
    Texture,
    box,
    lettering,
    pick_colour,
    plain,
    vivid,
    weather,
)
from roadseg.streets.textures.pyramid import premultiplied

FLOORS = (1, 2, 2, 3, 3, 4, 5, 7, 9)
VARIANTS = 9
"""Facades for each row of `FLOORS`."""
BAYS = (2, 3, 4, 5, 3, 4, 6, 5, 2)
"""Windows across, for each variant."""


@dataclass(frozen=True)
class _Style:
    """Common properties of all windows of a front; lengths in pixels."""

    width: float
    height: float
    border: float
    frame: Colour
    glass: float
    mirrors: float
    """Extra brightness of panes that mirror the sky."""
    surround: Colour
    lintel: bool
    sill: bool
    arched: bool
    panes: tuple[int, int]
    balconies: bool
    shutters: Colour | None


def facade(rng: np.random.Generator, floors: int, bays: int) -> Texture:
    """Paint a premultiplied (256, 256, 4) house front of `floors` storeys, ground at the bottom, `bays` wide."""
    base = _wall_colour(rng)
    texture = plain(rng, base, rng.uniform(0.06, 0.22))
    storey = SIZE / floors
    _structure(rng, texture, base, floors)
    weather(rng, texture)
    ground = ground_floors.choose(rng, floors)
    first = 0 if ground is None else 1
    if floors >= 2 and rng.random() < 0.2:
        _curtain_wall(rng, texture, floors, bays, first)
    else:
        _windows(rng, texture, floors, bays, base, first)
    if ground is not None:
        ground(rng, texture, SIZE - storey * min(1.0, rng.uniform(0.85, 1.05)), bays, base)
    _clutter(rng, texture, storey)
    _cornice(rng, texture, base, storey)
    return premultiplied(texture)


def _wall_colour(rng: np.random.Generator) -> Colour:
    chance = rng.random()
    if chance < 0.4:
        return pick_colour(rng, BRICK)
    if chance < 0.95:
        return pick_colour(rng, PLASTER)
    return vivid(rng)


def _structure(rng: np.random.Generator, texture: Texture, base: Colour, floors: int) -> None:
    """Paint courses of brick or stone, or bands and pilasters."""
    kind = rng.random()
    if kind < 0.5:
        rows = int(rng.integers(24, 64))
        for row in range(rows):
            level = int(row * SIZE / rows)
            cv2.line(texture, (0, level), (SIZE, level), shade(base, rng.uniform(0.72, 1.15)), 1)
    if 0.35 < kind < 0.6:
        for _ in range(160):  # odd stones
            x, y = rng.uniform(0, SIZE, 2)
            box(texture, x, y, x + rng.uniform(4, 12), y + rng.uniform(2, 6), shade(base, rng.uniform(0.75, 1.2)))
    if rng.random() < 0.3:
        for floor in range(1, floors):
            y = SIZE - floor * SIZE / floors
            box(texture, 0, y - 3, SIZE, y + 1, shade(base, rng.uniform(0.7, 1.3)))
            box(texture, 0, y + 1, SIZE, y + 2.5, shade(base, 0.55))
    if rng.random() < 0.2:
        for x in np.linspace(0, SIZE, int(rng.integers(3, 7))):
            box(texture, x - 5, 0, x + 5, SIZE, shade(base, rng.uniform(0.8, 1.2)))
            box(texture, x + 5, 0, x + 7, SIZE, shade(base, 0.6))


def _style(rng: np.random.Generator, bay: float, storey: float, base: Colour, floors: int) -> _Style:
    width, height = bay * rng.uniform(0.32, 0.78), storey * rng.uniform(0.42, 0.72)
    return _Style(
        width=width,
        height=height,
        border=max(1.0, min(width, height) * rng.uniform(0.04, 0.12)),
        frame=(236, 236, 232) if rng.random() < 0.5 else shade(base, rng.uniform(0.25, 0.7)),
        glass=float(rng.uniform(10, 70)),
        mirrors=float(rng.uniform(40, 150)) if rng.random() < 0.35 else 0.0,
        surround=shade(base, rng.uniform(0.6, 1.35)),
        lintel=rng.random() < 0.5,
        sill=rng.random() < 0.7,
        arched=rng.random() < 0.12,
        panes=(int(rng.choice([1, 2, 2, 3])), int(rng.choice([1, 2, 2, 4]))),
        balconies=floors > 1 and rng.random() < 0.2,
        shutters=shade(vivid(rng), 0.6) if rng.random() < 0.1 else None,
    )


def _windows(rng: np.random.Generator, texture: Texture, floors: int, bays: int, base: Colour, first: int) -> None:
    storey, bay = SIZE / floors, SIZE / bays
    style = _style(rng, bay, storey, base, floors)
    centres = (np.arange(bays) + 0.5) * bay
    if rng.random() < 0.3:  # in pairs
        centres = centres + np.where(np.arange(bays) % 2, -1, 1) * (bay - style.width) * 0.3
    for floor in range(first, floors):
        middle = SIZE - (floor + 0.52) * storey
        for centre in centres.tolist():
            if rng.random() < 0.04:
                continue
            _window(rng, texture, style, centre, middle)
            if style.balconies and floor:
                _balcony(texture, centre - bay * 0.42, centre + bay * 0.42, middle + style.height / 2, storey, base)


def _window(rng: np.random.Generator, texture: Texture, style: _Style, centre: float, middle: float) -> None:
    edge = style.border
    x0, x1 = centre - style.width / 2, centre + style.width / 2
    y0, y1 = middle - style.height / 2, middle + style.height / 2
    if style.shutters:
        box(texture, x0 - style.width * 0.4, y0, x1 + style.width * 0.4, y1, style.shutters)
    if style.lintel:
        box(texture, x0 - 2 * edge, y0 - 2.4 * edge, x1 + 2 * edge, y0, style.surround)
    if style.arched:
        reach = (round(style.width / 2 + edge), round(style.height * 0.2))
        cv2.ellipse(texture, (round(centre), round(y0)), reach, 0, 180, 360, (style.glass,) * 3, -1)
    box(texture, x0 - edge, y0 - edge, x1 + edge, y1 + edge, style.frame)
    grey = style.glass * rng.uniform(0.6, 1.5) + rng.uniform(0, 1) * style.mirrors
    pane: Colour = (grey * 0.94, grey, grey * 1.08)
    box(texture, x0, y0, x1, y1, pane)
    chance = rng.random()
    if chance < 0.25:  # a blind or curtain
        drop = y0 + (y1 - y0) * rng.uniform(0.2, 0.7)
        box(texture, x0, y0, x1, drop, shade((205, 200, 190), rng.uniform(0.4, 1)))
    elif chance < 0.6:  # the sky mirrored in the upper pane
        box(texture, x0, y0, x1, y0 + (y1 - y0) * rng.uniform(0.2, 0.6), shade(pane, rng.uniform(1.2, 1.8)))
    bar = max(1.0, edge * 0.7)
    for part in range(1, style.panes[0]):
        x = x0 + (x1 - x0) * part / style.panes[0]
        box(texture, x - bar / 2, y0, x + bar / 2, y1, style.frame)
    for part in range(1, style.panes[1]):
        y = y0 + (y1 - y0) * part / style.panes[1]
        box(texture, x0, y - bar / 2, x1, y + bar / 2, style.frame)
    if style.sill:
        box(texture, x0 - 1.5 * edge, y1 + edge, x1 + 1.5 * edge, y1 + 2 * edge, style.surround)
        box(texture, x0 - 1.5 * edge, y1 + 2 * edge, x1 + 1.5 * edge, y1 + 3 * edge, shade(style.surround, 0.5))


def _balcony(texture: Texture, x0: float, x1: float, y1: float, storey: float, base: Colour) -> None:
    top = y1 - storey * 0.22
    for x in np.arange(x0, x1, 4):
        box(texture, x, top, x + 1.2, y1 + 2, (60, 62, 64))
    box(texture, x0, top, x1, top + 2, (60, 62, 64))
    box(texture, x0, y1 + 1, x1, y1 + storey * 0.07, shade(base, 0.7))


def _curtain_wall(rng: np.random.Generator, texture: Texture, floors: int, bays: int, first: int) -> None:
    """Paint bands of glass, as on offices."""
    storey, grey, low = SIZE / floors, rng.uniform(30, 130), rng.uniform(0.05, 0.4)
    tone: Colour = (grey * 0.88, grey, grey * 1.1)
    panes = bays * int(rng.integers(1, 4))
    bar = shade((140, 142, 146), rng.uniform(0.3, 1.5))
    for floor in range(first, floors):
        top = SIZE - (floor + 1) * storey
        y0, y1 = top + storey * low, top + storey * 0.95
        box(texture, 0, y0, SIZE, y1, tone)
        for pane in range(panes):
            x = pane * SIZE / panes
            if rng.random() < 0.5:
                box(texture, x, y0, x + SIZE / panes, y1, shade(tone, rng.uniform(0.6, 1.5)))
            box(texture, x - 1, y0, x + 1, y1, bar)


def _clutter(rng: np.random.Generator, texture: Texture, storey: float) -> None:
    """Paint pipes, boards, air conditioners and lamps: none of them counts as a pole or traffic sign."""
    for _ in range(int(rng.poisson(1.6))):
        x, tone = rng.uniform(0, SIZE), rng.uniform(14, 190)
        box(texture, x, rng.uniform(0, SIZE / 3), x + rng.uniform(1.5, 4), SIZE, (tone, tone, tone))
    for _ in range(int(rng.poisson(0.6))):
        wide, tall = rng.uniform(5, 26), rng.uniform(0.1, 0.55) * storey
        x, y = rng.uniform(0, SIZE - wide), max(SIZE - storey * rng.uniform(0.5, 1.6), 0.0)
        colour = pick_colour(rng, BOARD_COLOURS, 0.2)
        box(texture, x, y, x + wide, y + tall, colour)
        if wide > 10 and tall > 10:
            lettering(rng, texture, x + 2, y + tall * 0.3, x + wide - 2, y + tall * 0.6)
    if rng.random() < 0.2:
        for _ in range(int(rng.integers(1, 6))):
            x, y = rng.uniform(0, SIZE - 12), rng.uniform(SIZE * 0.1, SIZE * 0.8)
            box(texture, x, y, x + 11, y + 7, (206, 206, 202))
            box(texture, x + 1, y + 1, x + 7, y + 6, (96, 98, 100))


def _cornice(rng: np.random.Generator, texture: Texture, base: Colour, storey: float) -> None:
    if rng.random() < 0.6:
        depth = rng.uniform(3, 12)
        box(texture, 0, 0, SIZE, depth, shade(base, rng.uniform(0.6, 1.25)))
        box(texture, 0, depth, SIZE, depth + 2, shade(base, 0.5))
    elif rng.random() < 0.4:  # slates that cover part of the front
        slate = shade((92, 88, 90), rng.uniform(0.6, 1.4))
        depth = storey * rng.uniform(0.2, 0.5)
        for y in np.arange(0, depth, 3):
            box(texture, 0, y, SIZE, y + 3, shade(slate, rng.uniform(0.85, 1.15)))


def side_wall(rng: np.random.Generator) -> Texture:
    """Paint a premultiplied (256, 256, 4) side of a house: mostly blank, a few windows, boards and pipes."""
    base = shade(_wall_colour(rng), 0.92)
    texture = plain(rng, base, rng.uniform(0.1, 0.3))
    _structure(rng, texture, base, 4)
    weather(rng, texture)
    if rng.random() < 0.6:
        style = _style(rng, SIZE / 4, SIZE / 4, base, 1)
        for floor in range(4):
            for column in range(3):
                if rng.random() < 0.45:
                    _window(rng, texture, style, (column + 0.75) * SIZE / 3.5, (floor + 0.5) * SIZE / 4)
    _clutter(rng, texture, SIZE / 4)
    return premultiplied(texture)
