"""Part of an objective that is backpropagated separately."""

from typing import NamedTuple

from torch import Tensor


class Term(NamedTuple):
    """A part of the objective whose graph shares nothing with the other terms' graphs.

    Loss and values are the batch's contribution to its joint batch: they add up over the parts of a joint batch, over
    processes, and over terms that name the same value.
    """

    loss: Tensor
    """Weighted scalar to backpropagate."""
    values: dict[str, Tensor]
    """Unweighted losses for the log, by name, detached."""
