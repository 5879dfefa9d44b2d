"""Batch norm with statistics of its own for each domain, while all that is learned is shared.

After Chang et al., "Domain-Specific Batch Normalization for Unsupervised Domain Adaptation", CVPR 2019, whose scales
and offsets are of each domain too. The running statistics of a network are those for the pictures that it is used on,
the target's. Once they differ from those that pictures of the source are normalised with, the latter lie beside them,
in buffers that go wherever the network's state goes.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from torch import Tensor, nn

MEAN, VARIANCE = "source_mean", "source_var"
"""Names of the buffers, beside `running_mean` and `running_var`."""


def batch_norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    """All batch norm of a network, in the order of its modules."""
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def keep_source_statistics(network: nn.Module) -> None:
    """Keep what the running statistics are now as those of the source; where some are kept already, they stay."""
    for norm in batch_norms(network):
        if not hasattr(norm, MEAN):
            for kept, statistic in zip((MEAN, VARIANCE), running_statistics(norm), strict=True):
                norm.register_buffer(kept, statistic.detach().clone())


def has_source_statistics(names: Collection[str]) -> bool:
    """Whether the state of a network, by the names of its tensors, has statistics of the source of its own."""
    return any(name.endswith(f".{MEAN}") for name in names)


@contextmanager
def source_statistics(network: nn.Module) -> Iterator[None]:
    """Normalise as for pictures of the source while the block runs; changes nothing where both are the same."""
    norms = [norm for norm in batch_norms(network) if hasattr(norm, MEAN)]
    own = [running_statistics(norm) for norm in norms]
    for norm in norms:
        norm.running_mean, norm.running_var = statistics_of_source(norm)
    try:
        yield
    finally:
        for norm, (mean, variance) in zip(norms, own, strict=True):
            norm.running_mean, norm.running_var = mean, variance


def running_statistics(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Mean and variance that a layer normalises with, (channels,) each."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return norm.running_mean, norm.running_var


def statistics_of_source(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Mean and variance that a layer normalises pictures of the source with, (channels,) each."""
    if not hasattr(norm, MEAN):
        return running_statistics(norm)
    mean, variance = getattr(norm, MEAN), getattr(norm, VARIANCE)
    return mean, variance


def as_for_the_source(network: nn.Module) -> None:
    """Take the statistics of the source for good, and forget others."""
    for norm in batch_norms(network):
        if hasattr(norm, MEAN):
            norm.running_mean, norm.running_var = statistics_of_source(norm)
            delattr(norm, MEAN)
            delattr(norm, VARIANCE)
