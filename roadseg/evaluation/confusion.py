"""Confusion counts, and the arithmetic that makes IoU of them. Counts add up over images, batches and processes."""

import numpy as np
from numpy.typing import NDArray


def confusion_matrix(
    prediction: NDArray[np.integer], truth: NDArray[np.integer], num_classes: int
) -> NDArray[np.int64]:
    """Count pixels by [truth, prediction], (num_classes, num_classes) int64.

    Pixels whose truth lies outside 0..num_classes-1 count nowhere; so do predictions outside, see `evaluate` for how
    classes that the truth does not know are counted as errors.

    Raises:
        ValueError: the shapes differ.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction {prediction.shape} and truth {truth.shape} must have the same shape")
    side = num_classes + 1
    # Everything outside the classes shares one last row and column, which are cut off at the end.
    rows = np.minimum(truth.astype(np.int64), num_classes)
    columns = np.minimum(prediction.astype(np.int64), num_classes)
    rows[truth < 0] = num_classes
    columns[prediction < 0] = num_classes
    counts = np.bincount((rows * side + columns).ravel(), minlength=side * side)
    return counts.reshape(side, side)[:num_classes, :num_classes].astype(np.int64)


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
