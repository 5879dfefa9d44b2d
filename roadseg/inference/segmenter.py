"""What overlays are made with: pictures in, label maps out."""

from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from roadseg.adaptation.batch_norm import BatchNormAdaptation
from roadseg.labels.space import LabelSpace
from roadseg.models.views import ONE_VIEW, Views


class Segmenter(Protocol):
    """A trained network together with everything between a picture and its label map: normalisation, softmax, argmax.

    `segment` and `scores` are called from up to `concurrency` threads at a time.
    """

    @property
    def name(self) -> str:
        """Which weights in which engine, for people and for `summary.json`: unequal for unequal weights."""
        ...

    @property
    def label_space(self) -> LabelSpace:
        """The classes whose train ids `segment` returns."""
        ...

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) in pixels that pictures must be scaled to."""
        ...

    @property
    def batch_size(self) -> int:
        """How many pictures are best given at once; changes speed and memory, not the result."""
        ...

    @property
    def concurrency(self) -> int:
        """From how many threads it is best called at the same time."""
        ...

    def segment(self, images: NDArray[np.uint8], views: Views = ONE_VIEW) -> NDArray[np.uint8]:
        """Label a batch.

        Args:
            images: (N, H, W, 3) uint8 RGB, H and W as `input_size` says, 1 <= N.
            views: of each picture, whose class probabilities are averaged.

        Returns:
            (N, h, w) uint8 train ids, 255 where no class is told; h <= H and w <= W are the engine's choice and the
            same for every batch, the map covers the whole picture.

        Raises:
            InputError: the device's memory is too small for a single picture.
        """
        ...

    def scores(self, images: NDArray[np.uint8], views: Views = ONE_VIEW) -> NDArray[np.float32]:
        """How likely each class is, on a coarse grid: what can be averaged over time before labels are decided.

        Args:
            images: as for `segment`.
            views: as for `segment`.

        Returns:
            (N, C, h, w) float32 natural logarithms of probabilities, C classes, at most 0 and never infinite; h and w
            are an eighth of the picture's, rounded up, and the map covers the whole picture. Every engine gives these,
            equal but for rounding.

        Raises:
            InputError: the device's memory is too small for a single picture.
        """
        ...

    def labels(self, scores: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Label maps of the form that `segment` gives: `scores` up-sampled, then the most likely class.

        For one view, `labels(scores(images))` is `segment(images)` but for rounding.

        Args:
            scores: (N, C, h, w) as `scores` gives for pictures of `input_size`, or a weighted mean of such.

        Returns:
            (N, h, w) uint8 train ids.
        """
        ...

    def adapted_to(self, images: NDArray[np.uint8], adaptation: BatchNormAdaptation) -> Self:
        """A segmenter whose batch norm is adapted to pictures, see `roadseg.adaptation.batch_norm.adapted_to`.

        Args:
            images: as for `segment`.
            adaptation: how far, and against what.

        Raises:
            InputError: the network has no batch norm, or pictures that it learned from are not at hand.
        """
        ...
