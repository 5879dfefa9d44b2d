"""Domain-specific batch-norm statistics: each domain has its own, while all learned parameters are shared.

After Chang et al., "Domain-Specific Batch Normalization for Unsupervised Domain Adaptation", CVPR 2019, where scales
and offsets are specific to domains too. The running statistics of a network are those of the target, for the images
that it is used on. Where they differ from the source's, the latter are stored beside them, in buffers that are part of
the network's state.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

MEAN, VARIANCE = "source_mean", "source_var"
"""Names of the buffers, beside `running_mean` and `running_var`."""


def batch_norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    """Return all batch-norm layers of a network, in the order of its modules."""
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def keep_source_statistics(network: nn.Module) -> None:
    """Store the current running statistics as those of the source; statistics that are already stored remain."""
    for norm in batch_norms(network):
        if not hasattr(norm, MEAN):
            for kept, statistic in zip((MEAN, VARIANCE), running_statistics(norm), strict=True):
                norm.register_buffer(kept, statistic.detach().clone())


def has_source_statistics(names: Collection[str]) -> bool:
    """Return True if the state of a network contains separate source statistics.

    Args:
        names: names of its tensors.
    """
    return any(name.endswith(f".{MEAN}") for name in names)


def domains_differ(network: nn.Module) -> bool:
    """Return True if a layer normalises images of the source and of the target by different statistics."""
    return any(
        not torch.equal(target, source)
        for norm in batch_norms(network)
        for target, source in zip(running_statistics(norm), statistics_of_source(norm), strict=True)
    )


@contextmanager
def source_statistics(network: nn.Module) -> Iterator[None]:
    """Normalise with the source's statistics while the block runs; no effect where there are none."""
    norms = [norm for norm in batch_norms(network) if hasattr(norm, MEAN)]
    own = [running_statistics(norm) for norm in norms]
    for norm in norms:
        norm.running_mean, norm.running_var = statistics_of_source(norm)
    try:
        yield
    finally:
        for norm, (mean, variance) in zip(norms, own, strict=True):
            norm.running_mean, norm.running_var = mean, variance


@contextmanager
def statistics_kept(network: nn.Module) -> Iterator[None]:
    """Leave running statistics unchanged while the block runs; layers still normalise as their mode says."""
    training = [norm for norm in batch_norms(network) if norm.training and norm.track_running_stats]
    for norm in training:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in training:
            norm.track_running_stats = True


def running_statistics(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return the mean and variance that a layer normalises with, (channels,) each."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return norm.running_mean, norm.running_var


def statistics_of_source(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return the mean and variance that a layer normalises source images with, (channels,) each."""
    if not hasattr(norm, MEAN):
        return running_statistics(norm)
    mean, variance = getattr(norm, MEAN), getattr(norm, VARIANCE)
    return mean, variance
