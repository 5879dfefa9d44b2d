"""Batch norm adapted to the pictures at hand, without labels and without training.

Schneider et al., "Improving robustness against common corruptions by covariate shift adaptation", NeurIPS 2020: the
statistics of n new pictures, mixed with those of training as if the latter came from N pictures, take their place.

That paper's networks keep the statistics of what they learned from. Ours do not: batch norm stays as ImageNet left it
while the rest of the network learns (see `roadseg.models.efficientnet_lite`), and what it gives for the pictures of
training is not standardised at all; the layers behind have learned that. So the statistics of those pictures are
measured, and what is corrected is the way from them to the new ones: each channel of a layer's input is scaled and
moved to have the mean and variance that it has on pictures of training, then normalised as in training. For a network
that was trained with statistics of its own pictures both are the same.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from roadseg.errors import InputError
from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import to_tensor
from roadseg.runtime import Runtime

PICTURES = 32
"""Of the training and of what is at hand, each, that statistics are taken from."""
BATCH_SIZE = 4


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


def measure(network: SegmentationNetwork, pictures: NDArray[np.uint8], runtime: Runtime) -> list[Moments]:
    """Moments of the inputs of all batch-norm layers, in the order of `network.modules()`.

    Args:
        network: on the runtime's device, in evaluation mode; left as it is.
        pictures: (N, H, W, 3) uint8 RGB of its input size, 1 <= N.
        runtime: float32 is used whatever its precision.

    Raises:
        InputError: the network has no batch norm.
    """
    return _measure(copy.deepcopy(network), pictures, runtime, lambda norm, position, moments: None)


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
        network: as for `measure`.
        source: what `measure` gave for pictures like those it was trained on.
        pictures: as for `measure`.
        runtime: as for `measure`.
        prior: how many pictures `source` counts for, at least 0: for 0 the new ones alone count.

    Raises:
        InputError: the network has no batch norm.
    """
    share = len(pictures) / (len(pictures) + prior)
    trained = copy.deepcopy(_layers(network))
    adapted = copy.deepcopy(network)

    def adapt(norm: nn.BatchNorm2d, position: int, seen: Moments) -> None:
        _shift(norm, trained[position], source[position], source[position].mixed(seen, share))

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
    layers = _layers(network)
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


def _shift(norm: nn.BatchNorm2d, trained: nn.BatchNorm2d, source: Moments, target: Moments) -> None:
    """Make `norm` give for inputs of the moments `target` what `trained` gives for those of `source`."""
    assert trained.running_mean is not None
    assert trained.running_var is not None
    assert norm.running_mean is not None
    assert norm.running_var is not None
    ratio = (target.variance + norm.eps) / (source.variance + norm.eps)
    norm.running_var.copy_((trained.running_var + norm.eps) * ratio - norm.eps)
    norm.running_mean.copy_(target.mean - (source.mean - trained.running_mean) * ratio.sqrt())


def _layers(network: nn.Module) -> list[nn.BatchNorm2d]:
    layers = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    if not layers:
        raise InputError("this network has no batch norm to adapt", "Leave --adapt-bn out.")
    return layers
