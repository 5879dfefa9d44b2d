"""Pictures at falling sizes, so that what is far away is drawn from few pixels and does not glitter."""

import cv2
import numpy as np
from numpy.typing import NDArray

Pyramid = tuple[NDArray[np.uint8], ...]
"""A square picture, then halves of the one before down to 8 pixels."""


def pyramid(picture: NDArray[np.uint8]) -> Pyramid:
    """Halve a square picture, (n, n) or (n, n, channels), by averaging."""
    levels = [picture]
    while len(levels[-1]) > 8:
        half = len(levels[-1]) // 2
        levels.append(np.asarray(cv2.resize(levels[-1], (half, half), interpolation=cv2.INTER_AREA), np.uint8))
    return tuple(levels)


def level_for(levels: Pyramid, pixels: float) -> int:
    """The smallest level that still has as many pixels a side as are wanted; the largest if none has."""
    level = 0
    while level + 1 < len(levels) and len(levels[level + 1]) >= pixels:
        level += 1
    return level


def premultiplied(colour: NDArray[np.uint8], alpha: NDArray[np.uint8] | int = 255) -> NDArray[np.uint8]:
    """(H, W, 4) RGBA with colours (H, W, 3) multiplied by `alpha` (H, W), so that it can be averaged and warped."""
    full = np.full(colour.shape[:2], alpha, np.uint8) if isinstance(alpha, int) else alpha
    weighted = colour.astype(np.uint16) * full[..., None] // 255
    return np.dstack([weighted.astype(np.uint8), full])
