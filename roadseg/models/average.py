"""Exponential moving average of a network's weights, steadier than the weights of a single step.

`torch.optim.swa_utils.AveragedModel` is no substitute: its exponential average does not start as a plain mean, its
counter of updates would have to be read from the device in every step, and it renames the tensors of the state.
"""

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


class WeightAverage(Generic[Network]):
    """Exponential moving average of weights over about 1 / (1 - decay) steps (Tarvainen and Valpola, NeurIPS 2017).

    Over the first steps it is their plain mean, so that the initial weights are forgotten.
    """

    def __init__(self, network: Network, decay: float) -> None:
        """Start as a copy of `network`, which takes no gradients and stays in evaluation mode; decay in 0..1."""
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, network: Network, updates: int) -> None:
        """Add the weights of a step, after `updates` earlier ones; buffers are copied."""
        newest = max(1 - self.decay, 1 / (updates + 1))
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), newest)
        buffers = list(zip(self.network.buffers(), network.buffers(), strict=True))
        for dtype in {now.dtype for _, now in buffers}:  # a call for several dtypes copies one tensor after the other
            kept, newest_buffers = zip(*(pair for pair in buffers if pair[1].dtype == dtype), strict=True)
            torch._foreach_copy_(kept, newest_buffers)
