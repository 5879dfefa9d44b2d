"""CPU count available to this process, thread limits, and its memory."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

THREADS_VARIABLE = "ROADSEG_THREADS"
"""Environment variable with the most threads to use; child processes inherit it."""

WAIT_VARIABLE = "OMP_WAIT_POLICY"
BUSY = 0.5
"""Load of the last minute for each processor from which a machine counts as busy."""


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


def let_threads_sleep_on_a_busy_machine() -> None:
    """Let OpenMP's threads sleep while they wait for each other if this machine already has other work to do.

    By default they spin for milliseconds, which takes the processors from those that they wait for: a training step
    takes a multiple of its time. On an idle machine spinning is quicker, so there, and where the user has set
    `OMP_WAIT_POLICY`, nothing changes. Call it before torch is imported.
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > BUSY * (os.cpu_count() or 1):
        os.environ.setdefault(WAIT_VARIABLE, "PASSIVE")


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


def peak_resident_bytes() -> int:
    """Return the peak resident memory of this process in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, `getrusage` includes the memory of the parent process
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return 1024 * int(line.split()[1])
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
