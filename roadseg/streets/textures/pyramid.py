"""Images in decreasing sizes, so that distant things are drawn from few pixels and do not flicker."""

import cv2
import numpy as np
from numpy.typing import NDArray

Pyramid = tuple[NDArray[np.uint8], ...]
"""A square image, then halves of the one before, down to 8 pixels."""


def pyramid(texture: NDArray[np.uint8]) -> Pyramid:
    """Halve a square image, (n, n) or (n, n, channels), by averaging."""
    levels = [texture]
    while len(levels[-1]) > 8:
        half = len(levels[-1]) // 2
        levels.append(np.asarray(cv2.resize(levels[-1], (half, half), interpolation=cv2.INTER_AREA), np.uint8))
    return tuple(levels)


def level_for(levels: Pyramid, pixels: float) -> int:
    """Return the smallest level with at least `pixels` per side; the largest if none has."""
    level = 0
    while level + 1 < len(levels) and len(levels[level + 1]) >= pixels:
        level += 1
    return level


def premultiplied(colour: NDArray[np.uint8], alpha: NDArray[np.uint8] | int = 255) -> NDArray[np.uint8]:
    """Return (H, W, 4) RGBA with colours (H, W, 3) multiplied by `alpha` (H, W), ready to be averaged and warped."""
    full = np.full(colour.shape[:2], alpha, np.uint8) if isinstance(alpha, int) else alpha
    weighted = colour.astype(np.uint16) * full[..., None] // 255
    return np.dstack([weighted.astype(np.uint8), full])
