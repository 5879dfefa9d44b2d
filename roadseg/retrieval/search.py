"""Exact nearest neighbours between two sets of vectors by cosine, one block of products at a time."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ROWS = 1024
BLOCK = 2**26
"""Most products held in memory at once: 256 MiB."""


class Neighbours(NamedTuple):
    """The nearest vectors of the other set for each query, nearest first."""

    indices: NDArray[np.int64]
    """(N, k), into the other set."""
    distances: NDArray[np.float32]
    """(N, k), 1 - cosine, in 0..2."""


def centred(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Subtract the mean of a domain from its vectors (N, D) and scale them to length 1.

    Without its mean, what all images of a domain have in common is not compared.
    """
    moved: NDArray[np.float32] = vectors - vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True).clip(1e-12)
    return moved


def nearest_both_ways(
    source: NDArray[np.float32],
    target: NDArray[np.float32],
    count: int,
    device: torch.device,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Neighbours, Neighbours]:
    """Find the nearest targets of every source and the nearest sources of every target.

    Each product is computed once for both directions.

    Args:
        source: (N, D) float32 of length 1.
        target: (M, D) float32 of length 1.
        count: number of neighbours, at most N and M.
        device: where products are computed.
        on_progress: called with (sources done, sources in all).

    Returns:
        The neighbours of the sources, and those of the targets.
    """
    left, right = (torch.from_numpy(np.ascontiguousarray(vectors)).to(device) for vectors in (source, target))
    rows = max(1, min(ROWS, BLOCK // len(right)))
    to_target: list[tuple[Tensor, Tensor]] = []
    best = torch.full((len(right), count), -torch.inf, device=device)
    place = torch.zeros((len(right), count), dtype=torch.int64, device=device)
    for start in range(0, len(left), rows):
        cosines = left[start : start + rows] @ right.T
        values, indices = cosines.topk(count, dim=1)
        to_target.append((values.cpu(), indices.cpu()))
        values, indices = cosines.topk(min(count, len(cosines)), dim=0)
        best, chosen = torch.cat([best, values.T], 1).topk(count, dim=1)
        place = torch.cat([place, indices.T + start], 1).gather(1, chosen)
        on_progress(min(start + rows, len(left)), len(left))
    values, indices = (torch.cat(parts) for parts in zip(*to_target, strict=True))
    return _neighbours(values, indices), _neighbours(best.cpu(), place.cpu())


def _neighbours(cosines: Tensor, indices: Tensor) -> Neighbours:
    return Neighbours(indices.numpy(), (1 - cosines.numpy()).clip(0, 2))
