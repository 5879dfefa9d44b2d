"""Part of an objective that is backpropagated separately."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor

LABELS = "labels"
"""Name of the supervised loss among the losses whose gradients are compared."""


class Term(NamedTuple):
    """A part of the objective whose graph shares nothing with the other terms' graphs.

    Loss and values are the batch's contribution to its joint batch: they add up over the parts of a joint batch, over
    processes, and over terms that name the same value.
    """

    loss: Tensor
    """Weighted scalar to backpropagate."""
    values: dict[str, Tensor]
    """Unweighted losses for the log, by name, detached."""
    compared: Mapping[str, Tensor] = MappingProxyType({})
    """Weighted parts of the loss whose gradients are compared with those of `LABELS` now and then, by the log name of
    the ratio; they share the graph of the loss."""
