"""Safe IoU: IoU less a penalty for errors that endanger somebody, after Shaik et al., "IDD-AW", WACV 2024.

An error is dangerous where a person or a vehicle is taken for another class, or another class for one of them. The
penalty grows with the distance of the two classes in the hierarchy of IDD: one third within a kind of vehicle, two
thirds between kinds of vehicles and between a person and a rider, else 1. A class can lose more than it has: safe IoU
goes from -1 to 1.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

KINDS = (
    (("person",), ("rider",)),
    (("motorcycle", "bicycle"), ("autorickshaw", "car"), ("truck", "bus", "vehicle fallback")),
)
"""Living things and vehicles, each divided into kinds. Elsewhere in the hierarchy all distances are either 1 or do not
count."""
ENDANGERED = ("person", "rider", "motorcycle", "bicycle", "autorickshaw", "car", "truck", "bus")
"""The classes that the measure calls important."""


def distance(one: str, other: str) -> float:
    """Return the distance of two classes of IDD in its hierarchy, 0 to 1; exact where one of them is endangered."""
    if one == other:
        return 0.0
    for branch in KINDS:
        kinds = [next((number for number, kind in enumerate(branch) if name in kind), None) for name in (one, other)]
        if None not in kinds:
            return 1 / 3 if kinds[0] == kinds[1] else 2 / 3
    return 1.0


def safe_iou(confusion: NDArray[np.int64], classes: Sequence[str]) -> NDArray[np.float64]:
    """Return safe IoU by class in percent.

    Args:
        confusion: (C + 1, C + 1) pixels, as in `roadseg.evaluation.scores.Evaluation.confusion`; predictions of no
            scored class are as far away as possible.
        classes: names of the C scored classes, those of IDD.

    Returns:
        (C,) float64; NaN for a class that the truth never shows.
    """
    count = len(classes)
    weights = np.array([[distance(truth, seen) for seen in (*classes, "")] for truth in classes])
    dangerous = np.array([[truth in ENDANGERED or seen in ENDANGERED for seen in (*classes, "")] for truth in classes])
    truth = confusion[:count]
    penalty = (truth * weights * dangerous).sum(1)
    hits = np.diag(truth)
    union = truth.sum(1) + confusion[:, :count].sum(0) - hits
    found: NDArray[np.float64] = np.divide(
        100 * (hits - penalty), union, out=np.full(count, np.nan), where=truth.sum(1) > 0
    )
    return found
