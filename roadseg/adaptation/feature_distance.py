"""Feature distance: source features of things stay near those of the pretrained network.

After Hoyer et al., "DAFormer", CVPR 2022, section 3.3: ImageNet shows many cars, buses and people, and training on
rendered ones forgets what they look like.
"""

import copy
from collections.abc import Collection, Iterator
from typing import Annotated, Self

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from roadseg.adaptation.losses import at_least_float32
from roadseg.adaptation.method import Extension, Method, MethodOptions, MethodParts
from roadseg.adaptation.source_only import SourceOnly
from roadseg.adaptation.term import Term
from roadseg.datasets.sampling import Batch
from roadseg.errors import RecipeError
from roadseg.labels.space import LabelSpace
from roadseg.models.domain_statistics import source_statistics

DISTANCE = "feature/distance"
"""Log name of the distance."""
THINGS = frozenset(
    ("traffic light", "traffic sign", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle")
) | {"autorickshaw"}
"""Classes that one can count: the published ones, and the autorickshaw."""


class FeatureDistance(Extension):
    """Adds the distance to the features of the network that training starts from; that should be `imagenet`.

    It is the Euclidean length of the difference of feature vectors, averaged over the cells of an image in which one
    class of things covers enough of the source labels. Not as published: there all cells of a batch are averaged at
    once, here those of each image, so that a step does not depend on how its batch is divided.
    """

    class Options(MethodOptions):
        """Weight of the distance, and cells that count."""

        weight: Annotated[float, Field(gt=0)] = 0.005
        """Weight of the distance; 0.005 as published."""
        least_share: Annotated[float, Field(gt=0, le=1)] = 0.75
        """Share of a cell that one class of things has to cover; 0.75 as published."""

    uses_target = False
    options: Options

    def __init__(self, base: Method, things: Collection[int], options: Options | None = None) -> None:
        """Extend `base`, whose segmenter still has its initial weights.

        Args:
            base: the method whose objective this adds to.
            things: train ids of things.
            options: None for the defaults.
        """
        super().__init__(base, options)
        self._reference = copy.deepcopy(base.segmenter).requires_grad_(False).eval()
        self._things = sorted(things)

    @classmethod
    def build(cls, parts: MethodParts, options: Options) -> Self:
        """Build the method on its base, or on source-only training where `parts` has none.

        Raises:
            RecipeError: the label space has no things.
        """
        base = parts.base or SourceOnly(parts.segmenter, parts.runtime, parts.supervision)
        return cls(base, things_of(parts.label_space), options)

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the terms of the base, then the distance on the source images."""
        yield from self.base.terms(batch)
        images = self.segmenter.normalisation(batch.source_images)
        with self.runtime.autocast():
            with torch.no_grad(), source_statistics(self._reference):
                wanted = self._reference.encode(images)
            with source_statistics(self.segmenter):
                given = self.segmenter.encode(images)
        distances = (at_least_float32(given) - at_least_float32(wanted)).norm(dim=1)
        counted = self._cells(batch.source_labels, (distances.shape[1], distances.shape[2]))
        means = (distances * counted).sum((1, 2)) / counted.sum((1, 2)).clamp(min=1)
        distance = means.mean() * batch.share
        yield Term(self.options.weight * distance, {DISTANCE: distance.detach()})

    def _cells(self, labels: Tensor, size: tuple[int, int]) -> Tensor:
        """Return 1 for the cells (N, h, w) that one class of things covers enough, else 0."""
        covered = torch.zeros((len(labels), *size), device=labels.device)
        for thing in self._things:  # a class at a time: all of them at once would take the memory of the scores
            share = F.adaptive_avg_pool2d((labels == thing).float()[:, None], size)[:, 0]
            covered = torch.maximum(covered, (share >= self.options.least_share).float())
        return covered


def things_of(space: LabelSpace) -> list[int]:
    """Return the train ids of the things of a label space.

    Raises:
        RecipeError: it has none.
    """
    found = [train_id for train_id, name in enumerate(space.classes) if name in THINGS]
    if not found:
        raise RecipeError(f"feature-distance: {space.name} has no class of things", f"Known: {', '.join(THINGS)}.")
    return found
