"""Fences, railings, walls and hedges as (256, 256, 4) premultiplied stretches."""

from collections.abc import Callable

import cv2
import numpy as np

from roadseg.streets.colours import shade
from roadseg.streets.scene import BarrierKind, Colour
from roadseg.streets.textures.foliage import hedge
from roadseg.streets.textures.paint import (
    BRICK,
    PLASTER,
    SIZE,
    Texture,
    advert,
    box,
    pick_colour,
    plain,
    vivid,
    weather,
)
from roadseg.streets.textures.pyramid import premultiplied

Rgba = tuple[float, float, float, float]


def _metal(rng: np.random.Generator) -> Rgba:
    """Draw a metal colour: galvanised, or painted mostly black, green or white."""
    if rng.random() < 0.4:
        return (*shade((170, 174, 178), rng.uniform(0.6, 1.2)), 255.0)
    paints: tuple[Colour, ...] = ((30, 32, 34), (30, 32, 34), (34, 66, 50), (214, 214, 208), (44, 60, 96))
    return (*pick_colour(rng, paints), 255.0)


def _bars(rng: np.random.Generator, texture: Texture, top: int, foot: int, colour: Rgba) -> None:
    """Paint upright bars between two rails, with some stronger posts."""
    width = int(rng.integers(2, 6))
    for x in np.arange(3, SIZE, SIZE / int(rng.integers(12, 34))):
        cv2.line(texture, (round(x), top), (round(x), foot), colour, width)
    for y in (top + 4, foot - int(rng.integers(8, 26))):
        cv2.line(texture, (0, y), (SIZE, y), colour, 9)
    for x in (4, SIZE // 2):
        cv2.line(texture, (x, max(top - 6, 0)), (x, foot), colour, 10)


def railings(rng: np.random.Generator) -> Texture:
    """Paint metal bars; at times two or three plain rails instead, as beside pedestrians."""
    texture, colour = np.zeros((SIZE, SIZE, 4), np.uint8), _metal(rng)
    if rng.random() < 0.8:
        _bars(rng, texture, 12, SIZE, colour)
    else:
        for y in np.linspace(10, SIZE * 0.75, int(rng.integers(2, 4))):
            cv2.line(texture, (0, round(y)), (SIZE, round(y)), colour, 16)
        for x in (8, SIZE // 2):
            cv2.line(texture, (x, 4), (x, SIZE), colour, 14)
    return premultiplied(texture[..., :3], texture[..., 3])


def wall_with_railings(rng: np.random.Generator) -> Texture:
    """Paint a low wall with bars on top."""
    split = int(rng.uniform(0.4, 0.72) * SIZE)
    texture = np.dstack([_masonry(rng), np.full((SIZE, SIZE), 255, np.uint8)])
    texture[:split] = 0
    _bars(rng, texture, 8, split + 4, _metal(rng))
    return premultiplied(np.ascontiguousarray(texture[..., :3]), np.ascontiguousarray(texture[..., 3]))


def mesh(rng: np.random.Generator) -> Texture:
    """Paint wire mesh between posts."""
    texture, colour = np.zeros((SIZE, SIZE, 4), np.uint8), _metal(rng)
    step = SIZE // int(rng.integers(12, 22))
    for x in range(-SIZE, SIZE, step):
        cv2.line(texture, (x, 0), (x + SIZE, SIZE), colour, 1, cv2.LINE_AA)
        cv2.line(texture, (x + SIZE, 0), (x, SIZE), colour, 1, cv2.LINE_AA)
    for x in (4, SIZE // 2):
        cv2.line(texture, (x, 0), (x, SIZE), colour, 7)
    cv2.line(texture, (0, 3), (SIZE, 3), colour, 6)
    return premultiplied(texture[..., :3], texture[..., 3])


def guard_rail(rng: np.random.Generator) -> Texture:
    """Paint a corrugated steel band on posts."""
    texture = np.zeros((SIZE, SIZE, 4), np.uint8)
    tone = shade((170, 174, 178), rng.uniform(0.5, 1.2))
    for x in (20, 148):
        cv2.rectangle(texture, (x, 60), (x + 14, SIZE), (*shade(tone, 0.6), 255.0), -1)
    for y, factor in ((20, 1.1), (46, 0.7), (64, 1.0), (90, 0.65)):
        cv2.rectangle(texture, (0, y), (SIZE, y + 26), (*shade(tone, factor), 255.0), -1)
    return premultiplied(texture[..., :3], texture[..., 3])


def boards(rng: np.random.Generator) -> Texture:
    """Paint wooden boards side by side."""
    texture = np.zeros((SIZE, SIZE, 4), np.uint8)
    wood = shade((146, 116, 88), rng.uniform(0.5, 1.4)) if rng.random() < 0.75 else shade(vivid(rng), 0.6)
    count = int(rng.integers(10, 20))
    for board in range(count):
        x = board * SIZE / count
        tone = (*shade(wood, rng.uniform(0.8, 1.15)), 255.0)
        cv2.rectangle(texture, (round(x), int(rng.integers(2, 9))), (round(x + SIZE / count) - 2, SIZE), tone, -1)
    for y in (40, 190):
        cv2.rectangle(texture, (0, y), (SIZE, y + 12), (*shade(wood, 0.7), 255.0), -1)
    return premultiplied(texture[..., :3], texture[..., 3])


def _masonry(rng: np.random.Generator) -> Texture:
    """Paint a (256, 256, 3) wall of plaster, blocks or brick with a coping."""
    base = pick_colour(rng, PLASTER, 0.25) if rng.random() < 0.55 else pick_colour(rng, BRICK)
    base = shade(base, 0.85)
    texture = plain(rng, base, rng.uniform(0.12, 0.35))
    if rng.random() < 0.65:
        rows = int(rng.integers(6, 24))
        step = SIZE / rows
        for row in range(rows):
            box(texture, 0, row * step, SIZE, row * step + 1.5, shade(base, rng.uniform(0.55, 0.85)))
            for x in np.arange((row % 2) * step, SIZE, 2 * step):
                box(texture, x, row * step, x + 1.5, (row + 1) * step, shade(base, 0.7))
    box(texture, 0, 0, SIZE, rng.uniform(8, 24), shade(base, rng.uniform(0.75, 1.25)))
    weather(rng, texture)
    return texture


def masonry(rng: np.random.Generator) -> Texture:
    """Paint a garden wall."""
    return premultiplied(_masonry(rng))


def compound_wall(rng: np.random.Generator) -> Texture:
    """Paint a long plastered wall in panels between posts: bare, limewashed or with adverts, often with wire on top."""
    base = pick_colour(rng, ((214, 204, 184), (190, 176, 150), (156, 146, 132), (222, 206, 160), (112, 104, 92)), 0.2)
    texture = plain(rng, base, rng.uniform(0.14, 0.32))
    painted = rng.random()
    if painted < 0.3:
        written = cv2.resize(advert(rng), (SIZE, SIZE // 2), interpolation=cv2.INTER_AREA)
        top = SIZE // 3
        texture[top : top + SIZE // 2] = cv2.addWeighted(texture[top : top + SIZE // 2], 0.35, written, 0.65, 0)
    elif painted < 0.5:  # a painted foot
        box(texture, 0, SIZE * 0.72, SIZE, SIZE, shade(pick_colour(rng, BRICK), 0.9))
    for x in np.arange(0, SIZE, SIZE / int(rng.integers(2, 4))):
        box(texture, x, 0, x + 12, SIZE, shade(base, rng.uniform(0.8, 1.1)))
        box(texture, x + 12, 0, x + 15, SIZE, shade(base, 0.5))
    weather(rng, texture)
    weather(rng, texture)
    alpha = np.full((SIZE, SIZE), 255, np.uint8)
    top = int(rng.uniform(0.1, 0.2) * SIZE) if rng.random() < 0.6 else 0
    box(texture, 0, top, SIZE, top + 8, shade(base, rng.uniform(0.7, 1.2)))
    if top:
        alpha[:top] = 0
        texture[:top] = 70
        for x in np.arange(0, SIZE, 22.0):  # coils of wire on stays
            cv2.ellipse(alpha, (round(x), top // 2), (16, top // 2), 0, 0, 360, 170, 2, cv2.LINE_AA)
        for x in (6, SIZE // 2):
            cv2.line(alpha, (x, 0), (x, top), 255, 4)
    return premultiplied(texture, alpha)


def noise_wall(rng: np.random.Generator) -> Texture:
    """Paint a tall barrier beside a motorway: concrete, metal or timber panels between posts."""
    base = pick_colour(rng, ((168, 164, 156), (132, 130, 124), (120, 136, 116), (142, 120, 96)), 0.2)
    texture = plain(rng, base, rng.uniform(0.05, 0.15))
    lines = int(rng.integers(5, 30))
    for y in np.linspace(0, SIZE, lines):
        box(texture, 0, y, SIZE, y + 2, shade(base, 0.8))
    for x in (0, SIZE // 2):
        box(texture, x, 0, x + 8, SIZE, shade(base, rng.uniform(0.5, 0.8)))
    weather(rng, texture)
    return premultiplied(texture)


def concrete_barrier(rng: np.random.Generator) -> Texture:
    """Paint a low concrete barrier, bright on its slope."""
    base = shade((176, 172, 164), rng.uniform(0.7, 1.2))
    texture = plain(rng, base, 0.2)
    box(texture, 0, SIZE * 0.62, SIZE, SIZE, shade(base, 1.15))
    for x in (0, SIZE // 2):
        box(texture, x, 0, x + 3, SIZE, shade(base, 0.5))
    weather(rng, texture)
    return premultiplied(texture)


PAINTERS: dict[BarrierKind, tuple[Callable[[np.random.Generator], Texture], int]] = {
    "railings": (railings, 10),
    "wall with railings": (wall_with_railings, 6),
    "mesh": (mesh, 4),
    "guard rail": (guard_rail, 3),
    "boards": (boards, 5),
    "wall": (masonry, 10),
    "compound wall": (compound_wall, 14),
    "noise wall": (noise_wall, 4),
    "concrete barrier": (concrete_barrier, 3),
    "hedge": (hedge, 6),
}
"""Painter of each kind, and the number of its textures in a bank."""
