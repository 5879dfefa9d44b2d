"""Convolution that stores only its arguments for the backward pass, no derived weights.

In mixed precision torch stores a copy of every weight in the lower precision, and the product of weight and scale where
there is one. For deep layers on small maps these are larger than all activations, so here they are computed again.
Without gradients this is the plain function, which can be traced for export (see `roadseg.inference.graphs`).
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class _Geometry(NamedTuple):
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


class Conv2d(nn.Conv2d):
    """`torch.nn.Conv2d` with zero padding given in pixels."""

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, ...)."""
        return scaled_convolution(self, input, None, self.bias)


def scaled_convolution(layer: nn.Conv2d, x: Tensor, scale: Tensor | None, offset: Tensor | None) -> Tensor:
    """Convolve with the layer's weight times a scale, then add an offset; the layer's own bias is ignored.

    Args:
        layer: supplies weight and geometry.
        x: (N, C, H, W).
        scale: (out_channels,) factor for each output channel; None for 1.
        offset: (out_channels,) summand for each output channel; None for 0.

    Returns:
        (N, out_channels, ...).
    """
    assert not isinstance(layer.padding, str)
    geometry = _Geometry(layer.stride, layer.padding, layer.dilation, layer.groups)
    if not torch.is_grad_enabled():
        return F.conv2d(x, _scaled(layer.weight, scale), offset, *geometry)
    y: Tensor = _Convolution.apply(x, layer.weight, scale, offset, geometry)  # type: ignore[no-untyped-call]
    return y


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, scale: Tensor | None, offset: Tensor | None, geometry: _Geometry
    ) -> Tensor:
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        ctx.save_for_backward(x, weight, scale)
        ctx.geometry = geometry
        return F.conv2d(
            x, _scaled(weight, scale).to(x.dtype), None if offset is None else offset.to(x.dtype), *geometry
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, scale = ctx.saved_tensors
        stride, padding, dilation, groups = ctx.geometry
        of_x, of_weight, of_scale, of_offset, _ = ctx.needs_input_grad
        dtype = _backward_dtype(x, groups)
        grad_x, grad_scaled, _ = torch.ops.aten.convolution_backward(
            grad.to(dtype),
            x.to(dtype),
            _scaled(weight, scale).to(dtype),
            None,
            stride,
            padding,
            dilation,
            False,
            [0, 0],
            groups,
            [of_x, of_weight or of_scale, False],
        )
        # Summed here: on CPUs a convolution's own gradient of its bias takes several times as long.
        grad_offset = grad.sum((0, 2, 3), dtype=weight.dtype) if of_offset else None
        if scale is None:
            return _to(grad_x, x.dtype), _to(grad_scaled, weight.dtype), None, grad_offset, None
        # In the memory layout of the weight, which its gradient needs: otherwise it is copied once more.
        grad_weight = torch.mul(grad_scaled, _column(scale), out=torch.empty_like(weight)) if of_weight else None
        grad_scale = (grad_scaled * weight).sum((1, 2, 3)) if of_scale else None
        return _to(grad_x, x.dtype), grad_weight, grad_scale, grad_offset, None


def _backward_dtype(x: Tensor, groups: int) -> torch.dtype:
    """Return the precision of the backward pass: on CPUs, depthwise convolutions in bfloat16 take up to ten times as
    long."""
    if groups > 1 and x.device.type == "cpu":
        return torch.promote_types(x.dtype, torch.float32)
    return x.dtype


def _to(tensor: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    return None if tensor is None else tensor.to(dtype)


def _scaled(weight: Tensor, scale: Tensor | None) -> Tensor:
    return weight if scale is None else weight * _column(scale)


def _column(values: Tensor) -> Tensor:
    """Reshape one value per output channel so that it multiplies a convolution's weight."""
    return values.view(-1, 1, 1, 1)
