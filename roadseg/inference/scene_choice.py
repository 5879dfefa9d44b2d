"""Streets like those of a target, chosen without labels.

Batch norm is adapted from rendered streets of each kind to a few images of the target. Where the streets are alike, the
statistics change with light and camera alone, and labels become steadier; where they are not, what changes with the
content is corrected away too, and labels become less steady. So the kind with the steadiest labels is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from roadseg.adaptation.batch_norm import BatchNormAdaptation
from roadseg.inference.label_free import IMAGES, Measures
from roadseg.inference.segmenter import Segmenter
from roadseg.streets.presets import PRESETS

ALL = ""
"""Scenes of all kinds, as recipes write it."""
KINDS = (ALL, *PRESETS)

S = TypeVar("S", bound=Segmenter)


@dataclass(frozen=True)
class SceneChoice:
    """Agreement between views of target images, in percent, by the streets that batch norm was adapted from."""

    start: float
    """Without adaptation."""
    adapted: Annotated[dict[str, float], Field(min_length=1)]
    """By scenes, "" for all kinds; at least one."""

    @property
    def scenes(self) -> str:
        """The scenes whose adaptation gives the steadiest labels."""
        return max(self.adapted, key=self.adapted.__getitem__)

    @property
    def adapt_bn(self) -> bool:
        """True if that is steadier than no adaptation."""
        return self.adapted[self.scenes] > self.start

    def __str__(self) -> str:
        """One line for people."""
        figures = ", ".join(f"{scenes or 'all kinds'} {agreement:.1f}" for scenes, agreement in self.adapted.items())
        taken = f"adapted from streets of {self.scenes or 'all kinds'}" if self.adapt_bn else "left as it is"
        return f"batch norm {taken} (agreement of views in %: start {self.start:.1f}; {figures})"


def choose_scenes(
    start: Segmenter, images: NDArray[np.uint8], prior: int, candidates: Sequence[str] = KINDS
) -> SceneChoice:
    """Adapt a segmenter to images from each kind of streets and measure how steady its labels are.

    Args:
        start: trained on streets, with batch norm; left as it is.
        images: (N, H, W, 3) uint8 RGB of its input size, evenly spread over the target.
        prior: see `roadseg.adaptation.batch_norm.BatchNormAdaptation`.
        candidates: kinds of streets, at least one; "" is the mixture of all.

    Raises:
        InputError: the segmenter has no batch norm or no class scores, or images of its source cannot be read.
    """
    return adapted_if_steadier(start, images, prior, candidates)[1]


def adapted_if_steadier(
    start: S, images: NDArray[np.uint8], prior: int, candidates: Sequence[str]
) -> tuple[S, SceneChoice]:
    """Return the choice of `choose_scenes` and the segmenter adapted so; `start` itself where none is steadier."""
    judged = images[:: -(-len(images) // IMAGES)]
    best, highest = start, Measures.of(start, judged).agreement
    before, adapted = highest, {}
    for scenes in candidates:
        candidate = start.adapted_to(images, BatchNormAdaptation(prior, scenes))
        adapted[scenes] = Measures.of(candidate, judged).agreement
        if adapted[scenes] > highest:
            best, highest = candidate, adapted[scenes]
    return best, SceneChoice(before, adapted)
