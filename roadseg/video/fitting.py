"""Frames of another size than the first, fitted into it with their proportions kept."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def fitted(size: tuple[int, int], *, into: tuple[int, int]) -> tuple[int, int]:
    """Return the largest (width, height) in proportion to `size` that lies in `into`; even where there is room."""
    scale = min(into[0] / size[0], into[1] / size[1])
    width, height = (max(1, min(round(side * scale / 2) * 2, room)) for side, room in zip(size, into, strict=True))
    return width, height


def on_black(
    planes: Sequence[NDArray[np.uint8]], size: tuple[int, int], *, full_range: bool
) -> tuple[NDArray[np.uint8], ...]:
    """Return the planes of a 4:2:0 frame in the middle of a black frame of (width, height) = `size`."""
    top, left = ((whole - side) // 4 for whole, side in zip(size[::-1], planes[0].shape, strict=True))
    framed = []
    for plane, step, black in zip(planes, (1, 2, 2), (0 if full_range else 16, 128, 128), strict=True):
        whole = np.full((-(-size[1] // step), -(-size[0] // step)), black, np.uint8)
        # An even place in luma, so that chroma lies at the same.
        y, x = 2 * top // step, 2 * left // step
        whole[y : y + plane.shape[0], x : x + plane.shape[1]] = plane
        framed.append(whole)
    return tuple(framed)
