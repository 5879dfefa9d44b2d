"""Ground floors of house fronts: shops, shutters, doors."""

from collections.abc import Callable

import numpy as np

from roadseg.streets.colours import shade
from roadseg.streets.scene import Colour
from roadseg.streets.textures.paint import (
    BOARD_COLOURS,
    SIZE,
    Texture,
    box,
    lettering,
    pick_colour,
    vivid,
)
from roadseg.streets.textures.shop_fronts import shop_fronts

GroundFloor = Callable[[np.random.Generator, Texture, float, int, Colour], None]
"""Paints an image from row `top` downwards: (rng, image, top, bays, colour of the wall)."""


def choose(rng: np.random.Generator, floors: int) -> GroundFloor | None:
    """Choose the kind of ground floor; None for one like the floors above."""
    chance = rng.random()
    if chance < (0.35 if floors < 3 else 0.65):
        return shop_fronts if rng.random() < 0.65 else shops
    if chance < 0.72:
        return shutters
    return doors if chance < 0.9 else None


def shops(rng: np.random.Generator, texture: Texture, top: float, bays: int, base: Colour) -> None:
    """Paint shop windows, mostly dark, under fascias with writing."""
    count = max(1, round(bays / rng.uniform(1.2, 3)))
    frame = shade(base, rng.uniform(0.35, 0.9)) if rng.random() < 0.5 else pick_colour(rng, BOARD_COLOURS, 0.3)
    fascia, foot = rng.uniform(0.14, 0.26), rng.uniform(0.04, 0.16)
    box(texture, 0, top, SIZE, SIZE, frame)
    for shop in range(count):
        x0, x1 = shop * SIZE / count + 3, (shop + 1) * SIZE / count - 3
        _shop(rng, texture, (x0, top, x1, SIZE), fascia, foot)


def _shop(
    rng: np.random.Generator, texture: Texture, place: tuple[float, float, float, float], fascia: float, foot: float
) -> None:
    x0, top, x1, bottom = place
    height = bottom - top
    board = pick_colour(rng, BOARD_COLOURS, 0.3) if rng.random() < 0.75 else vivid(rng)
    box(texture, x0, top + 1, x1, top + height * fascia, board)
    start = x0 + rng.uniform(2, 14)
    lettering(
        rng, texture, start, top + height * fascia * 0.3, start + (x1 - start) * rng.uniform(0.5, 0.95),
        top + height * fascia * 0.78,
    )  # fmt: skip
    grey = rng.uniform(10, 60) if rng.random() < 0.75 else rng.uniform(60, 130)
    y0, y1 = top + height * (fascia + 0.04), bottom - height * foot
    box(texture, x0 + 2, y0, x1 - 2, y1, (grey, grey, grey * 1.05))
    for _ in range(int(rng.integers(2, 9))):  # goods, posters, reflections
        wide, tall = rng.uniform(3, 18), height * rng.uniform(0.06, 0.4)
        gx, gy = rng.uniform(x0 + 3, x1 - 8), rng.uniform(y0, y1 - tall / 2)
        tone = shade(vivid(rng), rng.uniform(0.3, 0.9)) if rng.random() < 0.6 else shade((grey,) * 3, rng.uniform(1, 3))
        box(texture, gx, gy, min(gx + wide, x1 - 3), min(gy + tall, y1), tone)
    for x in np.linspace(x0 + 2, x1 - 2, int(rng.integers(2, 5))):
        box(texture, x - 1, y0, x + 1, y1, shade((grey + 50,) * 3, rng.uniform(0.3, 1.4)))
    door = rng.uniform(x0 + 4, x1 - 16)
    box(texture, door, y0, door + 12, bottom, shade((grey,) * 3, rng.uniform(0.3, 0.9)))
    if rng.random() < 0.25:
        _awning(rng, texture, x0, x1, top + height * fascia, height)


def _awning(rng: np.random.Generator, texture: Texture, x0: float, x1: float, y: float, height: float) -> None:
    colour, striped = vivid(rng), rng.random() < 0.5
    for stripe, x in enumerate(np.arange(x0, x1, 6)):
        tone = colour if stripe % 2 or not striped else (235, 235, 230)
        box(texture, x, y, min(x + 6, x1), y + height * 0.14, tone)
    box(texture, x0, y + height * 0.14, x1, y + height * 0.2, (20, 20, 22))


def shutters(rng: np.random.Generator, texture: Texture, top: float, bays: int, base: Colour) -> None:
    """Paint roller shutters and garage doors, some open and dark."""
    count = max(1, bays - 1)
    colour = vivid(rng) if rng.random() < 0.3 else shade((150, 152, 155), rng.uniform(0.5, 1.2))
    head = top + (SIZE - top) * 0.25
    for shutter in range(count):
        x0, x1 = shutter * SIZE / count + 4, (shutter + 1) * SIZE / count - 4
        tone = shade(colour, rng.uniform(0.75, 1.1))
        if rng.random() < 0.35:  # open: goods in the dark
            box(texture, x0, head, x1, SIZE, (28, 25, 23))
            for _ in range(int(rng.integers(3, 9))):
                gx, gy = rng.uniform(x0, x1 - 6), rng.uniform(head + 10, SIZE - 8)
                box(texture, gx, gy, min(gx + rng.uniform(3, 16), x1), SIZE, shade(vivid(rng), 0.6))
        else:
            box(texture, x0, head, x1, SIZE, tone)
            for y in np.arange(head, SIZE, 4):
                box(texture, x0, y, x1, y + 1, shade(tone, 0.8))
        if rng.random() < 0.6:
            board = (x0 - 3, top + 2, x1 + 3, top + (SIZE - top) * 0.2)
            box(texture, *board, pick_colour(rng, BOARD_COLOURS, 0.2) if rng.random() < 0.6 else vivid(rng))
            lettering(rng, texture, x0 + 4, board[1] + 2, x1 - 4, board[3] - 3)


def doors(rng: np.random.Generator, texture: Texture, top: float, bays: int, base: Colour) -> None:
    """Paint a front door among windows."""
    bay, height = SIZE / bays, SIZE - top
    door, grey = int(rng.integers(bays)), rng.uniform(15, 80)
    trim = (236, 232, 226) if rng.random() < 0.5 else shade(base, rng.uniform(0.5, 1.2))
    for column in range(bays):
        x = (column + 0.5) * bay
        if column == door:
            leaf = shade(pick_colour(rng, BOARD_COLOURS), rng.uniform(0.4, 0.9))
            box(texture, x - bay * 0.2, top + height * 0.22, x + bay * 0.2, SIZE, trim)
            box(texture, x - bay * 0.16, top + height * 0.27, x + bay * 0.16, SIZE, leaf)
            box(texture, x - bay * 0.2, SIZE - height * 0.06, x + bay * 0.2, SIZE, shade(base, 0.7))
        else:
            box(texture, x - bay * 0.28, top + height * 0.3, x + bay * 0.28, top + height * 0.78, trim)
            box(texture, x - bay * 0.24, top + height * 0.34, x + bay * 0.24, top + height * 0.75, (grey,) * 3)
            box(texture, x - bay * 0.01, top + height * 0.34, x + bay * 0.02, top + height * 0.75, trim)
