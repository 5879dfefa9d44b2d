"""Test-time augmentation (TTA): class probabilities averaged over flips and scales of an image."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from roadseg.errors import InputError

SMALLEST_SCALE, LARGEST_SCALE = 0.5, 2.0
"""Limits of scales: beyond them, objects have sizes that training never showed; scale 2 takes four times the memory."""
MOST_SCALES = 8
LEAST_PROBABILITY = 1e-30
"""Lower bound of probabilities, which keeps their logarithms finite."""
SCORE_STRIDE = 8
"""Pixels per cell of the coarse grid on which scores are averaged over time: the stride of the networks' output."""
STRIDE = 16
"""Step of input sizes in pixels: one cell of the coarsest feature map of every network."""


@dataclass(frozen=True)
class TTA:
    """Flips and scales whose class probabilities are averaged; by default the image alone.

    Raises:
        InputError: there is no scale, a scale is outside 0.5..2 or given twice, or there are more than 8.
    """

    flip: bool = False
    """Also use the mirrored image, at every scale."""
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
        """Number of passes of an image through the network."""
        return len(self.scales) * (1 + self.flip)

    def sizes(self, size: tuple[int, int]) -> Iterator[tuple[int, int]]:
        """Yield the (width, height) of the input at each scale.

        Sizes differ from `size` by whole strides of 16 pixels, so a network whose input must have the form
        stride * n + 1 gets that at every scale.

        Args:
            size: (width, height) at scale 1.
        """
        for scale in self.scales:
            width, height = (side + STRIDE * round(side * (scale - 1) / STRIDE) for side in size)
            yield max(width, min(size[0], STRIDE)), max(height, min(size[1], STRIDE))


NO_TTA = TTA()


Scores = Callable[[Tensor, tuple[int, int]], Tensor]
"""A network in some engine: images (N, 3, H, W) RGB in 0..255 -> class scores (N, C, height, width) float32 before the
softmax for a (width, height)."""


def too_little_memory(size: tuple[int, int], tta: TTA, device: torch.device) -> InputError:
    """Return the error for a device whose memory is too small to label one image of (width, height) `size`."""
    return InputError(
        f"not enough memory on {device} for an image of {size[0]}x{size[1]} at scale {tta.scales[-1]:g}",
        "Take --device cpu, or smaller --scales where there are any.",
    )


@torch.inference_mode()
def log_probabilities(scores: Scores, images: Tensor, size: tuple[int, int], tta: TTA) -> Tensor:
    """Return natural logarithms of `mean_probabilities`, at most 0 and never infinite, in the same shape."""
    if tta == NO_TTA:
        return scores(images, size).log_softmax(1)
    return mean_probabilities(scores, images, size, tta).clamp_(min=LEAST_PROBABILITY).log_()


@torch.inference_mode()
def mean_probabilities(scores: Scores, images: Tensor, size: tuple[int, int], tta: TTA) -> Tensor:
    """Return class probabilities averaged over flips and scales.

    Args:
        scores: the network.
        images: (N, 3, H, W) uint8.
        size: (width, height) of the result.
        tta: flips and scales.

    Returns:
        (N, C, height, width) float32.
    """
    total: Tensor | None = None
    height, width = images.shape[-2:]
    for view_width, view_height in tta.sizes((width, height)):
        view = images
        if (view_width, view_height) != (width, height):
            # From half the size on, two samples a side cover every pixel: nothing aliases.
            view = F.interpolate(images.float(), size=(view_height, view_width), mode="bilinear", align_corners=False)
        for flipped in (False, True)[: 1 + tta.flip]:
            probabilities = scores(view.flip(-1) if flipped else view, size).softmax(1)
            probabilities = probabilities.flip(-1) if flipped else probabilities
            total = probabilities if total is None else total.add_(probabilities)
    assert total is not None
    return total.div_(len(tta))


def coarse_size(size: tuple[int, ...], stride: int) -> tuple[int, int]:
    """Return the (width, height) of a map with one cell for each `stride` pixels a side, rounded up."""
    width, height = size
    return -(-width // stride), -(-height // stride)
