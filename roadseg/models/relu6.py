"""In-place ReLU6 that stores its output for the backward pass, which the next convolution stores in any case.

`torch.nn.ReLU6` stores a copy of its input even in place: as many bytes again. Without gradients it is the plain
function, which can be traced for export (see `roadseg.inference.graphs`).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class ReLU6(nn.Module):
    """min(max(x, 0), 6), written over the input."""

    def forward(self, x: Tensor) -> Tensor:
        """Clamp a tensor of any shape."""
        if not torch.is_grad_enabled():
            return F.relu6(x, inplace=True)
        y: Tensor = _ReLU6.apply(x)  # type: ignore[no-untyped-call]
        return y


class _ReLU6(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.mark_dirty(x)
        y = x.clamp_(0, 6)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        # Where the input was not clamped, the output equals it and lies strictly between the bounds.
        passed: Tensor = torch.ops.aten.hardtanh_backward(grad, y, 0, 6)
        return passed
