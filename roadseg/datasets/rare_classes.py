"""Rare-class sampling: Hoyer et al., "DAFormer: Improving Network Architectures and Training Strategies for
Domain-Adaptive Semantic Segmentation", CVPR 2022, section 3.3.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import DatasetError
from roadseg.labels.space import IGNORE

MIN_SHARE = 3000 / (1914 * 1052)
"""Smallest share of an image's pixels that counts as showing a class: 3000 pixels of GTA5, as published."""


@dataclass(frozen=True)
class RareClasses:
    """Sampler of images by class: the rarer a class, the more likely it is drawn."""

    probabilities: NDArray[np.float64]
    """(255,) probability of each train id; 0 for classes that no image shows sufficiently."""
    images: tuple[NDArray[np.intp], ...]
    """Numbers of the images that show enough of a class, by train id."""

    @classmethod
    def of(cls, counts: NDArray[np.int64], temperature: float) -> "RareClasses":
        """Compute P(c) proportional to exp((1 - f_c) / T), where f_c is the pixel share of class c (equation 5).

        Args:
            counts: (N, 256) pixels by train id of each image, see `roadseg.datasets.class_counts`.
            temperature: T > 0; the smaller, the stronger the preference for the rarest classes.

        Raises:
            DatasetError: no image shows enough of any class.
        """
        enough = counts[:, :IGNORE] > MIN_SHARE * counts.sum(axis=1, keepdims=True)
        if not enough.any():
            raise DatasetError(
                "the source shows none of the network's classes", "Choose another label space, or another source."
            )
        pixels = counts[:, :IGNORE].sum(axis=0)
        scores = np.where(enough.any(axis=0), (1 - pixels / pixels.sum()) / temperature, -np.inf)
        likelihoods = np.exp(scores - scores.max())
        return cls(likelihoods / likelihoods.sum(), tuple(np.flatnonzero(column) for column in enough.T))

    def draw(self, rng: np.random.Generator) -> tuple[int, int]:
        """Draw a class, and the number of an image that shows enough of it."""
        drawn = int(rng.choice(len(self.probabilities), p=self.probabilities))
        return drawn, int(rng.choice(self.images[drawn]))
