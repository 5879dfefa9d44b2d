"""Confidence of labels: the probability of the class that wins, on the coarse grid of class scores."""

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import IGNORE, LabelMap

Confidences = NDArray[np.float32]
"""(N, h, w) probabilities, 0..1, an eighth of the image's size, rounded up."""
Confidence = NDArray[np.uint8]
"""(h, w) probabilities of one image at the size of its label map, in steps of 1 / 255."""
STEPS = 255


def confidences_of(scores: NDArray[np.float32]) -> Confidences:
    """Return the probability of the most likely class.

    Args:
        scores: (N, C, h, w) natural logarithms of probabilities, or weighted means of such, which need not add up to 1.
    """
    best = scores.max(axis=1, keepdims=True)
    return np.asarray(1 / np.exp(scores - best).sum(axis=1), np.float32)


def confidence_at(labels: LabelMap, coarse: NDArray[np.float32]) -> Confidence:
    """Return the confidence of each label of a map (h, w); 0 where it is `IGNORE`.

    Args:
        labels: the map.
        coarse: its part of `Confidences`, interpolated to the size of the map.
    """
    steps = cv2.resize(coarse, labels.shape[::-1], interpolation=cv2.INTER_LINEAR) * np.float32(STEPS)
    return np.where(labels == IGNORE, np.uint8(0), np.rint(steps).astype(np.uint8))


def class_confidences(labels: LabelMap, confidence: Confidence, classes: int) -> NDArray[np.float64]:
    """Return the mean confidence of the pixels of each class, (classes,) in 0..1; NaN for a class without a pixel."""
    flat = labels.ravel()
    pixels = np.bincount(flat, minlength=classes)[:classes]
    sums = np.bincount(flat, weights=confidence.ravel(), minlength=classes)[:classes]
    means: NDArray[np.float64] = np.divide(sums, STEPS * pixels, out=np.full(classes, np.nan), where=pixels > 0)
    return means
