"""Tileable noise: sums of smoothed random grids of doubling fineness (value noise)."""

import cv2
import numpy as np
from numpy.typing import NDArray


def value_noise(rng: np.random.Generator, size: int, cells: int, persistence: float) -> NDArray[np.float32]:
    """Return (size, size) float32 noise that tiles, stretched to 0..1.

    Args:
        rng: source of the random grids.
        size: side in pixels, a power of two.
        cells: cells along a side of the coarsest grid, a power of two.
        persistence: amplitude of each grid relative to the next coarser one.
    """
    total = np.zeros((size, size), np.float32)
    amplitude = 1.0
    while cells <= size // 2:
        total += amplitude * _tiled_resize(rng.random((cells, cells), np.float32), size)
        amplitude *= persistence
        cells *= 2
    low, high = float(total.min()), float(total.max())
    return (total - low) / (high - low)


def _tiled_resize(grid: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Enlarge `grid` to (size, size) so that opposite edges match."""
    margin = 2
    padded = np.pad(grid, margin, mode="wrap")
    factor = size // len(grid)
    large = cv2.resize(padded, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    start = margin * factor
    return np.asarray(large[start : start + size, start : start + size], np.float32)


def to_bytes(noise: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale 0..1 to 0..255."""
    return np.asarray(np.clip(noise * 255 + 0.5, 0, 255), np.uint8)


def toned(noise: NDArray[np.float32], colour: tuple[float, float, float], contrast: float) -> NDArray[np.float32]:
    """Return `colour` as (H, W, 3) float32 whose brightness follows `noise` by a factor of 1 ± `contrast`."""
    gain = 1 + contrast * (2 * noise - 1)
    return gain[..., None] * np.asarray(colour, np.float32)
