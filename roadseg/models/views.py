"""Test-time augmentation: the class probabilities of several views of a picture averaged, instead of those of one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from roadseg.errors import InputError
from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import class_scores, labels_of, to_numpy, to_tensor
from roadseg.runtime import Runtime

SMALLEST_SCALE, LARGEST_SCALE = 0.5, 2.0
"""Beyond them things have sizes that training never showed; twice the size takes four times the memory and time."""
MOST_SCALES = 8
LEAST_PROBABILITY = 1e-30
"""Keeps logarithms finite."""
SCORE_STRIDE = 8
"""Of the coarse grid that scores are averaged over time on: that of the networks' own output."""
STRIDE = 16
"""Input sizes change by so many pixels, which is one cell of the coarsest feature map of every network."""


@dataclass(frozen=True)
class Views:
    """What a network is shown of a picture; the default is the picture alone.

    Raises:
        InputError: there is no scale, one beyond 0.5..2 or named twice, or more than 8.
    """

    flip: bool = False
    """Whether the mirrored picture is a view too, at every scale."""
    scales: tuple[float, ...] = (1.0,)
    """Factors on the input size, in ascending order."""

    def __post_init__(self) -> None:
        remedy = f"Give 1 to {MOST_SCALES} different factors from {SMALLEST_SCALE:g} to {LARGEST_SCALE:g}."
        outside = [scale for scale in self.scales if not SMALLEST_SCALE <= scale <= LARGEST_SCALE]
        if outside:
            raise InputError(f"scale {outside[0]:g} is outside {SMALLEST_SCALE:g} to {LARGEST_SCALE:g}", remedy)
        if not 1 <= len(self.scales) <= MOST_SCALES:
            raise InputError(f"{len(self.scales) or 'no'} scales given", remedy)
        if len(set(self.scales)) < len(self.scales):
            raise InputError(f"a scale is given twice: {', '.join(f'{scale:g}' for scale in self.scales)}", remedy)
        object.__setattr__(self, "scales", tuple(sorted(self.scales)))

    def __len__(self) -> int:
        """How often the network looks at a picture."""
        return len(self.scales) * (1 + self.flip)

    def sizes(self, size: tuple[int, int]) -> Iterator[tuple[int, int]]:
        """(width, height) of the input at each scale, for that of scale 1.

        It differs from `size` by whole strides of 16 pixels, so a network whose input has to be of the form
        stride * n + 1 gets that at every scale.
        """
        for scale in self.scales:
            width, height = (side + STRIDE * round(side * (scale - 1) / STRIDE) for side in size)
            yield max(width, min(size[0], STRIDE)), max(height, min(size[1], STRIDE))


ONE_VIEW = Views()


Scores = Callable[[Tensor, tuple[int, int]], Tensor]
"""A network in some engine: images (N, 3, H, W) RGB in 0..255 -> class scores (N, C, height, width) float32 before the
softmax for a (width, height)."""


@torch.inference_mode()
def predict_views(
    network: SegmentationNetwork,
    images: NDArray[np.uint8],
    size: tuple[int, int],
    runtime: Runtime,
    views: Views = ONE_VIEW,
) -> NDArray[np.uint8]:
    """Label RGB images (N, H, W, 3) uint8: train ids (N, height, width) uint8 for `size` = (width, height).

    For one view as `roadseg.models.predict.predict` does; for several the class of the highest mean probability wins.
    The network sees one view of all N images after the other, so memory is that of the largest scale.

    Raises:
        InputError: the device's memory is too small.
    """
    scores = partial(class_scores, network, runtime=runtime)
    try:
        return to_numpy(labels_of(view_scores(scores, to_tensor(images, runtime.device), size, views)))
    except torch.OutOfMemoryError:
        raise too_little_memory(images, views, runtime.device) from None


def too_little_memory(images: NDArray[np.uint8], views: Views, device: torch.device) -> InputError:
    """The error to raise where a device cannot hold what it takes to label `images`."""
    many = f"{len(images)} pictures" if len(images) > 1 else "a picture"
    return InputError(
        f"not enough memory on {device} for {many} of {images.shape[2]}x{images.shape[1]}"
        f" at scale {views.scales[-1]:g}",
        "Take --device cpu, or smaller --scales where there are any.",
    )


def view_scores(scores: Scores, images: Tensor, size: tuple[int, int], views: Views) -> Tensor:
    """What labels are decided by: (N, C, height, width) float32 for images (N, 3, H, W) uint8 and a (width, height).

    Class scores for one view, mean probabilities for several.
    """
    return scores(images, size) if views == ONE_VIEW else mean_probabilities(scores, images, size, views)


@torch.inference_mode()
def log_probabilities(scores: Scores, images: Tensor, size: tuple[int, int], views: Views) -> Tensor:
    """Natural logarithms of `mean_probabilities`, at most 0 and never infinite: of the same shape."""
    if views == ONE_VIEW:
        return scores(images, size).log_softmax(1)
    return mean_probabilities(scores, images, size, views).clamp_(min=LEAST_PROBABILITY).log_()


@torch.inference_mode()
def mean_probabilities(scores: Scores, images: Tensor, size: tuple[int, int], views: Views) -> Tensor:
    """Mean over the views of images (N, 3, H, W) uint8: (N, C, height, width) float32 for `size` = (width, height)."""
    total: Tensor | None = None
    height, width = images.shape[-2:]
    for view_width, view_height in views.sizes((width, height)):
        view = images
        if (view_width, view_height) != (width, height):
            # From half the size on, two samples a side cover every pixel: nothing aliases.
            view = F.interpolate(images.float(), size=(view_height, view_width), mode="bilinear", align_corners=False)
        for flipped in (False, True)[: 1 + views.flip]:
            probabilities = scores(view.flip(-1) if flipped else view, size).softmax(1)
            probabilities = probabilities.flip(-1) if flipped else probabilities
            total = probabilities if total is None else total.add_(probabilities)
    assert total is not None
    return total.div_(len(views))


def part_of(size: tuple[int, ...], stride: int) -> tuple[int, int]:
    """(width, height) of one pixel in `stride` of a (width, height), rounded up."""
    width, height = size
    return -(-width // stride), -(-height // stride)
