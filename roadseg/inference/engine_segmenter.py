"""Segmenter of an engine: batches that fit the device, labels and scores of any size, test-time augmentation."""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadseg.datasets.transforms import STRIDE, size_within
from roadseg.inference.batch_size import best_batch_size
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.space import LabelMap, LabelSpace
from roadseg.models.engine import Engine
from roadseg.models.fitting import FittingBatches
from roadseg.models.predict import labels_of, resized_scores, to_numpy, upsampled_labels
from roadseg.models.tta import NO_TTA, SCORE_STRIDE, TTA, coarse_size, log_probabilities, mean_probabilities
from roadseg.runtime import Runtime

LABEL_STRIDE = 2
"""Labels are decided at half the input size: finer takes four times as long, coarser shows as blocks."""


class EngineSegmenter(Segmenter):
    """Network in an engine as a `Segmenter`."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        label_space: LabelSpace,
        input_size: tuple[int, int],
        *,
        size_step: int | None = STRIDE,
        exact: bool = False,
        align_corners: bool = False,
        has_scores: bool = True,
    ) -> None:
        """Run an engine.

        Args:
            engine: runs the network.
            name: distinguishes the weights from others.
            label_space: classes of the network.
            input_size: (width, height) of images.
            size_step: None if all images have the input size; otherwise they have the largest size of their own shape
                within it, a shortened side in multiples of this many pixels.
            exact: decide labels at the size that is asked for: at the input size in `segment`, at the image's own size
                in `label`. Otherwise labels are decided at half the input size and enlarged.
            align_corners: True if the outermost scores of the network lie on the outermost pixels.
            has_scores: False if the engine gives labels alone.
        """
        self.name = f"{name}, {engine.name}" + (" exact" if exact else "")
        self.engine = f"{engine.name}, {'full' if exact else 'half'} size"
        self.label_space = label_space
        self.input_size = input_size
        self.has_scores = has_scores
        self.concurrency = engine.concurrency
        self._room = input_size
        """Size within which the input size follows the shape of images."""
        self._size_step = size_step
        self._exact = exact
        self._align_corners = align_corners
        self._engine = engine
        self._runtime = Runtime(engine.device, "float32")
        self._batches = FittingBatches(self._runtime)
        self._batch_size = 1 if exact else engine.batch_size
        self._measured: dict[tuple[int, int], int] = {}
        """Batch size by input size, where it had to be measured; once for all videos."""

    def fitted(self, aspect_ratio: float) -> Self:
        """Return a segmenter whose input size has the shape of images with this width over height, unless it is fixed;
        see `Segmenter.fitted`."""
        fitted = copy.copy(self)
        if self._size_step:
            fitted.input_size = size_within(self._room, aspect_ratio, self._size_step)
        return fitted

    @property
    def batch_size(self) -> int:
        """Recommended number of images in a batch; on a GPU the first call measures it, which takes seconds."""
        if self._batch_size is not None:
            return self._batch_size
        if self.input_size not in self._measured:
            self._measured[self.input_size] = best_batch_size(self._try)
        return self._measured[self.input_size]

    def _try(self, count: int) -> int:
        """Label `count` images; return how many of them were computed at once."""
        width, height = self.input_size
        self.segment(np.zeros((count, height, width, 3), np.uint8))
        return self._batches.at_once(count)

    @property
    def device(self) -> torch.device:
        """Device that the network runs on."""
        return self._engine.device

    @property
    def label_size(self) -> tuple[int, int]:
        """(width, height) of the label maps of images of the input size."""
        return self._label_size(self.input_size)

    def _label_size(self, images: tuple[int, ...]) -> tuple[int, int]:
        """Return the (width, height) of label maps for images of this (width, height)."""
        return coarse_size(images, 1 if self._exact else LABEL_STRIDE)

    def segment(self, images: NDArray[np.uint8], tta: TTA = NO_TTA) -> NDArray[np.uint8]:
        """Label images (N, H, W, 3) uint8: train ids uint8 at half their size rounded up, or at their size if exact."""
        return self._batches.compute(partial(self.label_on_device, tta=tta), images, tta)

    def label_on_device(self, images: Tensor, tta: TTA = NO_TTA) -> Tensor:
        """Label images (N, 3, H, W) RGB in 0..255, uint8 or float32, on `device`, as `segment` does; result there too.

        Raises:
            torch.OutOfMemoryError: the device's memory is too small for this many images.
        """
        size = self._label_size((images.shape[3], images.shape[2]))
        if tta == NO_TTA:
            return self._engine.labels(images, size)
        return labels_of(mean_probabilities(self._engine.scores, images, size, tta))

    def compute(self, function: Callable[[Tensor], Tensor], rows: Tensor, tta: TTA = NO_TTA) -> NDArray[Any]:
        """Apply a function that labels images to rows, one for each image, in parts that fit the device's memory.

        Args:
            function: takes rows on `device`.
            rows: in CPU memory.
            tta: augmentation of the labels.

        Raises:
            InputError: the memory is too small for a single row.
        """

        def work(part: Tensor) -> Tensor:
            return function(part.to(self.device, non_blocking=True))

        return self._batches.compute_rows(work, rows, self.input_size, tta)

    def labels_at(
        self, images: NDArray[np.uint8], sizes: Sequence[tuple[int, int]], tta: TTA = NO_TTA
    ) -> list[LabelMap]:
        """Label images, each at its own size, at which exact labels are decided; see `Segmenter.labels_at`."""
        if not self._exact:
            return super().labels_at(images, sizes, tta)
        # One at a time: scores of several large images at once would take gigabytes.
        return [self._exact_labels(image[None], size, tta) for image, size in zip(images, sizes, strict=True)]

    def _exact_labels(self, image: NDArray[np.uint8], size: tuple[int, int], tta: TTA) -> LabelMap:
        def labels(pixels: Tensor) -> Tensor:
            if tta == NO_TTA:
                return self._engine.labels(pixels, size)
            input_size = pixels.shape[3], pixels.shape[2]
            return upsampled_labels(mean_probabilities(self._engine.scores, pixels, input_size, tta), size)

        labelled: LabelMap = self._batches.compute(labels, image, tta)[0]
        return labelled

    def labels_with_confidence(
        self, images: NDArray[np.uint8], size: tuple[int, int], tta: TTA = NO_TTA
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Label images at `size`, where the classes' probabilities decide; see `Segmenter.labels_with_confidence`."""
        both = self._batches.compute(partial(self._labels_and_confidence, size=size, tta=tta), images, tta)
        return both[:, 0], both[:, 1]

    @torch.inference_mode()
    def _labels_and_confidence(self, images: Tensor, size: tuple[int, int], tta: TTA) -> Tensor:
        """Return (N, 2, height, width) uint8: labels, and their probabilities in steps of 1 / 255."""
        if not self.has_scores:
            labels = self._engine.labels(images, size)
            return torch.stack([labels, torch.full_like(labels, 255)], 1)
        confidence, train_ids = mean_probabilities(self._engine.scores, images, size, tta).max(1)
        return torch.stack([train_ids.to(torch.uint8), (confidence * 255).to(torch.uint8)], 1)

    def scores(self, images: NDArray[np.uint8], tta: TTA = NO_TTA) -> NDArray[np.float32]:
        """Return log-probabilities at an eighth of the size, rounded up; see `Segmenter.scores`."""
        return self._batches.compute(partial(self.score_on_device, tta=tta), images, tta)

    def score_on_device(self, images: Tensor, tta: TTA = NO_TTA) -> Tensor:
        """Compute the scores of images as for `label_on_device`, (N, C, h, w) float32, as `scores` does."""
        size = coarse_size((images.shape[3], images.shape[2]), SCORE_STRIDE)
        return log_probabilities(self._engine.scores, images, size, tta)

    def labels_from_scores(self, scores: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Decide labels from scores; see `Segmenter.labels_from_scores`."""
        return self._decide(scores, self.label_size)

    def labels_from_scores_at(self, scores: NDArray[np.float32], sizes: Sequence[tuple[int, int]]) -> list[LabelMap]:
        """Decide labels from scores, each map at its own size; see `Segmenter.labels_at`."""
        if not self._exact:
            return super().labels_from_scores_at(scores, sizes)
        return [self._decide(one[None], size)[0] for one, size in zip(scores, sizes, strict=True)]

    def _decide(self, scores: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint8]:
        return to_numpy(self.decide_on_device(torch.from_numpy(scores).to(self.device), size))

    @torch.inference_mode()
    def decide_on_device(self, scores: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Decide labels from scores on `device`, at `size` (width, height) or that of `segment`; result there too."""
        # Channels last, a maximum over classes takes a quarter of the time.
        maps = scores.contiguous(memory_format=torch.channels_last)
        return labels_of(resized_scores(maps, size or self.label_size, align_corners=self._align_corners))
