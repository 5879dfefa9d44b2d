"""Search for the batch size that a device is fastest with."""

import time
from collections.abc import Callable, Iterable
from statistics import median

SIZES = (1, 2, 4, 8, 16, 32)
REPEATS = 3
"""Timed calls of each size, of which the median counts."""
ENOUGH = 0.95
"""Share of the highest rate that is enough: larger batches cost memory and time until the first result."""


def best_batch_size(
    label: Callable[[int], int], *, sizes: Iterable[int] = SIZES, clock: Callable[[], float] = time.perf_counter
) -> int:
    """Return the smallest batch size whose rate is nearly the highest.

    Args:
        label: labels this many images and returns the size of its batches; fewer if the memory did not hold them all.
        sizes: to try, rising; those after one that the memory did not hold are left out.
        clock: seconds.
    """
    rates: dict[int, float] = {}
    for size in sizes:
        label(size)  # the first time of a shape, kernels are chosen and memory is taken
        seconds = []
        for _ in range(REPEATS):
            started = clock()
            at_once = label(size)
            seconds.append(clock() - started)
        rates[at_once] = max(rates.get(at_once, 0), size / median(seconds))
        if at_once < size:
            break
    return min(size for size, rate in rates.items() if rate >= ENOUGH * max(rates.values()))
