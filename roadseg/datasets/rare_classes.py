"""Rare-class sampling: Hoyer et al., "DAFormer: Improving Network Architectures and Training Strategies for
Domain-Adaptive Semantic Segmentation", CVPR 2022, section 3.3.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import DatasetError
from roadseg.labels.space import IGNORE

MIN_SHARE = 3000 / (1914 * 1052)
"""Of a picture's pixels: with fewer, it does not count as one of the class. 3000 pixels of GTA5, as published."""


@dataclass(frozen=True)
class RareClasses:
    """Chooses pictures by a class that they show: the rarer the class, the likelier it is drawn."""

    probabilities: NDArray[np.float64]
    """(255,) by train id; 0 for those that no picture shows enough of."""
    pictures: tuple[NDArray[np.intp], ...]
    """By train id, the numbers of the pictures that show enough of it."""

    @classmethod
    def of(cls, counts: NDArray[np.int64], temperature: float) -> "RareClasses":
        """P(c) proportional to exp((1 - f_c) / T), where f_c is the share of class c in all labelled pixels (eq. 5).

        Args:
            counts: (N, 256) pixels by train id of each picture, see `roadseg.datasets.class_counts`.
            temperature: T > 0; the smaller, the more the rarest classes are preferred.

        Raises:
            DatasetError: no picture shows enough of any class.
        """
        enough = counts[:, :IGNORE] > MIN_SHARE * counts.sum(axis=1, keepdims=True)
        if not enough.any():
            raise DatasetError("the source shows none of the network's classes", "Choose other labels, or a source.")
        pixels = counts[:, :IGNORE].sum(axis=0)
        scores = np.where(enough.any(axis=0), (1 - pixels / pixels.sum()) / temperature, -np.inf)
        likelihoods = np.exp(scores - scores.max())
        return cls(likelihoods / likelihoods.sum(), tuple(np.flatnonzero(column) for column in enough.T))

    def draw(self, rng: np.random.Generator) -> tuple[int, int]:
        """A class, and the number of a picture that shows enough of it."""
        drawn = int(rng.choice(len(self.probabilities), p=self.probabilities))
        return drawn, int(rng.choice(self.pictures[drawn]))
