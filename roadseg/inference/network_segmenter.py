"""The segmenter that every engine shares: a network, what it was trained for, and an engine that runs it."""

import copy
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadseg.adaptation.batch_norm import PICTURES, BatchNormAdaptation, Moments, adapted_to, source_moments
from roadseg.datasets.source_images import source_pictures
from roadseg.inference.batch_size import best_batch_size
from roadseg.inference.engine import Engine
from roadseg.models.fitting import FittingBatches
from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import labels_of, resized_scores, to_numpy
from roadseg.models.views import (
    ONE_VIEW,
    SCORE_STRIDE,
    Views,
    log_probabilities,
    mean_probabilities,
    part_of,
)
from roadseg.models.weights import ModelCard
from roadseg.runtime import Runtime

LABEL_STRIDE = 2
"""Labels are decided at half the input size: finer costs four times as much, coarser shows as blocks."""


class NetworkSegmenter:
    """A trained network as a `Segmenter`."""

    def __init__(self, network: SegmentationNetwork, card: ModelCard, engine: Engine, name: str) -> None:
        """Run `network` by `engine`, which has been made for it; `name` tells its weights from others."""
        self.name = f"{name}, {engine.name}"
        self.label_space = card.label_space
        self.input_size = card.input_size
        self.concurrency = engine.concurrency
        self._source = card.source
        self._engine = engine
        self._runtime = Runtime(engine.device, "float32")
        self._network = self._runtime.place(network).eval()
        self._batches = FittingBatches(self._runtime)
        self._source_moments: dict[str, list[Moments]] = {}
        """By scenes; measured once for all videos."""
        self._batch_size = engine.batch_size

    @property
    def batch_size(self) -> int:
        """As `Segmenter.batch_size` says; where it takes a trial, that is made at the first call and takes seconds."""
        if self._batch_size is None:
            self._batch_size = best_batch_size(self._try)
        return self._batch_size

    def _try(self, count: int) -> int:
        """Label so many pictures; gives by how many at once."""
        width, height = self.input_size
        self.segment(np.zeros((count, height, width, 3), np.uint8))
        return self._batches.at_once(count)

    def segment(self, images: NDArray[np.uint8], views: Views = ONE_VIEW) -> NDArray[np.uint8]:
        """Label RGB images (N, H, W, 3) uint8: train ids uint8 at half their size, rounded up."""
        size = part_of(images.shape[2:0:-1], LABEL_STRIDE)

        def labels(pixels: Tensor) -> Tensor:
            if views == ONE_VIEW:
                return self._engine.labels(pixels, size)
            return labels_of(mean_probabilities(self._engine.scores, pixels, size, views))

        return self._batches.compute(labels, images, views)

    def scores(self, images: NDArray[np.uint8], views: Views = ONE_VIEW) -> NDArray[np.float32]:
        """Log-probabilities at an eighth of the size, rounded up, as `Segmenter.scores` says."""
        size = part_of(images.shape[2:0:-1], SCORE_STRIDE)

        def scores(pixels: Tensor) -> Tensor:
            return log_probabilities(self._engine.scores, pixels, size, views)

        return self._batches.compute(scores, images, views)

    @torch.inference_mode()
    def labels(self, scores: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Label maps as `segment` gives them, of what `scores` gave."""
        # Channels last, a maximum over classes takes a quarter of the time.
        maps = torch.from_numpy(scores).to(self._engine.device).contiguous(memory_format=torch.channels_last)
        size = part_of(self.input_size, LABEL_STRIDE)
        return to_numpy(labels_of(resized_scores(maps, size, align_corners=self._network.align_corners)))

    def adapted_to(self, images: NDArray[np.uint8], adaptation: BatchNormAdaptation) -> Self:
        """A segmenter whose batch norm is adapted to `images`, as `Segmenter.adapted_to` says."""
        scenes = adaptation.scenes
        if scenes not in self._source_moments:
            pictures = source_pictures(self._source, self.input_size, PICTURES, scenes)
            self._source_moments[scenes] = source_moments(self._network, pictures, self._runtime)
        adapted = copy.copy(self)
        adapted._network = adapted_to(
            self._network, self._source_moments[scenes], images, self._runtime, adaptation.prior
        )
        adapted._engine = self._engine.running(adapted._network)
        return adapted
