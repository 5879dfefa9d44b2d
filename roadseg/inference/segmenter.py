"""Segmenter: images in, label maps out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import groupby, islice
from typing import Self, overload

import numpy as np
from numpy.typing import NDArray

from roadseg.adaptation.batch_norm import BatchNormAdaptation
from roadseg.adaptation.shifts import Descriptions
from roadseg.datasets.transforms import resized_image, resized_label
from roadseg.errors import InputError
from roadseg.labels.drawing import checked_image, colour_labels, draw_labels
from roadseg.labels.space import LabelMap, LabelSpace
from roadseg.models.tta import NO_TTA, TTA

Image = NDArray[np.uint8]


class Segmenter(ABC):
    """Trained network together with everything between an image and its label map: normalisation, softmax, argmax.

        segmenter = load_segmenter()
        labels = segmenter.label(image)
        shown = segmenter.draw(image, labels)

    A subclass sets `name`, `label_space` and `input_size` and has a method `segment`. `segment` and `scores` are called
    from up to `concurrency` threads at a time.
    """

    name: str
    """Weights and engine, for people and for `summary.json`; different for different weights."""
    engine: str = "custom"
    """Program, precision and size at which labels are decided, for tables of scores: `torch float32, full size`."""
    label_space: LabelSpace
    """Classes whose train ids `segment` returns."""
    input_size: tuple[int, int]
    """(width, height) in pixels of the images that `segment` takes."""
    has_scores: bool = False
    """True if labels are decided by class scores, whose probabilities `labels_with_confidence` gives."""
    concurrency: int = 1
    """Recommended number of concurrent calls."""
    streets: tuple[str, ...] = ("",)
    """Kinds of rendered streets that batch norm can be adapted from; "" stands for images like those of training."""
    notices: tuple[str, ...] = ()
    """Sentences on what is not as usual, such as an engine that is not used because its results are wrong."""

    def fitted(self, aspect_ratio: float) -> Self:
        """Return a segmenter whose `input_size` has the shape of images with this width over height.

        A network that sees images squeezed labels them worse. A segmenter that takes one size alone returns itself.
        """
        return self

    @property
    def batch_size(self) -> int:
        """Recommended number of images in a batch; it changes speed and memory, not the result."""
        return 1

    @abstractmethod
    def segment(self, images: Image, tta: TTA = NO_TTA) -> NDArray[np.uint8]:
        """Label a batch of images that have the input size.

        Args:
            images: (N, H, W, 3) uint8 RGB, H and W as `input_size` says, N >= 1.
            tta: test-time augmentation.

        Returns:
            (N, h, w) uint8 train ids, 255 where a pixel has no class. h <= H and w <= W are the engine's choice and
            the same for every batch; the map covers the whole image.

        Raises:
            InputError: the device's memory is too small for a single image.
        """

    def labels_at(self, images: Image, sizes: Sequence[tuple[int, int]], tta: TTA = NO_TTA) -> list[LabelMap]:
        """Label images that have the input size; each label map has its own size.

        Args:
            images: as for `segment`.
            sizes: (width, height) of the label map of each image.
            tta: test-time augmentation.

        Returns:
            For each image (height, width) uint8 train ids: those of `segment`, scaled by nearest neighbour.

        Raises:
            InputError: the device's memory is too small for a single image.
        """
        maps = self.segment(images, tta)
        return [resized_label(labels, size) for labels, size in zip(maps, sizes, strict=True)]

    def labels_with_confidence(
        self, images: Image, size: tuple[int, int], tta: TTA = NO_TTA
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Label images that have the input size, and give the probability of each label.

        Args:
            images: as for `segment`.
            size: (width, height) of the maps.
            tta: test-time augmentation; without class scores there is none.

        Returns:
            Train ids and their probabilities in steps of 1 / 255, each (N, height, width) uint8. Without class scores
            all probabilities are 255.

        Raises:
            InputError: the device's memory is too small for a single image.
        """
        labels = np.stack(self.labels_at(images, [size] * len(images)))
        return labels, np.full_like(labels, 255)

    def scores(self, images: Image, tta: TTA = NO_TTA) -> NDArray[np.float32]:
        """Compute class scores on a coarse grid; they can be averaged over time before labels are decided.

        Args:
            images: as for `segment`.
            tta: test-time augmentation.

        Returns:
            (N, C, h, w) float32 natural logarithms of probabilities, C classes, at most 0 and never infinite. h and w
            are an eighth of the image's, rounded up; the map covers the whole image. All engines give the same scores
            except for rounding.

        Raises:
            InputError: the segmenter has no scores, or the device's memory is too small for a single image.
        """
        raise InputError(f"{self.name}: has no class scores to average over time", "Leave --smooth out.")

    def labels_from_scores(self, scores: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Decide labels: `scores` are up-sampled, then the most likely class wins.

        Without augmentation, `labels_from_scores(scores(images))` equals `segment(images)` except for rounding.

        Args:
            scores: (N, C, h, w) as `scores` returns for images of `input_size`, or a weighted mean of such.

        Returns:
            (N, h, w) uint8 train ids, of the size that `segment` returns.
        """
        raise InputError(f"{self.name}: has no class scores to average over time", "Leave --smooth out.")

    def labels_from_scores_at(self, scores: NDArray[np.float32], sizes: Sequence[tuple[int, int]]) -> list[LabelMap]:
        """Decide labels as `labels_from_scores` does, each map at its own size, see `labels_at`."""
        maps = self.labels_from_scores(scores)
        return [resized_label(labels, size) for labels, size in zip(maps, sizes, strict=True)]

    def adapted_to(self, images: Image, adaptation: BatchNormAdaptation) -> Self:
        """Return a segmenter whose batch norm is adapted to images, see `roadseg.adaptation.batch_norm.adapted_to`.

        Args:
            images: as for `segment`.
            adaptation: how far, and against which source images.

        Raises:
            InputError: the network has no batch norm, or the images that it learned from are missing.
        """
        raise InputError(f"{self.name}: has no batch norm to adapt", "Leave --adapt-bn out.")

    def describe(self, images: Image) -> Descriptions:
        """Describe images by statistics that change with their light, see `roadseg.adaptation.shifts.describe`.

        Args:
            images: (N, H, W, 3) uint8 RGB of any size, N >= 1.

        Raises:
            InputError: the network has no batch norm.
        """
        raise InputError(f"{self.name}: has no batch norm to adapt", "Leave --adapt-bn out.")

    @overload
    def label(
        self,
        image: Image,
        *,
        size: tuple[int, int] | None = None,
        flip: bool = False,
        scales: tuple[float, ...] = (1.0,),
    ) -> LabelMap: ...

    @overload
    def label(
        self,
        image: Sequence[Image],
        *,
        size: tuple[int, int] | None = None,
        flip: bool = False,
        scales: tuple[float, ...] = (1.0,),
    ) -> list[LabelMap]: ...

    def label(
        self,
        image: Image | Sequence[Image],
        *,
        size: tuple[int, int] | None = None,
        flip: bool = False,
        scales: tuple[float, ...] = (1.0,),
    ) -> LabelMap | list[LabelMap]:
        """Label images of any size.

        Args:
            image: (H, W, 3) uint8 RGB; a batch of such (N, H, W, 3); or a list of images, which may differ in size.
            size: (width, height) of the label maps; by default the size of the image.
            flip: average class probabilities with those of the mirrored image.
            scales: average class probabilities over these factors on the input size, 0.5 to 2.

        Returns:
            (H, W) uint8 train ids at the size of the image; for a batch (N, H, W); for a list, a list. 255 where a
            pixel has no class. `label_space` names the classes.

        Raises:
            InputError: an image has another type or shape, or `scales` is outside its range.
        """
        tta = TTA(flip, tuple(scales))
        if isinstance(image, list | tuple):
            return self._label_all(image, size, tta)
        if isinstance(image, np.ndarray) and image.ndim == 4 and len(image):
            return np.stack(self._label_all(list(image), size, tta))
        return self._label_all([checked_image(image)], size, tta)[0]

    def _label_all(self, images: Sequence[Image], size: tuple[int, int] | None, tta: TTA) -> list[LabelMap]:
        for number, image in enumerate(images):
            checked_image(image, name=f"image {number}" if len(images) > 1 else "image")
        labelled: list[LabelMap] = []
        count = self.batch_size if len(images) > 1 else 1
        fitted = [self.fitted(image.shape[1] / image.shape[0]) for image in images]
        for _, alike in groupby(zip(fitted, images, strict=True), lambda pair: pair[0].input_size):
            while pairs := list(islice(alike, count)):
                resized = np.stack([resized_image(image, segmenter.input_size) for segmenter, image in pairs])
                sizes = [size or (image.shape[1], image.shape[0]) for _, image in pairs]
                labelled += pairs[0][0].labels_at(resized, sizes, tta)
        return labelled

    def colour(self, labels: LabelMap) -> NDArray[np.uint8]:
        """Return the class colours of a label map.

        Args:
            labels: (H, W) uint8 train ids, or a batch (N, H, W).

        Returns:
            (H, W, 3) or (N, H, W, 3) uint8 RGB; black where a pixel has no class.

        Raises:
            InputError: `labels` is not a uint8 array.
        """
        return colour_labels(labels, self.label_space)

    def draw(self, image: Image, labels: LabelMap, *, opacity: float = 0.5) -> NDArray[np.uint8]:
        """Blend the class colours of `labels` into a copy of an image; pixels without a class stay as they are.

        Args:
            image: (H, W, 3) uint8 RGB.
            labels: (H, W) uint8 train ids.
            opacity: weight of the colours, 0 (the plain image) to 1 (only colours).

        Returns:
            (H, W, 3) uint8 RGB.

        Raises:
            InputError: an argument has another type, shape or range.
        """
        return draw_labels(image, labels, self.label_space, opacity=opacity)
