"""Trees, palms, bushes and hedges as sprites with soft edges."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.streets.textures.noise import value_noise
from roadseg.streets.textures.pyramid import Pyramid, premultiplied, pyramid

SIZE = 256
FULL = 255


@dataclass(frozen=True)
class Sprite:
    """Image with soft edges."""

    texture: Pyramid
    """(n, n, 4) premultiplied RGBA."""
    silhouette: Pyramid
    """(n, n), 255 where it is labelled: a bare crown is labelled as a whole, as annotators do."""


def _sprite(colour: NDArray[np.uint8], alpha: NDArray[np.uint8], silhouette: NDArray[np.uint8]) -> Sprite:
    return Sprite(pyramid(premultiplied(colour, alpha)), pyramid(silhouette))


def _green(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a leaf colour, from yellowish to bluish green, at times autumnal."""
    if rng.random() < 0.05:
        return np.array([rng.uniform(110, 160), rng.uniform(80, 115), rng.uniform(35, 60)])
    green = rng.uniform(58, 138)
    return np.array([green * rng.uniform(0.55, 0.98), green, green * rng.uniform(0.3, 0.7)])


Clump = tuple[float, float, float]
"""(x, y, radius) in pixels."""
REACH = 0.85
"""Radii outside a clump beyond which none of its leaves grow; `_leaves` roughens edges by less."""


def _leaves(rng: np.random.Generator, clumps: list[Clump], colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> None:
    """Cover clumps with leaves, lit from above: bright tops, dark undersides, ragged edges and gaps."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    depth, below = _nearest(clumps, rows, columns)
    leaves = value_noise(rng, SIZE, 64, rng.uniform(0.7, 1.1))
    twigs = value_noise(rng, SIZE, 16, 0.8)
    cover = depth + rng.uniform(0.4, 0.8) * (leaves - 0.5) + rng.uniform(0.3, 0.7) * (twigs - 0.5)
    opaque = np.clip(cover * 10 + 0.5, 0, 1)
    light = 0.82 - 0.36 * below + 0.12 * (1 - 2 * rows / SIZE)
    light *= 1 + rng.uniform(0.7, 1.3) * (leaves - 0.5) + 0.5 * (twigs - 0.5)
    light *= np.clip(0.62 + 1.6 * cover, 0.5, 1)  # the crown is visible at its gaps
    hue = np.asarray(_green(rng), np.float32) * (1 + (twigs[..., None] - 0.5) * np.array((0.35, 0.1, 0.1), np.float32))
    painted = hue * np.clip(light, 0.18, 1.7)[..., None]
    colour[:] = np.clip(colour + (painted - colour) * opaque[..., None], 0, 255).astype(np.uint8)
    alpha[:] = np.maximum(alpha, (opaque * FULL).astype(np.uint8))


def _nearest(
    clumps: list[Clump], rows: NDArray[np.float32], columns: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return how deep each pixel lies inside its nearest clump, and how far below its centre; 1 is the radius."""
    depth, below = np.full_like(rows, -REACH), np.zeros_like(rows)
    for clump in clumps:
        x, y, radius = np.array(clump, np.float32)
        top, bottom, left, right = (
            min(max(int(centre + side * (1 + REACH) * radius), 0), SIZE) for centre in (y, x) for side in (-1, 1)
        )
        box = np.s_[top:bottom, left:right]
        inside = 1 - np.hypot(columns[box] - x, rows[box] - y) / radius
        nearer = inside > depth[box]
        np.copyto(depth[box], inside, where=nearer)
        np.copyto(below[box], (rows[box] - y) / radius, where=nearer)
    return depth, below


def _trunk(rng: np.random.Generator, colour: NDArray[np.uint8], alpha: NDArray[np.uint8], top: float) -> None:
    grey = rng.uniform(45, 95)
    bark = (grey * 1.05, grey * 0.92, grey * 0.8)
    width, lean = rng.uniform(4, 9), rng.normal(0, 8)
    points = [(-width, SIZE), (width, SIZE), (lean + width * 0.6, top), (lean - width * 0.6, top)]
    outline = np.array([(SIZE / 2 + x, y) for x, y in points])
    cv2.fillPoly(colour, [(outline * 16).astype(np.int32)], bark, cv2.LINE_AA, 4)
    cv2.fillPoly(alpha, [(outline * 16).astype(np.int32)], FULL, cv2.LINE_AA, 4)
    lit = outline.copy()
    lit[1:3, 0] = lit[[0, 3], 0] * 0.5 + lit[1:3, 0] * 0.5
    cv2.fillPoly(colour, [(lit * 16).astype(np.int32)], tuple(1.25 * c for c in bark), cv2.LINE_AA, 4)
    for sign in (-1, 1):
        fork = (SIZE / 2 + lean + sign * rng.uniform(20, 50), top - rng.uniform(20, 60))
        start = (round(SIZE / 2 + lean), round(top) + 6)
        for canvas, tone in ((colour, bark), (alpha, (FULL,))):
            cv2.line(canvas, start, (round(fork[0]), round(fork[1])), tone, round(width * 0.9), cv2.LINE_AA)


def leafy_tree(rng: np.random.Generator) -> Sprite:
    """Paint a tree in leaf: round, spreading, columnar or conical crown on a trunk that ends at the bottom edge."""
    colour, alpha = _blank(_green(rng) * 0.5)
    breadth, foot = rng.uniform(0.6, 1.0), rng.uniform(0.62, 0.86) * SIZE
    _trunk(rng, colour, alpha, foot - rng.uniform(30, 70))
    middle, half_height = foot / 2, foot / 2
    conical = rng.random() < 0.15
    core = 0.36 * SIZE * breadth
    clumps = [(SIZE / 2 + rng.uniform(-10, 10), middle + step * half_height * 0.4, core * 0.8) for step in (-0.6, 0.4)]
    for _ in range(int(rng.integers(18, 34))):
        radius = rng.uniform(14, 32) * (0.7 + 0.3 * breadth)
        angle, distance = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 1))
        y = middle + np.sin(angle) * distance * (half_height - radius * 0.9)
        reach = (SIZE / 2 - radius - 2) * breadth * (np.clip((y + 20) / foot, 0.15, 1) if conical else 1)
        clumps.append((SIZE / 2 + np.cos(angle) * distance * reach, y, radius))
    _leaves(rng, clumps, colour, alpha)
    return _sprite(colour, alpha, _closed(alpha, 7))


def bush(rng: np.random.Generator) -> Sprite:
    """Paint a bush that fills the lower part of the sprite."""
    colour, alpha = _blank(_green(rng) * 0.5)
    clumps = []
    for _ in range(int(rng.integers(18, 32))):
        radius, across = rng.uniform(18, 38), rng.uniform(-1, 1)
        top = 70 + 60 * abs(across) + radius
        x = SIZE / 2 + across * (SIZE / 2 - radius)
        clumps.append((x, rng.uniform(min(top, SIZE - radius), SIZE - radius * 0.6), radius))
    _leaves(rng, clumps, colour, alpha)
    return _sprite(colour, alpha, _closed(alpha, 7))


def bare_tree(rng: np.random.Generator) -> Sprite:
    """Paint a tree in winter: branches that thin out into twigs, labelled as one silhouette."""
    grey = rng.uniform(35, 90)
    colour, alpha = _blank(np.array([grey * 1.06, grey, grey * 0.9]))
    spread, shrink = rng.uniform(0.3, 0.48), rng.uniform(0.66, 0.76)

    def grow(x: float, y: float, angle: float, length: float, thickness: float, depth: int) -> None:
        x1, y1 = x + length * np.cos(angle), y - length * np.sin(angle)
        ends = ((round(x * 8), round(y * 8)), (round(x1 * 8), round(y1 * 8)))
        ink = FULL if thickness >= 1 else 170
        cv2.line(alpha, *ends, ink, max(round(thickness), 1), cv2.LINE_AA, 3)
        if depth:
            for _ in range(int(rng.integers(3, 5) if depth > 1 else rng.integers(2, 4))):
                along = rng.uniform(0.5, 1.0)
                turn = angle + 0.15 * (np.pi / 2 - angle) + rng.normal(0, spread)
                start = (x + (x1 - x) * along, y + (y1 - y) * along)
                grow(*start, turn, length * shrink * rng.uniform(0.8, 1.1), thickness * 0.58, depth - 1)

    grow(SIZE / 2, SIZE, np.pi / 2 + rng.normal(0, 0.05), SIZE * rng.uniform(0.28, 0.34), rng.uniform(6, 11), 5)
    shade = 1 + 0.35 * (2 * value_noise(rng, SIZE, 16, 0.8) - 1)
    colour[:] = np.clip(colour * shade[..., None], 0, 255).astype(np.uint8)
    crown = _closed(alpha, 15)
    # The finest twigs are a brownish haze between the others.
    haze = np.clip((value_noise(rng, SIZE, 64, 0.9) - rng.uniform(0.5, 0.9)) * 4, 0, 0.6) * cv2.blur(crown, (9, 9))
    alpha[:] = np.maximum(alpha, haze.astype(np.uint8))
    return _sprite(colour, alpha, crown)


def palm(rng: np.random.Generator) -> Sprite:
    """Paint a coconut palm: a slender trunk, drooping fronds."""
    colour, alpha = _blank(np.array([60.0, 75.0, 40.0]))
    lean, crown_y = rng.normal(0, 18), rng.uniform(62, 82)
    along = np.linspace(0, 1, 14)
    trunk_x = SIZE / 2 + lean * along**2
    trunk_y = SIZE + (crown_y - SIZE) * along
    grey = rng.uniform(70, 110)
    for i in range(13):
        ends = ((round(trunk_x[i]), round(trunk_y[i])), (round(trunk_x[i + 1]), round(trunk_y[i + 1])))
        width = round(9 - 4 * along[i])
        cv2.line(colour, *ends, (grey, grey * 0.9, grey * 0.78), width, cv2.LINE_AA)
        cv2.line(alpha, *ends, FULL, width, cv2.LINE_AA)
    green = _green(rng)
    for angle in rng.permutation(np.linspace(-0.7, np.pi + 0.7, int(rng.integers(15, 22)))):
        _frond(rng, colour, alpha, (trunk_x[-1], crown_y), float(angle + rng.normal(0, 0.12)), green)
    return _sprite(colour, alpha, _closed(alpha, 9))


def _frond(
    rng: np.random.Generator,
    colour: NDArray[np.uint8],
    alpha: NDArray[np.uint8],
    crown: tuple[float, float],
    angle: float,
    green: NDArray[np.float64],
) -> None:
    """Paint a rib that rises, arches and droops, with leaflets hanging from it and gaps between them."""
    length, droop = rng.uniform(70, 104), rng.uniform(18, 60)
    tone = tuple((green * rng.uniform(0.5, 1.1)).tolist())
    steps = np.linspace(0.06, 1, 30)
    ribs_x = crown[0] + np.cos(angle) * length * steps
    ribs_y = crown[1] - np.sin(angle) * length * 0.78 * steps + droop * steps**2.4
    for x, y, step in zip(ribs_x, ribs_y, steps, strict=True):
        leaf = 22 * np.sin(np.pi * min(step * 0.8 + 0.14, 1)) + 4
        for sign in (-1, 1):
            tip = (x + sign * leaf * 0.45 + np.cos(angle) * leaf * 0.45, y + leaf * rng.uniform(0.35, 0.9))
            for canvas, ink in ((colour, tone), (alpha, (FULL,))):
                cv2.line(canvas, (round(x), round(y)), (round(tip[0]), round(tip[1])), ink, 1, cv2.LINE_AA)


def hedge(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Paint a (256, 256, 4) premultiplied stretch of clipped hedge, ragged along its top."""
    colour, alpha = _blank(_green(rng) * 0.45)
    clumps = [(float(x), float(y), float(rng.uniform(18, 30))) for x, y in rng.uniform((0, 44), (SIZE, SIZE), (90, 2))]
    _leaves(rng, clumps, colour, alpha)
    alpha[60:] = FULL
    return premultiplied(colour, alpha)


def _blank(under: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a colour image filled with the colour behind soft edges, and an empty alpha."""
    colour = np.empty((SIZE, SIZE, 3), np.uint8)
    colour[:] = under.astype(np.uint8)
    return colour, np.zeros((SIZE, SIZE), np.uint8)


def _closed(alpha: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return the silhouette of `alpha` with gaps up to `size` pixels closed."""
    solid = ((alpha > 90) * np.uint8(FULL)).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.morphologyEx(solid, cv2.MORPH_CLOSE, kernel), np.uint8)
