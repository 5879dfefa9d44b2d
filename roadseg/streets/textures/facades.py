"""House fronts, walls and fences, painted once a bank."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.streets.scene import Colour
from roadseg.streets.textures.noise import toned, value_noise
from roadseg.streets.textures.pyramid import premultiplied

SIZE = 256
FLOORS = (1, 2, 2, 3, 3, 4, 5, 7, 9)
VARIANTS = 7
"""Facades a row of `FLOORS`."""
BAYS = (2, 3, 4, 5, 3, 4, 6)
"""Windows across, a variant."""
PLASTER: tuple[Colour, ...] = (
    (228, 220, 204),
    (214, 206, 190),
    (238, 232, 222),
    (190, 186, 178),
    (224, 196, 150),
    (232, 208, 120),
    (206, 150, 120),
    (176, 200, 186),
    (160, 186, 212),
    (222, 170, 170),
    (150, 140, 130),
    (120, 124, 130),
)
BRICK: tuple[Colour, ...] = (
    (150, 84, 64),
    (128, 74, 60),
    (170, 108, 78),
    (176, 138, 100),
    (108, 72, 62),
    (190, 160, 120),
)

Picture = NDArray[np.uint8]


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255.0, c * factor) for c in colour)
    return red, green, blue


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...], spread: float = 0.12) -> Colour:
    red, green, blue = colours[int(rng.integers(len(colours)))]
    factors = rng.uniform(1 - spread, 1 + spread) * rng.uniform(0.95, 1.05, 3)
    return _shade((red * factors[0], green * factors[1], blue * factors[2]), 1.0)


def _vivid(rng: np.random.Generator) -> Colour:
    hue = np.array([[[rng.integers(180), rng.integers(90, 230), rng.integers(90, 240)]]], np.uint8)
    red, green, blue = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0]
    return float(red), float(green), float(blue)


def _box(picture: Picture, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
    if x1 > x0 and y1 > y0:
        cv2.rectangle(picture, (round(x0), round(y0)), (round(x1) - 1, round(y1) - 1), colour, -1)


def facade(rng: np.random.Generator, floors: int, bays: int) -> Picture:
    """Paint a premultiplied (256, 256, 4) house front of `floors` storeys, ground at the bottom, `bays` wide."""
    style = rng.random()
    brick = style < 0.35
    base = _pick(rng, BRICK) if brick else _pick(rng, PLASTER)
    if not brick and rng.random() < 0.12:
        base = _vivid(rng)
    noise = value_noise(rng, SIZE, int(rng.choice([4, 8])), rng.uniform(0.5, 0.8))
    picture = np.clip(toned(noise, base, rng.uniform(0.05, 0.16)), 0, 255).astype(np.uint8)
    if brick:
        _courses(rng, picture, base)
    _weather(rng, picture)
    storey = SIZE / floors
    glass_front = not brick and floors >= 3 and rng.random() < 0.22
    ground = _ground_floor(rng, floors)
    for floor in range(floors):
        top = SIZE - (floor + 1) * storey
        if floor == 0 and ground is not None:
            continue
        if glass_front:
            _glazing(rng, picture, top, storey, bays)
    if not glass_front:
        _windows(rng, picture, floors, bays, base, skip_ground=ground is not None)
    if ground is not None:
        ground(rng, picture, SIZE - storey * min(1.0, rng.uniform(0.85, 1.0)), bays, base)
    _cornice(rng, picture, base, storey)
    return premultiplied(picture)


def _courses(rng: np.random.Generator, picture: Picture, base: Colour) -> None:
    rows = int(rng.integers(36, 64))
    for row in range(rows):
        y = int(row * SIZE / rows)
        cv2.line(picture, (0, y), (SIZE, y), _shade(base, rng.uniform(0.8, 1.12)), 1)


def _weather(rng: np.random.Generator, picture: Picture) -> None:
    """Dirt that darkens the foot of the wall and runs down from the top."""
    height = np.linspace(1, 0, SIZE, dtype=np.float32)[:, None]
    streaks = cv2.GaussianBlur(rng.random((1, SIZE)).astype(np.float32), (0, 0), 3)
    dirt = 1 - rng.uniform(0.02, 0.2) * (1 - height) ** 6 - rng.uniform(0, 0.35) * (streaks - 0.4).clip(0) * height**2
    picture[:] = np.clip(picture * dirt[..., None], 0, 255).astype(np.uint8)


def _windows(
    rng: np.random.Generator, picture: Picture, floors: int, bays: int, base: Colour, *, skip_ground: bool
) -> None:
    storey, bay = SIZE / floors, SIZE / bays
    width, height = bay * rng.uniform(0.35, 0.62), storey * rng.uniform(0.45, 0.66)
    frame: Colour = (240, 240, 236) if rng.random() < 0.6 else _shade(base, rng.uniform(0.4, 0.7))
    glass = float(rng.uniform(18, 90))
    sky_share = rng.random() < 0.35
    balconies = floors > 1 and rng.random() < 0.22
    lintel, cross, mullion = rng.random() < 0.5, rng.random() < 0.5, rng.random() < 0.6
    border = max(1.0, min(width, height) * 0.09)
    for floor in range(1 if skip_ground else 0, floors):
        middle = SIZE - (floor + 0.52) * storey
        y0, y1 = middle - height / 2, middle + height / 2
        for column in range(bays):
            centre = (column + 0.5) * bay
            x0, x1 = centre - width / 2, centre + width / 2
            if rng.random() < 0.03:
                continue
            grey = glass * rng.uniform(0.7, 1.4) + (rng.uniform(0, 110) if sky_share else 0)
            pane = (grey * 0.92, grey, grey * 1.08)
            if lintel:
                _box(picture, x0 - 2 * border, y0 - 2 * border, x1 + 2 * border, y0, _shade(base, 1.18))
            _box(picture, x0 - border, y0 - border, x1 + border, y1 + border, frame)
            _box(picture, x0, y0, x1, y1, pane)
            if rng.random() < 0.35:  # a blind or curtain
                _box(
                    picture,
                    x0,
                    y0,
                    x1,
                    y0 + (y1 - y0) * rng.uniform(0.2, 0.6),
                    _shade((205, 200, 190), rng.uniform(0.5, 1)),
                )
            else:  # the sky mirrored in the upper pane
                _box(picture, x0, y0, x1, (2 * y0 + y1) / 3, _shade(pane, 1.35))
            if mullion:
                _box(picture, centre - border / 3, y0, centre + border / 2, y1, frame)
            if cross:
                _box(picture, x0, middle - border / 3, x1, middle + border / 2, frame)
            _box(picture, x0 - 1.5 * border, y1 + border, x1 + 1.5 * border, y1 + 1.8 * border, _shade(base, 1.2))
            _box(
                picture, x0 - 1.5 * border, y1 + 1.8 * border, x1 + 1.5 * border, y1 + 2.6 * border, _shade(base, 0.62)
            )
            if balconies and floor:
                _balcony(picture, x0 - bay * 0.12, x1 + bay * 0.12, y1, storey, base)


def _balcony(picture: Picture, x0: float, x1: float, y1: float, storey: float, base: Colour) -> None:
    top = y1 - storey * 0.22
    for x in np.arange(x0, x1, 4):
        _box(picture, x, top, x + 1.2, y1 + 2, (60, 62, 64))
    _box(picture, x0, top, x1, top + 2, (60, 62, 64))
    _box(picture, x0, y1 + 1, x1, y1 + storey * 0.07, _shade(base, 0.7))


def _glazing(rng: np.random.Generator, picture: Picture, top: float, storey: float, bays: int) -> None:
    grey = rng.uniform(50, 130)
    y0, y1 = top + storey * 0.2, top + storey * 0.92
    _box(picture, 0, y0, SIZE, y1, (grey * 0.85, grey, grey * 1.12))
    panes = bays * 2
    for pane in range(panes + 1):
        x = pane * SIZE / panes
        if pane < panes and rng.random() < 0.4:
            _box(picture, x, y0, x + SIZE / panes, y1, _shade((grey * 0.85, grey, grey * 1.12), rng.uniform(0.7, 1.4)))
        _box(picture, x - 1, y0, x + 1, y1, (70, 72, 76))


GroundFloor = Callable[[np.random.Generator, Picture, float, int, Colour], None]


def _ground_floor(rng: np.random.Generator, floors: int) -> GroundFloor | None:
    """Choose what the ground floor is; None where it is like those above."""
    chance = rng.random()
    if chance < (0.3 if floors < 3 else 0.5):
        return _shops
    if chance < 0.62:
        return _shutters
    return _door if chance < 0.9 else None


def _shops(rng: np.random.Generator, picture: Picture, top: float, bays: int, base: Colour) -> None:
    height = SIZE - top
    count = max(1, bays // 2)
    for shop in range(count):
        x0, x1 = shop * SIZE / count + 2, (shop + 1) * SIZE / count - 2
        _box(picture, x0 - 2, top, x1 + 2, SIZE, _shade(base, 0.6))
        _box(picture, x0, top + 2, x1, top + height * 0.24, _vivid(rng) if rng.random() < 0.7 else (225, 225, 225))
        ink = (245, 245, 240) if rng.random() < 0.6 else (40, 40, 50)
        x = x0 + rng.uniform(4, 14)
        while x < x1 - 12:  # lettering, seen from afar
            _box(picture, x, top + height * 0.08, x + rng.uniform(2, 7), top + height * 0.18, ink)
            x += rng.uniform(6, 11)
        grey = rng.uniform(25, 80)
        _box(picture, x0 + 3, top + height * 0.28, x1 - 3, SIZE - height * 0.08, (grey, grey, grey * 1.05))
        for _ in range(int(rng.integers(2, 7))):  # goods
            gx, gy = rng.uniform(x0 + 4, x1 - 12), top + height * rng.uniform(0.4, 0.85)
            _box(picture, gx, gy, gx + rng.uniform(3, 14), SIZE - height * 0.1, _shade(_vivid(rng), 0.7))
        door = rng.uniform(x0 + 4, x1 - 16)
        _box(picture, door, top + height * 0.3, door + 11, SIZE, _shade((grey, grey, grey), 0.6))
        if rng.random() < 0.3:  # an awning
            awning = _vivid(rng)
            for stripe, x in enumerate(np.arange(x0, x1, 6)):
                colour = awning if stripe % 2 else (235, 235, 230)
                _box(picture, x, top + height * 0.24, min(x + 6, x1), top + height * 0.38, colour)


def _shutters(rng: np.random.Generator, picture: Picture, top: float, bays: int, base: Colour) -> None:
    count = max(1, bays - 1)
    colour = _vivid(rng) if rng.random() < 0.4 else _shade((150, 152, 155), rng.uniform(0.6, 1.2))
    for shutter in range(count):
        x0, x1 = shutter * SIZE / count + 4, (shutter + 1) * SIZE / count - 4
        tone = _shade(colour, rng.uniform(0.75, 1.1))
        _box(picture, x0, top + (SIZE - top) * 0.25, x1, SIZE, tone)
        for y in np.arange(top + (SIZE - top) * 0.25, SIZE, 4):
            _box(picture, x0, y, x1, y + 1, _shade(tone, 0.8))
        if rng.random() < 0.5:
            _box(picture, x0 - 3, top + 2, x1 + 3, top + (SIZE - top) * 0.2, _vivid(rng))


def _door(rng: np.random.Generator, picture: Picture, top: float, bays: int, base: Colour) -> None:
    bay, height = SIZE / bays, SIZE - top
    door = int(rng.integers(bays))
    grey = rng.uniform(20, 80)
    for column in range(bays):
        centre = (column + 0.5) * bay
        if column == door:
            _box(picture, centre - bay * 0.2, top + height * 0.28, centre + bay * 0.2, SIZE, (236, 232, 226))
            _box(picture, centre - bay * 0.16, top + height * 0.33, centre + bay * 0.16, SIZE, _shade(_vivid(rng), 0.7))
        else:
            _box(
                picture,
                centre - bay * 0.28,
                top + height * 0.3,
                centre + bay * 0.28,
                top + height * 0.78,
                (232, 230, 226),
            )
            _box(
                picture,
                centre - bay * 0.24,
                top + height * 0.34,
                centre + bay * 0.24,
                top + height * 0.75,
                (grey, grey, grey),
            )


def _cornice(rng: np.random.Generator, picture: Picture, base: Colour, storey: float) -> None:
    if rng.random() < 0.6:
        depth = rng.uniform(3, 9)
        _box(picture, 0, 0, SIZE, depth, _shade(base, rng.uniform(0.9, 1.25)))
        _box(picture, 0, depth, SIZE, depth + 2, _shade(base, 0.55))
    if rng.random() < 0.35:
        y = SIZE - storey
        _box(picture, 0, y - 2, SIZE, y + 2, _shade(base, rng.uniform(0.7, 1.25)))


def wall(rng: np.random.Generator) -> Picture:
    """Paint a premultiplied (256, 256, 4) stretch of masonry: plaster, blocks, panels or brick."""
    base = _pick(rng, PLASTER, 0.25) if rng.random() < 0.65 else _pick(rng, BRICK)
    noise = value_noise(rng, SIZE, int(rng.choice([2, 4, 8])), rng.uniform(0.55, 0.85))
    picture = np.clip(toned(noise, _shade(base, 0.8), rng.uniform(0.12, 0.35)), 0, 255).astype(np.uint8)
    kind = rng.random()
    if kind < 0.45:
        rows = int(rng.integers(6, 20))
        step = SIZE / rows
        for row in range(rows):
            y = row * step
            _box(picture, 0, y, SIZE, y + 1.5, _shade(base, 0.6))
            for x in np.arange((row % 2) * step, SIZE, 2 * step):
                _box(picture, x, y, x + 1.5, y + step, _shade(base, 0.6))
    elif kind < 0.8:  # concrete panels between posts, as round compounds
        for x in np.arange(0, SIZE, SIZE / int(rng.integers(2, 4))):
            _box(picture, x, 0, x + 10, SIZE, _shade(base, 0.92))
            _box(picture, x + 10, 0, x + 13, SIZE, _shade(base, 0.5))
    _box(picture, 0, 0, SIZE, rng.uniform(8, 20), _shade(base, rng.uniform(0.8, 1.15)))
    if rng.random() < 0.15:  # a painted foot
        _box(picture, 0, SIZE * 0.7, SIZE, SIZE, _shade(_vivid(rng), 0.8))
    _weather(rng, picture)
    return premultiplied(picture)


def fence(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Paint a premultiplied (256, 256, 4) stretch of fence, railing or guard rail."""
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    kind = rng.random()
    tone = _shade((170, 174, 178), rng.uniform(0.2, 1.2)) if rng.random() < 0.7 else _shade(_vivid(rng), 0.8)
    colour = (*tone, 255.0)
    if kind < 0.45:  # railings
        for x in np.arange(2, SIZE, SIZE / int(rng.integers(12, 30))):
            cv2.line(picture, (round(x), 12), (round(x), SIZE), colour, int(rng.integers(2, 5)))
        for y in (16, SIZE - 24):
            cv2.line(picture, (0, y), (SIZE, y), colour, 9)
    elif kind < 0.62:  # wire mesh
        step = SIZE // int(rng.integers(12, 22))
        for x in range(-SIZE, SIZE, step):
            cv2.line(picture, (x, 0), (x + SIZE, SIZE), colour, 1, cv2.LINE_AA)
            cv2.line(picture, (x + SIZE, 0), (x, SIZE), colour, 1, cv2.LINE_AA)
        for x in (4, SIZE // 2):
            cv2.line(picture, (x, 0), (x, SIZE), colour, 6)
        cv2.line(picture, (0, 3), (SIZE, 3), colour, 5)
    elif kind < 0.8:  # guard rail
        for x in (20, 148):
            cv2.rectangle(picture, (x, 60), (x + 14, SIZE), (*_shade(tone, 0.6), 255.0), -1)
        for y, factor in ((40, 1.1), (66, 0.7), (84, 1.0), (110, 0.65)):
            cv2.rectangle(picture, (0, y), (SIZE, y + 26), (*_shade(tone, factor), 255.0), -1)
    else:  # boards
        wood = _shade((150, 112, 78), rng.uniform(0.6, 1.4)) if rng.random() < 0.6 else tone
        boards = int(rng.integers(10, 20))
        for board in range(boards):
            x = board * SIZE / boards
            shade = (*_shade(wood, rng.uniform(0.8, 1.15)), 255.0)
            cv2.rectangle(picture, (round(x), 4), (round(x + SIZE / boards) - 3, SIZE), shade, -1)
        for y in (40, 190):
            cv2.rectangle(picture, (0, y), (SIZE, y + 12), (*_shade(wood, 0.7), 255.0), -1)
    return premultiplied(picture[..., :3], picture[..., 3])
