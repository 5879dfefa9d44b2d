"""CPU count available to this process, and thread limits."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

THREADS_VARIABLE = "ROADSEG_THREADS"
"""Environment variable with the most threads to use; child processes inherit it."""


def usable_cores() -> int:
    """Return the number of logical processors that this process may use, at most `ROADSEG_THREADS` if that is set."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get(THREADS_VARIABLE, "")
    return min(cores, int(limit)) if limit.isdecimal() and int(limit) else cores


def limit_threads(count: int) -> None:
    """Use at most `count` CPU threads, in this process and in those that it starts.

    Call it before torch or OpenVINO is imported: their thread pools are made once.
    """
    os.environ[THREADS_VARIABLE] = os.environ["OMP_NUM_THREADS"] = str(count)


@contextmanager
def opencv_in_one_thread() -> Iterator[None]:
    """Limit OpenCV to one thread inside the block: where other threads work too, its own would only wait for a core."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
