"""Class shares over time, reduced to as many points as a chart can show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Series:
    """Class shares by time."""

    seconds: NDArray[np.float64]
    """(P,) start of each point in seconds."""
    shares: NDArray[np.float64]
    """(P, C) shares of the frame, 0..1, averaged until the next point."""


def binned(
    seconds: NDArray[np.float64], durations: NDArray[np.float64], shares: NDArray[np.float32], points: int
) -> Series:
    """Average frames over bins of equal length; with at most `points` frames, each frame is a point.

    A frame belongs to the bin in which it begins and counts for as long as it is shown. Empty bins are left out.

    Args:
        seconds: (N,) start of each frame, rising.
        durations: (N,) duration of each frame in seconds.
        shares: (N, C) class shares, 0..1.
        points: largest number of points.

    Returns:
        The points.
    """
    if len(seconds) <= points:
        return Series(seconds, shares.astype(np.float64))
    length = seconds[-1] + durations[-1] - seconds[0]
    bins = np.minimum(((seconds - seconds[0]) / length * points).astype(np.int64), points - 1)
    first = np.flatnonzero(np.diff(bins, prepend=-1))
    weights = np.add.reduceat(durations, first)
    return Series(seconds[first], np.add.reduceat(shares * durations[:, None], first) / weights[:, None])
