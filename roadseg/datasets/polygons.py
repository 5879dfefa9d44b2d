"""Paint label maps from polygons, in the order of the annotation file."""

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import IGNORE, LabelMap


class Region(NamedTuple):
    """A polygon and its label."""

    label: int
    """Train id, or `IGNORE`."""
    corners: NDArray[np.floating]
    """(N, 2) x, y in pixels; may lie outside the image."""


def painted(regions: Iterable[Region], size: tuple[int, int]) -> LabelMap:
    """Paint regions in order, later over earlier, onto an ignored background.

    The outline belongs to the region, and corners are truncated (not rounded) to whole pixels, as in the public tools
    of Cityscapes and IDD, which pass their coordinates to Pillow. Two corners make a line; one encloses nothing.

    Args:
        regions: in the order of the file, background first.
        size: (width, height) in pixels.

    Returns:
        (height, width) uint8, 255 where there is no region.
    """
    width, height = size
    labels = np.full((height, width), IGNORE, np.uint8)
    for region in regions:
        if len(region.corners) >= 2:
            cv2.fillPoly(labels, [region.corners.astype(np.int32)], region.label)
    return labels
