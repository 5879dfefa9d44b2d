"""Class shares over time, in as many points as a chart can show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Series:
    """Class shares from times on."""

    seconds: NDArray[np.float64]
    """(P,) when each point begins."""
    shares: NDArray[np.float64]
    """(P, C) of the picture, 0..1, averaged until the next point begins."""


def binned(
    seconds: NDArray[np.float64], durations: NDArray[np.float64], shares: NDArray[np.float32], points: int
) -> Series:
    """Average frames over bins of equal length; where there are no more frames than `points`, each is left as it is.

    A frame belongs to the bin in which it begins and counts for as long as it is shown. Bins without one are left out.

    Args:
        seconds: (N,) when each begins, rising.
        durations: (N,) of each, in seconds.
        shares: (N, C) 0..1.
        points: how many bins there are at most.
    """
    if len(seconds) <= points:
        return Series(seconds, shares.astype(np.float64))
    length = seconds[-1] + durations[-1] - seconds[0]
    bins = np.minimum(((seconds - seconds[0]) / length * points).astype(np.int64), points - 1)
    first = np.flatnonzero(np.diff(bins, prepend=-1))
    weights = np.add.reduceat(durations, first)
    return Series(seconds[first], np.add.reduceat(shares * durations[:, None], first) / weights[:, None])
