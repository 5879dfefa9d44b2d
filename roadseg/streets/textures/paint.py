"""Common tools for painting house fronts, walls and boards: sizes, colours, boxes, dirt and lettering."""

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.streets.colours import shade
from roadseg.streets.scene import Colour
from roadseg.streets.textures.noise import toned, value_noise

Texture = NDArray[np.uint8]
SIZE = 256
"""Side in pixels of every painted texture."""
PLASTER: tuple[Colour, ...] = (
    (228, 220, 204),
    (214, 206, 190),
    (238, 232, 222),
    (190, 186, 178),
    (224, 196, 150),
    (222, 204, 148),
    (196, 150, 124),
    (178, 192, 184),
    (166, 182, 200),
    (210, 176, 172),
    (150, 140, 130),
    (120, 124, 130),
    (96, 94, 92),
)
BRICK: tuple[Colour, ...] = (
    (142, 86, 68),
    (120, 76, 62),
    (164, 110, 82),
    (176, 142, 106),
    (104, 74, 64),
    (188, 162, 122),
    (150, 136, 116),
)
BOARD_COLOURS: tuple[Colour, ...] = (
    (176, 30, 34),
    (26, 66, 140),
    (24, 96, 62),
    (232, 188, 40),
    (222, 222, 218),
    (30, 30, 34),
    (206, 96, 30),
    (96, 40, 92),
)


def pick_colour(rng: np.random.Generator, colours: tuple[Colour, ...], spread: float = 0.12) -> Colour:
    """Return one of `colours`, a little varied."""
    red, green, blue = colours[int(rng.integers(len(colours)))]
    factors = rng.uniform(1 - spread, 1 + spread) * rng.uniform(0.95, 1.05, 3)
    return shade((red * factors[0], green * factors[1], blue * factors[2]), 1.0)


def vivid(rng: np.random.Generator) -> Colour:
    """Return any strong colour."""
    hue = np.array([[[rng.integers(180), rng.integers(90, 230), rng.integers(70, 230)]]], np.uint8)
    red, green, blue = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0]
    return float(red), float(green), float(blue)


def box(texture: Texture, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
    """Fill a rectangle, if it has an area."""
    if x1 > x0 and y1 > y0:
        cv2.rectangle(texture, (round(x0), round(y0)), (round(x1) - 1, round(y1) - 1), colour, -1)


def plain(rng: np.random.Generator, colour: Colour, contrast: float) -> Texture:
    """Return a (256, 256, 3) surface of one colour, coarsely and finely uneven."""
    noise = value_noise(rng, SIZE, int(rng.choice([2, 4, 8])), rng.uniform(0.55, 0.9))
    return np.clip(toned(noise, colour, contrast), 0, 255).astype(np.uint8)


def weather(rng: np.random.Generator, texture: Texture) -> None:
    """Paint dirt that darkens the foot of a wall and runs down from its top."""
    height = np.linspace(1, 0, SIZE, dtype=np.float32)[:, None]
    streaks = cv2.GaussianBlur(rng.random((1, SIZE)).astype(np.float32), (0, 0), 3)
    dirt = 1 - rng.uniform(0.02, 0.25) * (1 - height) ** 6 - rng.uniform(0, 0.5) * (streaks - 0.4).clip(0) * height**2
    texture[:] = np.clip(texture * dirt[..., None], 0, 255).astype(np.uint8)


def lettering(rng: np.random.Generator, texture: Texture, x0: float, y0: float, x1: float, y1: float) -> None:
    """Paint a line of writing as seen from afar, in contrasting ink, if there is room."""
    if x1 - x0 < 3 or y1 - y0 < 2:
        return
    under = float(texture[round(y0) : round(y1) + 1, round(x0) : round(x1) + 1].mean())
    ink: Colour = (244, 243, 238) if under < 130 else pick_colour(rng, ((36, 36, 42), (150, 24, 30), (24, 50, 120)))
    x, height = x0, y1 - y0
    while x < x1 - 2:
        wide = height * rng.uniform(0.25, 0.75)
        box(texture, x, y0 + height * rng.choice([0.0, 0.0, 0.25]), min(x + wide, x1), y1, ink)
        x += wide + max(1.5, height * rng.choice([0.18, 0.18, 0.18, 0.6]))


def advert(rng: np.random.Generator) -> Texture:
    """Paint a (256, 256, 3) board: a ground, blobs of colour, lines of writing."""
    texture = np.full((SIZE, SIZE, 3), pick_colour(rng, BOARD_COLOURS, 0.2), np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.uniform(0, SIZE, 2)
        if rng.random() < 0.5:
            reach = (round(rng.uniform(20, 80)), round(rng.uniform(20, 80)))
            cv2.ellipse(texture, (round(x), round(y)), reach, rng.uniform(0, 180), 0, 360, vivid(rng), -1, cv2.LINE_AA)
        else:
            box(texture, x - rng.uniform(20, 120), y - rng.uniform(8, 60), x + 60, y + 30, vivid(rng))
    y = rng.uniform(14, 60)
    while y < SIZE - 30:
        height = rng.uniform(14, 54)
        start = rng.uniform(10, 90)
        lettering(rng, texture, start, y, start + rng.uniform(70, 230 - start), min(y + height, SIZE - 8))
        y += height * rng.uniform(1.3, 2.4)
    return texture
