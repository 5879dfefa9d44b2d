"""Adaptation of batch-norm statistics to target images, without labels and without training.

Schneider et al., "Improving robustness against common corruptions by covariate shift adaptation", NeurIPS 2020: the
statistics of training are replaced by a mixture of the statistics of n target images and those of training, with the
latter weighted as if they came from N images.

The networks of that paper hold the statistics of their training images. Ours do not: batch norm keeps its ImageNet
statistics while the rest of the network learns (see `roadseg.models.efficientnet_lite`), so its outputs on training
images are not standardised, and the layers behind have learned that. Therefore the moments of each layer's input are
measured on training images, and the change from these to the target's is corrected: inputs are scaled and shifted to
have the mean and variance of training images, then normalised as in training. For a network trained with the
statistics of its own images both are the same. The statistics of training stay beside the new ones (see
`roadseg.models.domain_statistics`), so a network can be adapted again, to other images.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from roadseg.adaptation.defaults import PRIOR
from roadseg.errors import InputError
from roadseg.models.domain_statistics import (
    batch_norms,
    keep_source_statistics,
    running_statistics,
    source_statistics,
    statistics_of_source,
)
from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import to_tensor
from roadseg.runtime import Runtime

IMAGES = 32
"""Number of source images, and of target images, from which statistics are computed."""
BATCH_SIZE = 4
"""Number of source images that are forwarded at once."""
PIXELS_AT_ONCE = IMAGES * 640 * 480
"""Number of pixels of target images that are forwarded at once: 1.4 GB of memory with `fast`."""


@dataclass(frozen=True)
class BatchNormAdaptation:
    """Options of batch-norm adaptation."""

    prior: int = PRIOR
    """Number of images that the statistics of training count for, at least 0; fewer adapt more."""
    scenes: str = ""
    """Kinds of rendered streets that resemble the target, as for `roadseg synth --scenes`: statistics depend on the
    content of images, not only on their appearance. Empty for the streets of training; `auto` for the kind that gives
    the steadiest labels, or no adaptation if none makes them steadier (segmenters only)."""

    @classmethod
    def chosen(cls, adapt_bn: bool, prior: int, scenes: str) -> Self | None:
        """Return the options where batch norm is to be adapted; None where it is not.

        Raises:
            InputError: it is not, but an option says how.
        """
        if adapt_bn:
            return cls(prior, scenes)
        if scenes or prior != PRIOR:
            option = "bn_scenes" if scenes else "bn_prior"
            raise InputError(f"{option} says how batch norm is adapted", "Give --adapt-bn, or adapt_bn, too.")
        return None


class Moments(NamedTuple):
    """Moments of the input of a batch-norm layer, over images and positions; float32 (channels,) each."""

    mean: Tensor
    variance: Tensor
    images: int
    """Number of images that they are computed from."""

    @classmethod
    def of(cls, x: Tensor) -> "Moments":
        """Compute the moments of (N, channels, H, W)."""
        # Not torch.var_mean, which takes five times as long on CPUs.
        mean = x.mean((0, 2, 3))
        return cls(mean, (x - mean.view(1, -1, 1, 1)).square_().mean((0, 2, 3)), len(x))

    def mixed(self, other: "Moments", share: float) -> "Moments":
        """Mix as Schneider et al. do, with weight `share` in 0..1 for `other`; the distance of the means is ignored."""
        return Moments(self.mean.lerp(other.mean, share), self.variance.lerp(other.variance, share), self.images)

    def pooled(self, other: "Moments") -> "Moments":
        """Pool the images of both: Chan, Golub and LeVeque, "Updating formulae", 1979."""
        share = other.images / (self.images + other.images)
        mixed = self.mixed(other, share)
        between = share * (1 - share) * (self.mean - other.mean).square()
        return Moments(mixed.mean, mixed.variance + between, self.images + other.images)


def source_moments(network: SegmentationNetwork, images: NDArray[np.uint8], runtime: Runtime) -> list[Moments]:
    """Compute the moments of all batch-norm layers' inputs on source images, in the order of `network.modules()`.

    Args:
        network: on the runtime's device; left as it is.
        images: images like those of training, (N, H, W, 3) uint8 RGB of the network's input size, 1 <= N.
        runtime: device; the computation is in float32 at any precision of the runtime.

    Raises:
        InputError: the network has no batch norm.
    """
    batches = [images[start : start + BATCH_SIZE] for start in range(0, len(images), BATCH_SIZE)]
    with source_statistics(network):
        return _measure(copy.deepcopy(network).eval(), batches, runtime, lambda norm, position, moments: None)


def adapted_to(
    network: SegmentationNetwork,
    source: Sequence[Moments],
    images: NDArray[np.uint8],
    runtime: Runtime,
    prior: int,
) -> SegmentationNetwork:
    """Return a copy of a network with batch norm adapted to target images; the copy is as fast as the network.

    Layers are adapted while the images pass, so that every layer is measured behind layers that are adapted already.
    All images reach a layer together: if they came in batches, the first ones would reach it from layers that are
    adapted to them alone, and the statistics would depend on the order of the images. Only images of more than
    `PIXELS_AT_ONCE` come in several batches, each spread over all of them.

    Args:
        network: as for `source_moments`; an earlier adaptation is replaced.
        source: result of `source_moments`.
        images: target images, in the same form.
        runtime: as for `source_moments`.
        prior: number of images that `source` counts for, at least 0: with 0 only the target counts.

    Raises:
        InputError: the network has no batch norm.
    """
    share = len(images) / (len(images) + prior)
    count = -(-images[..., 0].size // PIXELS_AT_ONCE)
    batches = [images[first::count] for first in range(min(count, len(images)))]
    adapted = copy.deepcopy(network).eval()
    keep_source_statistics(adapted)

    def adapt(norm: nn.BatchNorm2d, position: int, seen: Moments) -> None:
        _shift(norm, source[position], source[position].mixed(seen, share))

    _measure(adapted, batches, runtime, adapt)
    return adapted


def layers_to_adapt(network: SegmentationNetwork) -> list[nn.BatchNorm2d]:
    """Return all batch-norm layers of a network, in the order of `network.modules()`.

    Raises:
        InputError: it has none.
    """
    layers = batch_norms(network)
    if not layers:
        raise InputError("this network has no batch norm to adapt", "Leave --adapt-bn, or adapt_bn, out.")
    return layers


@torch.inference_mode()
def _measure(
    network: SegmentationNetwork,
    batches: Sequence[NDArray[np.uint8]],
    runtime: Runtime,
    on_moments: Callable[[nn.BatchNorm2d, int, Moments], None],
) -> list[Moments]:
    """Compute moments; `on_moments` gets a layer, its position and its moments so far before the layer normalises."""
    layers = layers_to_adapt(network)
    found: dict[int, Moments] = {}

    def observe(position: int, x: Tensor) -> None:
        # In parts, since the moments of all images at once would take a copy of them.
        moments = reduce(Moments.pooled, map(Moments.of, torch.split(x, BATCH_SIZE)))
        found[position] = found[position].pooled(moments) if position in found else moments
        on_moments(layers[position], position, found[position])

    precise = replace(runtime, precision="float32")
    with precise.autocast(), observed(layers, observe):
        for batch in batches:
            network(network.normalisation(to_tensor(batch, precise.device)))
    return [found[position] for position in range(len(layers))]


@contextmanager
def observed(layers: Sequence[nn.BatchNorm2d], observe: Callable[[int, Tensor], None]) -> Iterator[None]:
    """Call `observe` with the input of each layer, then normalise with the running statistics that it sets.

    In training mode, so that batch norm is not folded into its convolution and has an input to observe. That is the
    output of the convolution, which nothing else reads, so it is overwritten.
    """

    def forward(position: int, x: Tensor) -> Tensor:
        observe(position, x)
        norm = layers[position]
        mean, variance = running_statistics(norm)
        scale = norm.weight * torch.rsqrt(variance + norm.eps)
        offset = torch.addcmul(norm.bias, mean, scale, value=-1)
        return x.mul_(scale.view(1, -1, 1, 1)).add_(offset.view(1, -1, 1, 1))

    for position, norm in enumerate(layers):
        norm.training, norm.forward = True, partial(forward, position)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for norm in layers:
            norm.training = False
            del norm.forward


def _shift(norm: nn.BatchNorm2d, source: Moments, target: Moments) -> None:
    """Set `norm` to map inputs with moments `target` to what its source statistics map inputs with moments `source`."""
    (mean, variance), (source_mean, source_variance) = running_statistics(norm), statistics_of_source(norm)
    ratio = (target.variance + norm.eps) / (source.variance + norm.eps)
    # Where the variance is small beside eps, the exact result may lie below 0, which is no variance.
    variance.copy_(((source_variance + norm.eps) * ratio - norm.eps).clamp(min=0))
    mean.copy_(target.mean - (source.mean - source_mean) * ratio.sqrt())
