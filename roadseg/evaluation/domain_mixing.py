"""Domain mixing: how well two domains can be separated by a network's vectors. Adaptation should make it harder.

Each image has one vector, for example the mean of its features over all positions.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FOLDS = 5
RIDGE = 1e-2
"""Weight of the squared coefficients relative to the mean squared error: without it, a plane would separate any two
sets of fewer images than features."""


class DomainMixing(NamedTuple):
    """Two measures of how mixed two domains are."""

    neighbours: float
    """Share of nearest images from the other domain, relative to chance: 1 for mixed domains, 0 for separate ones."""
    classifier_accuracy: float
    """Accuracy in percent of a linear classifier of the domain, trained on other images; 50 by chance."""


def domain_mixing(source: NDArray[np.floating], target: NDArray[np.floating], *, neighbours: int = 5) -> DomainMixing:
    """Compare two sets of vectors.

    Args:
        source: (N, D) vectors.
        target: (M, D) vectors.
        neighbours: number of nearest neighbours of each image by cosine, over both sets, without the image itself.

    Returns:
        Both measures.

    Raises:
        ValueError: a set has too few vectors.
    """
    if min(len(source), len(target)) < max(FOLDS, neighbours + 1):
        raise ValueError(f"{len(source)} and {len(target)} vectors are too few for {neighbours} neighbours")
    vectors = np.concatenate([source, target]).astype(np.float64)
    domain = np.repeat([0, 1], [len(source), len(target)])
    return DomainMixing(_other_neighbours(vectors, domain, neighbours), 100 * _classifier_accuracy(vectors, domain))


def _other_neighbours(vectors: NDArray[np.float64], domain: NDArray[np.intp], count: int) -> float:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
    closeness = unit @ unit.T
    np.fill_diagonal(closeness, -np.inf)
    nearest = np.argpartition(-closeness, count, axis=1)[:, :count]
    shares = [(domain[nearest[domain == one]] != one).mean() for one in (0, 1)]
    by_chance = [(domain != one).sum() / (len(domain) - 1) for one in (0, 1)]
    return float(np.mean(np.divide(shares, by_chance)))


def _classifier_accuracy(vectors: NDArray[np.float64], domain: NDArray[np.intp]) -> float:
    """Return the accuracy of ridge regression, averaged over the domains; other folds predict each fold."""
    folds = np.empty(len(domain), np.intp)
    for one in (0, 1):
        # Neighbouring frames look alike, so folds are stretches of a video, not every n-th frame.
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
        coefficients = _ridge(x[known] * np.sqrt(weight)[:, None], y[known] * np.sqrt(weight))
        right[~known] = np.sign(x[~known] @ coefficients) == y[~known]
    return float(np.mean([right[domain == one].mean() for one in (0, 1)]))


def _ridge(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve a ridge regression by the smaller of its two systems: vectors of features are longer than most sets."""
    if len(x) < x.shape[1]:
        coefficients = x.T @ np.linalg.solve(x @ x.T + RIDGE * np.eye(len(x)), y)
    else:
        coefficients = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ y)
    return np.asarray(coefficients)
