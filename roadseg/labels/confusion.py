"""Confusion counts and the scores computed from them. Counts add up over images, batches and processes."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import IGNORE

MOST_CLASSES = IGNORE
"""Train ids are bytes; the last value means no class."""
_BANDS = 16
_CHUNK = 1 << 19
"""Pixels counted at once: few enough for the processor's caches, and for counts that are exact in float32 (below
1 << 24)."""


def confusion_matrix(
    prediction: NDArray[np.integer], truth: NDArray[np.integer], num_classes: int
) -> NDArray[np.int64]:
    """Count pixels by truth and prediction.

    Pixels whose truth or prediction lies outside 0..num_classes-1 are not counted; `roadseg.evaluation.evaluate` gives
    predicted classes that the truth does not know another id, so that they count as errors.

    Args:
        prediction: label map of any shape and integer type; uint8 is fastest.
        truth: label map of the same shape.
        num_classes: at most `MOST_CLASSES`.

    Returns:
        (num_classes, num_classes) int64 pixels by [truth, prediction].

    Raises:
        ValueError: the shapes differ, or there are too many classes.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction {prediction.shape} and truth {truth.shape} must have the same shape")
    if num_classes > MOST_CLASSES:
        raise ValueError(f"{num_classes} classes are more than {MOST_CLASSES}")
    columns, rows = (_as_bytes(ids, num_classes).ravel() for ids in (prediction, truth))
    counts = np.zeros((num_classes, num_classes), np.int64)
    for start in range(0, rows.size, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        counts += _count_pairs(columns[chunk], rows[chunk], num_classes)
    return counts


def _as_bytes(ids: NDArray[np.integer], num_classes: int) -> NDArray[np.uint8]:
    """Return the same ids as uint8; ids outside the classes become 255."""
    if ids.dtype == np.uint8:
        return ids.view(np.uint8)
    return np.where((ids >= 0) & (ids < num_classes), ids, IGNORE).astype(np.uint8)


def _count_pairs(columns: NDArray[np.uint8], rows: NDArray[np.uint8], num_classes: int) -> NDArray[np.int64]:
    """Count each pair of bytes as one number of 16 bits in a single histogram.

    Neighbouring pixels mostly have the same pair, and a counter that is incremented twice in a row waits for itself, so
    pixels are taken from several bands of the image in turn.
    """
    size = rows.size
    pairs = np.empty((1, -(-size // _BANDS) * _BANDS, 2), np.uint8)
    cv2.merge([columns[None], rows[None]], pairs[:, :size])
    pairs[:, size:] = IGNORE
    in_turn: Any = cv2.transpose(pairs.view("<u2").reshape(_BANDS, -1))
    bins = num_classes * 256
    counts: Any = cv2.calcHist([in_turn], [0], None, [bins], [0, bins])
    return counts.reshape(num_classes, 256)[:, :num_classes].astype(np.int64)  # type: ignore[no-any-return]


def intersection_over_union(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return per-class IoU from confusion counts: TP / (TP + FP + FN).

    Args:
        confusion: (..., C, C) pixels by [truth, prediction].

    Returns:
        (..., C) float64, 0..1. NaN for a class that occurs neither in truth nor in prediction, 0 for one that is only
        predicted. Means leave out NaN (`numpy.nanmean`), as the published implementations do.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    union = confusion.sum(-2) + confusion.sum(-1) - hits
    iou: NDArray[np.float64] = np.divide(hits, union, out=np.full(hits.shape, np.nan), where=union > 0)
    return iou


def pixel_accuracy(confusion: NDArray[np.int64]) -> float:
    """Return the share of counted pixels with the right label, 0..1; NaN if none was counted."""
    total = confusion.sum()
    return float(np.diag(confusion).sum() / total) if total else float("nan")
