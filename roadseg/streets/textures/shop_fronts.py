"""Painted shop fronts: pilasters, a fascia, and large dark glass that mirrors the street opposite."""

import cv2
import numpy as np

from roadseg.streets.colours import shade
from roadseg.streets.scene import Colour
from roadseg.streets.textures.noise import value_noise
from roadseg.streets.textures.paint import BOARD_COLOURS, SIZE, Texture, box, lettering, pick_colour, vivid

DARK_PAINTS: tuple[Colour, ...] = (
    (22, 22, 24),
    (30, 32, 36),
    (24, 48, 36),
    (40, 62, 46),
    (24, 32, 62),
    (72, 24, 30),
    (58, 44, 34),
)


def shop_fronts(rng: np.random.Generator, texture: Texture, top: float, bays: int, base: Colour) -> None:
    """Paint one to three shops side by side, mostly in dark colours."""
    count = max(1, round(bays / rng.uniform(1.5, 4)))
    for shop in range(count):
        colour = pick_colour(rng, DARK_PAINTS, 0.25) if rng.random() < 0.75 else pick_colour(rng, BOARD_COLOURS, 0.3)
        _shop_front(rng, texture, (shop * SIZE / count, top, (shop + 1) * SIZE / count, SIZE), colour)


def _shop_front(
    rng: np.random.Generator, texture: Texture, place: tuple[float, float, float, float], colour: Colour
) -> None:
    x0, top, x1, bottom = place
    height = bottom - top
    fascia, riser = height * rng.uniform(0.13, 0.24), height * rng.uniform(0.04, 0.2)
    pilaster = rng.uniform(4, 12)
    box(texture, x0, top, x1, bottom, colour)
    lettering(
        rng, texture, x0 + pilaster * 2, top + fascia * 0.3, x0 + (x1 - x0) * rng.uniform(0.4, 0.95),
        top + fascia * 0.78,
    )  # fmt: skip
    box(texture, x0, top, x1, top + 2, shade(colour, 1.6))
    box(texture, x0, top + fascia, x1, top + fascia + 2, shade(colour, 0.4))
    y0, y1 = top + fascia + 3, bottom - riser
    _glass(rng, texture, x0 + pilaster, y0, x1 - pilaster, y1)
    mullion, edge = rng.uniform(1, 3.5), shade(colour, rng.uniform(0.6, 1.8))
    for x in np.linspace(x0 + pilaster, x1 - pilaster, int(rng.integers(2, 7)))[1:-1]:
        box(texture, x - mullion / 2, y0, x + mullion / 2, y1, edge)
    if rng.random() < 0.5:  # a transom
        box(texture, x0 + pilaster, y0 + height * 0.12, x1 - pilaster, y0 + height * 0.12 + mullion, edge)
    for x in (x0, x1 - pilaster):  # lit on one side, dark on the other
        box(texture, x, top, x + pilaster * 0.3, bottom, shade(colour, 1.4))
        box(texture, x + pilaster * 0.8, top + fascia, x + pilaster, bottom, shade(colour, 0.5))
    _door(rng, texture, x0 + pilaster, y0, x1 - pilaster, colour)


def _glass(rng: np.random.Generator, texture: Texture, x0: float, y0: float, x1: float, y1: float) -> None:
    """Paint the content of a window: mirrored sky over the houses and trees opposite, and lamps and goods inside."""
    left, upper, right, lower = (round(value) for value in (x0, y0, x1, y1))
    wide, tall = right - left, lower - upper
    if wide < 4 or tall < 4:
        return
    height = np.linspace(1, 0, tall, dtype=np.float32)[:, None]
    blotches = cv2.resize(value_noise(rng, SIZE, int(rng.choice([4, 8, 16])), 0.7), (wide, tall))
    dark, sky = rng.uniform(6, 40), rng.uniform(0, 110) if rng.random() < 0.6 else 0.0
    seen = np.clip((height - rng.uniform(0.3, 0.8)) * 3 + (blotches - 0.5) * rng.uniform(0.5, 4), 0, 1)
    grey = dark * (0.6 + 0.8 * blotches) + sky * seen
    tone = np.array((rng.uniform(0.85, 1.05), 1.0, rng.uniform(0.85, 1.12)), np.float32)
    texture[upper:lower, left:right] = np.clip(grey[..., None] * tone, 0, 255).astype(np.uint8)
    for _ in range(int(rng.poisson(2.5))):  # lamps
        x, y = rng.uniform(x0, x1 - 3), rng.uniform(y0, y0 + tall * 0.4)
        box(texture, x, y, x + rng.uniform(1.5, 5), y + rng.uniform(1, 3), (250, 232, 190))
    for _ in range(int(rng.poisson(2.5))):  # goods and posters
        x, size = rng.uniform(x0, x1 - 4), rng.uniform(0.1, 0.4) * tall
        tone_of_goods = shade(vivid(rng), rng.uniform(0.15, 0.7))
        box(texture, x, y1 - size, min(x + rng.uniform(3, 16), x1), y1 - size * rng.uniform(0.0, 0.5), tone_of_goods)


def _door(rng: np.random.Generator, texture: Texture, x0: float, y0: float, x1: float, colour: Colour) -> None:
    """Paint a shaded recess with a glazed door at its back."""
    wide = rng.uniform(12, 22)
    if x1 - x0 < 2.5 * wide:
        return
    x = rng.uniform(x0, x1 - wide)
    box(texture, x, y0, x + wide, SIZE, shade(colour, 0.35))
    box(texture, x + 3, y0 + 3, x + wide - 3, SIZE, shade(colour, rng.uniform(0.6, 1.3)))
    box(texture, x + 5, y0 + 6, x + wide - 5, SIZE - 8, (rng.uniform(8, 60),) * 3)
