"""Frames a second that one core can draw labels on and count, without decoding or encoding.

    python benchmarks/overlay.py

Times are processor seconds of one thread, the best of several rounds, so that other work on the machine matters little.
"""

import time
from collections.abc import Callable
from fractions import Fraction

import cv2
import numpy as np

from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.labels.space import LabelMap
from roadseg.overlay.draw import Overlay
from roadseg.overlay.stats import count_pixels
from roadseg.video.frame import Frame

ROUNDS, CALLS = 10, 20


def frame_of(width: int, height: int, rng: np.random.Generator) -> Frame:
    y = rng.integers(16, 236, (height, width), np.uint8)
    u, v = rng.integers(16, 241, (2, height // 2, width // 2), np.uint8)
    return Frame(y, u, v, "bt709", False, 0, 0, Fraction(1, 25), 1)


def labels_of(width: int, height: int, rng: np.random.Generator) -> LabelMap:
    """A map with regions of about a street's size."""
    coarse = rng.integers(0, len(CITYSCAPES_19), (9, 16), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def milliseconds(call: Callable[[], object]) -> float:
    call()
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.thread_time()
        for _ in range(CALLS):
            call()
        best = min(best, (time.thread_time() - started) / CALLS)
    return 1000 * best


def report(what: str, cost: float) -> None:
    print(f"{what:40} {cost:7.3f} ms {1000 / cost:8.0f} frames/s")


def main() -> None:
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    labels = labels_of(256, 128, rng)
    for width, height in ((640, 360), (1280, 720), (1920, 1080)):
        frame = frame_of(width, height, rng)
        overlay = Overlay(CITYSCAPES_19)
        report(f"draw {width}x{height}, labels 256x128", milliseconds(lambda o=overlay, f=frame: o.draw(f, labels)))
    report("count pixels of 256x128 labels", milliseconds(lambda: count_pixels(labels)))


if __name__ == "__main__":
    main()
