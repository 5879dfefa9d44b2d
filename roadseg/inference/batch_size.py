"""How many pictures a device is best given at once, found by trying."""

import time
from collections.abc import Callable, Iterable

SIZES = (1, 2, 4, 8, 16, 32)
ENOUGH = 0.95
"""Of the highest rate: beyond it, larger batches cost memory and time until the first result, and gain little."""


def best_batch_size(
    label: Callable[[int], int], *, sizes: Iterable[int] = SIZES, clock: Callable[[], float] = time.perf_counter
) -> int:
    """The smallest batch size whose rate is nearly the highest.

    Args:
        label: labels so many pictures and tells by how many at once; fewer if the memory did not hold them all.
        sizes: to try, rising; those after one that the memory did not hold are left out.
        clock: seconds.
    """
    rates: dict[int, float] = {}
    for size in sizes:
        label(size)  # the first time of a shape, kernels are chosen and memory is taken
        started = clock()
        at_once = label(size)
        rates[at_once] = max(rates.get(at_once, 0), size / (clock() - started))
        if at_once < size:
            break
    return min(size for size, rate in rates.items() if rate >= ENOUGH * max(rates.values()))
