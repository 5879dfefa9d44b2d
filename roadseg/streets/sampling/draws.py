"""Small random draws shared by all samplers."""

import colorsys
from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from roadseg.streets.scene import Colour

T = TypeVar("T")
Range = tuple[float, float]


def pick(rng: np.random.Generator, weights: Mapping[T, float]) -> T:
    """Return one of the keys, each with a chance in proportion to its weight."""
    mark = rng.random() * sum(weights.values())
    for key, weight in weights.items():
        mark -= weight
        if mark < 0:
            return key
    return key


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Return True with the given probability."""
    return bool(rng.random() < probability)


def between(rng: np.random.Generator, limits: Range) -> float:
    """Return a number drawn uniformly between two limits."""
    return float(rng.uniform(*limits))


def index(rng: np.random.Generator, count: int) -> int:
    """Return a whole number from 0 to count - 1."""
    return int(rng.integers(count))


def sign(rng: np.random.Generator) -> int:
    """Return -1 or 1."""
    return 1 if rng.random() < 0.5 else -1


def grey(rng: np.random.Generator, low: float, high: float, tint: float = 5.0) -> Colour:
    """Return a grey with a slight tint."""
    level = rng.uniform(low, high)
    red, green, blue = np.clip(level + rng.uniform(-tint, tint, 3), 4, 250).tolist()
    return red, green, blue


def hsv(rng: np.random.Generator, hue: Range, saturation: Range, value: Range) -> Colour:
    """Return a colour with hue (turns), saturation and value (0..1) drawn from ranges."""
    red, green, blue = colorsys.hsv_to_rgb(between(rng, hue) % 1, between(rng, saturation), between(rng, value))
    return red * 255, green * 255, blue * 255


def varied(rng: np.random.Generator, colour: Colour, spread: float = 0.1) -> Colour:
    """Return `colour`, a little brighter or darker."""
    factor = rng.uniform(1 - spread, 1 + spread)
    red, green, blue = (min(c * factor, 255.0) for c in colour)
    return red, green, blue


def tint(rng: np.random.Generator, low: float = 0.8, high: float = 1.12, hue: float = 0.05) -> Colour:
    """Return factors around 1 for a texture's colours."""
    red, green, blue = (rng.uniform(low, high) * rng.uniform(1 - hue, 1 + hue, 3)).tolist()
    return red, green, blue
