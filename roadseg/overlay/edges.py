"""Outlines of labels that follow the picture: a guided filter of each class, and the class that answers most.

He, Sun and Tang, "Guided image filtering", 2013, as fast as in He and Sun, "Fast guided filter", 2015: near each place
the share of a class is a linear function of luma, which is found at the size of the label map and used at twice its
size.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import LabelMap
from roadseg.overlay.layout import scaled_plane
from roadseg.video.colour import Plane

RADIUS = 4
"""Pixels of the label map from the middle of a window to its end."""
SMOOTHNESS = 0.001 * 255**2
"""Variance of luma in levels below which a window counts as of one shade: more leaves outlines as they are."""
GROWTH = 2
"""Size of the result, relative to the label map."""


def fitted_to_picture(labels: LabelMap, y: Plane) -> LabelMap:
    """Return a label map of twice the size, whose outlines move to those of the picture nearby.

    Those a pixel of the label map beside do so wholly, those two pixels beside mostly.

    Args:
        labels: (h, w) uint8; `IGNORE` is one of the classes. Maps of one class, or too small for a window, stay.
        y: luma of the whole frame at any size.
    """
    found = np.flatnonzero(np.bincount(labels.ravel(), minlength=256))
    if len(found) == 1 or min(labels.shape) <= 2 * RADIUS:
        return labels
    height, width = labels.shape
    fine = scaled_plane(y.astype(np.float32), (GROWTH * width, GROWTH * height))
    coarse = scaled_plane(fine, (width, height))
    mean = _mean(coarse)
    scale = 1 / (_mean(coarse * coarse) - mean * mean + np.float32(SMOOTHNESS))
    best = np.full(fine.shape, -np.inf, np.float32)
    fitted = np.zeros(fine.shape, np.uint8)
    for label in found.tolist():
        here = (labels == label).view(np.uint8)
        left, top, columns, rows = cv2.boundingRect(here)
        # Elsewhere this class has a share of 0.
        right, bottom = left + columns + 2 * RADIUS, top + rows + 2 * RADIUS
        left, top = max(0, left - 2 * RADIUS), max(0, top - 2 * RADIUS)
        place = np.s_[top:bottom, left:right]
        share = here[place].astype(np.float32)
        share_mean = _mean(share)
        slope = (_mean(coarse[place] * share) - mean[place] * share_mean) * scale[place]
        offset = _mean(share_mean - slope * mean[place])
        place = np.s_[GROWTH * top : GROWTH * bottom, GROWTH * left : GROWTH * right]
        size = fine[place].shape[::-1]
        answer = cv2.add(cv2.multiply(scaled_plane(_mean(slope), size), fine[place]), scaled_plane(offset, size))
        more = cv2.compare(answer, best[place], cv2.CMP_GT)
        cv2.copyTo(answer, more, best[place])
        fitted[place][more > 0] = label
    return fitted


def _mean(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the mean of the window around each pixel."""
    return np.asarray(cv2.blur(values, (2 * RADIUS + 1, 2 * RADIUS + 1)), np.float32)
