"""How far a network tells two domains apart: the less, the better it has been adapted to both.

Of a picture there is one vector, for example the mean of its features over all positions.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FOLDS = 5
RIDGE = 1e-2
"""Weight of the squared coefficients beside the mean squared error: with fewer pictures than features there would be a
plane between any two sets."""


class DomainMixing(NamedTuple):
    """Both numbers say 1 or 100 for domains that look alike, and less or more for such that do not."""

    neighbours: float
    """Nearest pictures that are of the other domain, against as many as there would be by chance: 0..2 or so."""
    classifier_accuracy: float
    """Percent of pictures whose domain a linear classifier tells that was trained on others; 50 by chance."""


def domain_mixing(source: NDArray[np.floating], target: NDArray[np.floating], *, neighbours: int = 5) -> DomainMixing:
    """Compare two sets of vectors.

    Args:
        source: (N, D), at least as many as folds.
        target: (M, D).
        neighbours: of each picture that are looked at, by cosine, over both sets, without itself.

    Raises:
        ValueError: a set has too few vectors.
    """
    if min(len(source), len(target)) < max(FOLDS, neighbours + 1):
        raise ValueError(f"{len(source)} and {len(target)} vectors are too few for {neighbours} neighbours")
    vectors = np.concatenate([source, target]).astype(np.float64)
    domain = np.repeat([0, 1], [len(source), len(target)])
    return DomainMixing(_other_neighbours(vectors, domain, neighbours), 100 * _told_apart(vectors, domain))


def _other_neighbours(vectors: NDArray[np.float64], domain: NDArray[np.intp], count: int) -> float:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
    closeness = unit @ unit.T
    np.fill_diagonal(closeness, -np.inf)
    nearest = np.argpartition(-closeness, count, axis=1)[:, :count]
    shares = [(domain[nearest[domain == one]] != one).mean() for one in (0, 1)]
    by_chance = [(domain != one).sum() / (len(domain) - 1) for one in (0, 1)]
    return float(np.mean(np.divide(shares, by_chance)))


def _told_apart(vectors: NDArray[np.float64], domain: NDArray[np.intp]) -> float:
    """Mean over the domains of the share that is told right: ridge regression, each fold by a fit to the others."""
    folds = np.empty(len(domain), np.intp)
    for one in (0, 1):
        # Neighbouring frames look alike, so folds are stretches of a video, not every so-manieth frame.
        members = np.flatnonzero(domain == one)
        folds[members] = np.arange(len(members)) * FOLDS // len(members)
    right = np.zeros(len(domain))
    for fold in range(FOLDS):
        known = folds != fold
        mean, spread = vectors[known].mean(0), vectors[known].std(0) + 1e-9
        x = (vectors - mean) / spread / np.sqrt(vectors.shape[1])
        centre = x[known & (domain == 0)].mean(0) / 2 + x[known & (domain == 1)].mean(0) / 2
        x, y = x - centre, np.where(domain == 1, 1.0, -1.0)
        weight = np.where(domain == 1, 1 / (known & (domain == 1)).sum(), 1 / (known & (domain == 0)).sum())[known]
        inner = x[known].T @ (x[known] * weight[:, None]) + RIDGE * np.eye(x.shape[1])
        coefficients = np.linalg.solve(inner, x[known].T @ (weight * y[known]))
        right[~known] = np.sign(x[~known] @ coefficients) == y[~known]
    return float(np.mean([right[domain == one].mean() for one in (0, 1)]))
