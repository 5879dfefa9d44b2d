"""What an adaptation method is: its networks, and the loss terms of one training step.

The engine (`roadseg.training.loop`) backpropagates each term before it asks for the next, so that the graph of one
forward pass is freed before the next one is built. Logging, schedules, saving and devices belong to the engine too.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor, nn

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.losses import at_least_float32
from roadseg.datasets.sampling import Batch
from roadseg.models.domain_statistics import source_statistics
from roadseg.models.network import Prediction, SegmentationNetwork
from roadseg.runtime import Runtime


class Term(NamedTuple):
    """A part of the objective whose graph shares nothing with the other terms'.

    Loss and values are what a batch contributes to its joint batch: they add up over the parts of a joint batch, over
    processes, and over terms that name the same value.
    """

    loss: Tensor
    """Weighted scalar to backpropagate."""
    values: dict[str, Tensor]
    """Unweighted losses for the log, by name, detached."""


class Method(ABC):
    """Base of the adaptation methods."""

    def __init__(self, segmenter: SegmentationNetwork, runtime: Runtime) -> None:
        self.segmenter = segmenter
        self.runtime = runtime

    @property
    def companions(self) -> dict[str, nn.Module]:
        """Networks that are trained beside the segmenter, or against it, by name; none unless the method has some."""
        return {}

    @property
    @abstractmethod
    def loss_kinds(self) -> dict[str, LossKind]:
        """How to read the values that its terms name, by name, of those whose size says something by itself."""

    @abstractmethod
    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the loss terms of one step on a batch that lies on the runtime's device."""

    def predict_source(self, images: Tensor) -> Prediction:
        """As `predict`, for images of the source, with its statistics of batch norm where it has some of its own."""
        with source_statistics(self.segmenter):
            return self.predict(images)

    def predict(self, images: Tensor) -> Prediction:
        """Forward RGB images (N, 3, H, W) uint8 through the segmenter; logits come back as float32 or better."""
        with self.runtime.autocast():
            prediction = self.segmenter(self.segmenter.normalisation(images))
        return Prediction(tuple(at_least_float32(logits) for logits in prediction.logits), prediction.features)
