"""Speed of comparing label maps, against numpy.bincount over masked int64 arrays: `python benchmarks/confusion.py`.

Processor time of one thread, both sides in turn, the best of many rounds: other work on the machine matters little.
"""

import time
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.confusion import confusion_matrix
from roadseg.labels.space import IGNORE

CLASSES, ROUNDS = 19, 40


def bincount(prediction: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.int64]:
    truth, prediction = truth.astype(np.int64), prediction.astype(np.int64)
    mask = (truth >= 0) & (truth < CLASSES)
    pairs = CLASSES * truth[mask] + prediction[mask]
    return np.bincount(pairs, minlength=CLASSES**2).reshape(CLASSES, CLASSES)


def ours(prediction: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.int64]:
    return confusion_matrix(prediction, truth, CLASSES)


def maps(width: int, height: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Prediction and truth with regions of about a street's size; some pixels wrong, some ignored."""
    coarse = rng.integers(0, CLASSES, (height // 40, width // 40), np.uint8)
    truth = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
    wrong, ignored = rng.random((2, height, width)) < 0.1
    prediction = np.where(wrong, rng.integers(0, CLASSES, truth.shape, np.uint8), truth)
    return prediction, np.where(ignored, np.uint8(IGNORE), truth)


def milliseconds(calls: list[Callable[[], object]]) -> list[float]:
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for number, call in enumerate(calls):
            started = time.thread_time()
            call()
            best[number] = min(best[number], 1000 * (time.thread_time() - started))
    return best


def main() -> None:
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    for width, height in ((2048, 1024), (480, 360)):
        pair = maps(width, height, rng)
        assert np.array_equal(bincount(*pair), ours(*pair))
        numpy_ms, our_ms = milliseconds([lambda p=pair: bincount(*p), lambda p=pair: ours(*p)])
        print(
            f"count {width}x{height}: {our_ms:.3f} ms, numpy.bincount {numpy_ms:.3f} ms, {numpy_ms / our_ms:.1f} times"
        )


if __name__ == "__main__":
    main()
