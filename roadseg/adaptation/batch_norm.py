"""Batch norm adapted to the pictures at hand, without labels and without training.

Schneider et al., "Improving robustness against common corruptions by covariate shift adaptation", NeurIPS 2020: the
statistics of n new pictures, mixed with those of training as if the latter came from N pictures, take their place.

That paper's networks keep the statistics of what they learned from. Ours do not: batch norm stays as ImageNet left it
while the rest of the network learns (see `roadseg.models.efficientnet_lite`), and what it gives for the pictures of
training is not standardised at all; the layers behind have learned that. So the statistics of those pictures are
measured, and what is corrected is the way from them to the new ones: each channel of a layer's input is scaled and
moved to have the mean and variance that it has on pictures of training, then normalised as in training. For a network
that was trained with statistics of its own pictures both are the same. The statistics of training stay beside the new
ones (see `roadseg.models.domain_statistics`), so a network can be adapted again, to other pictures.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

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

PRIOR = 96
"""Pictures that the statistics of training count for unless another number is given, see docs/performance.md."""
PICTURES = 32
"""Of the training and of what is at hand, each, that statistics are taken from."""
BATCH_SIZE = 4


@dataclass(frozen=True)
class BatchNormAdaptation:
    """How to adapt batch norm to what is at hand."""

    prior: int = PRIOR
    """How many pictures the statistics of training count for, at least 0; fewer adapt more."""
    scenes: str = ""
    """Which of the rendered streets the pictures at hand resemble, as `roadseg synth --scenes` takes it: statistics
    tell of what is shown too, not of the look alone, so like is held against like. Empty for those of training."""


class Moments(NamedTuple):
    """Of the input of a batch-norm layer, over pictures and positions; float32 (channels,) each."""

    mean: Tensor
    variance: Tensor
    pictures: int
    """How many they are of."""

    @classmethod
    def of(cls, x: Tensor) -> "Moments":
        """Of (N, channels, H, W)."""
        # Not torch.var_mean, which takes five times as long on CPUs.
        mean = x.mean((0, 2, 3))
        return cls(mean, (x - mean.view(1, -1, 1, 1)).square_().mean((0, 2, 3)), len(x))

    def mixed(self, other: "Moments", share: float) -> "Moments":
        """As Schneider et al. mix them, with a share of 0..1 for `other`: variances without what means differ by."""
        return Moments(self.mean.lerp(other.mean, share), self.variance.lerp(other.variance, share), self.pictures)

    def pooled(self, other: "Moments") -> "Moments":
        """Of the pictures of both: Chan, Golub and LeVeque, "Updating formulae", 1979."""
        share = other.pictures / (self.pictures + other.pictures)
        mixed = self.mixed(other, share)
        between = share * (1 - share) * (self.mean - other.mean).square()
        return Moments(mixed.mean, mixed.variance + between, self.pictures + other.pictures)


def source_moments(network: SegmentationNetwork, pictures: NDArray[np.uint8], runtime: Runtime) -> list[Moments]:
    """Moments of the inputs of all batch-norm layers for pictures of the source, in the order of `network.modules()`.

    Args:
        network: on the runtime's device; left as it is.
        pictures: like those that it learned from, (N, H, W, 3) uint8 RGB of its input size, 1 <= N.
        runtime: float32 is used whatever its precision.

    Raises:
        InputError: the network has no batch norm.
    """
    with source_statistics(network):
        return _measure(copy.deepcopy(network).eval(), pictures, runtime, lambda norm, position, moments: None)


def adapted_to(
    network: SegmentationNetwork,
    source: Sequence[Moments],
    pictures: NDArray[np.uint8],
    runtime: Runtime,
    prior: int,
) -> SegmentationNetwork:
    """A copy of a network whose batch norm is adapted to pictures; it takes no longer than the network itself.

    Layers are adapted while the pictures pass, each by those seen so far, so that every layer is measured behind layers
    that are adapted already.

    Args:
        network: as for `source_moments`; one that was adapted before forgets to what.
        source: what `source_moments` gave.
        pictures: those to adapt to, in the same form.
        runtime: as for `source_moments`.
        prior: how many pictures `source` counts for, at least 0: for 0 the new ones alone count.

    Raises:
        InputError: the network has no batch norm.
    """
    share = len(pictures) / (len(pictures) + prior)
    adapted = copy.deepcopy(network).eval()
    keep_source_statistics(adapted)

    def adapt(norm: nn.BatchNorm2d, position: int, seen: Moments) -> None:
        _shift(norm, source[position], source[position].mixed(seen, share))

    _measure(adapted, pictures, runtime, adapt)
    return adapted


@torch.inference_mode()
def _measure(
    network: SegmentationNetwork,
    pictures: NDArray[np.uint8],
    runtime: Runtime,
    on_moments: Callable[[nn.BatchNorm2d, int, Moments], None],
) -> list[Moments]:
    """Moments; a layer's position and its moments so far are told before it normalises."""
    layers = batch_norms(network)
    if not layers:
        raise InputError("this network has no batch norm to adapt", "Leave --adapt-bn, or adapt_bn, out.")
    found: dict[int, Moments] = {}

    def look(position: int, norm: nn.BatchNorm2d, x: Tensor) -> None:
        moments = Moments.of(x)
        found[position] = found[position].pooled(moments) if position in found else moments
        on_moments(norm, position, found[position])

    precise = replace(runtime, precision="float32")
    with _watched(layers, look):
        for start in range(0, len(pictures), BATCH_SIZE):
            images = to_tensor(pictures[start : start + BATCH_SIZE], precise.device)
            network(network.normalisation(images))
    return [found[position] for position in range(len(layers))]


@contextmanager
def _watched(layers: list[nn.BatchNorm2d], look: Callable[[int, nn.BatchNorm2d, Tensor], None]) -> Iterator[None]:
    """Show `look` the input of each layer, then normalise with the running statistics that it leaves.

    In training mode, so that batch norm is not folded into its convolution and has an input to look at.
    """

    def hook(position: int, norm: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        assert isinstance(norm, nn.BatchNorm2d)
        look(position, norm, inputs[0])
        return F.batch_norm(inputs[0], norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)

    handles = [norm.register_forward_hook(partial(hook, position)) for position, norm in enumerate(layers)]
    for norm in layers:
        norm.training, norm.track_running_stats = True, False
    try:
        yield
    finally:
        for norm, handle in zip(layers, handles, strict=True):
            norm.training, norm.track_running_stats = False, True
            handle.remove()


def _shift(norm: nn.BatchNorm2d, source: Moments, target: Moments) -> None:
    """Make `norm` give for inputs of the moments `target` what its source statistics give for those of `source`."""
    (mean, variance), (source_mean, source_variance) = running_statistics(norm), statistics_of_source(norm)
    ratio = (target.variance + norm.eps) / (source.variance + norm.eps)
    variance.copy_((source_variance + norm.eps) * ratio - norm.eps)
    mean.copy_(target.mean - (source.mean - source_mean) * ratio.sqrt())
