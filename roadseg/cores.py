"""How much of the machine's processors is ours, and who takes it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import cv2


def usable_cores() -> int:
    """Logical processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def opencv_in_one_thread() -> Iterator[None]:
    """Keep OpenCV from threads of its own inside the block: where others work as well, they wait for some."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
