"""Confusion counts, and the arithmetic that makes IoU of them. Counts add up over images, batches and processes."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import IGNORE

MOST_CLASSES = IGNORE
"""Train ids are bytes, of which the last means no class."""
_BANDS = 16
_CHUNK = 1 << 19
"""Pixels that are counted at once: few enough to stay in the processor's caches, and for counts to come back exactly
as float32, which is below 1 << 24."""


def confusion_matrix(
    prediction: NDArray[np.integer], truth: NDArray[np.integer], num_classes: int
) -> NDArray[np.int64]:
    """Count pixels by [truth, prediction], (num_classes, num_classes) int64.

    Maps are of one shape and of any integer type; uint8 is counted fastest. Pixels whose truth lies outside
    0..num_classes-1 count nowhere; so do predictions outside, see `evaluate` for how classes that the truth does not
    know are counted as errors.

    Raises:
        ValueError: the shapes differ, or there are more than `MOST_CLASSES`.
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
    """The same ids as uint8; what lies outside the classes becomes 255."""
    if ids.dtype == np.uint8:
        return ids.view(np.uint8)
    return np.where((ids >= 0) & (ids < num_classes), ids, IGNORE).astype(np.uint8)


def _count_pairs(columns: NDArray[np.uint8], rows: NDArray[np.uint8], num_classes: int) -> NDArray[np.int64]:
    """Count each pair of bytes as one number of 16 bits in a single histogram.

    Neighbouring pixels mostly show the same pair, and a counter that is raised again at once waits for itself: so the
    pixels are taken from several bands of the picture in turn.
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
    """Per-class TP / (TP + FP + FN), 0..1, (C,) float64.

    NaN for a class that occurs neither in truth nor in prediction; 0 for one that is only predicted. Means leave NaN
    out (`numpy.nanmean`), the convention of the published implementations of this field.
    """
    hits = np.diag(confusion).astype(np.float64)
    union = confusion.sum(0) + confusion.sum(1) - np.diag(confusion)
    iou: NDArray[np.float64] = np.divide(hits, union, out=np.full(len(hits), np.nan), where=union > 0)
    return iou


def pixel_accuracy(confusion: NDArray[np.int64]) -> float:
    """Share of counted pixels that are right, 0..1; NaN when none was counted."""
    total = confusion.sum()
    return float(np.diag(confusion).sum() / total) if total else float("nan")
