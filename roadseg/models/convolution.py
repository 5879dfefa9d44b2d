"""Convolution that stores only its arguments for the backward pass, no derived weights.

In mixed precision torch stores a copy of every weight in the lower precision, and the product of weight and scale where
there is one. For deep layers on small maps these are larger than all activations, so here they are computed again.
On CPUs the backward pass of a dilated depthwise convolution is that of an undilated one, see `_in_phases`. Without
gradients this is the plain function, which can be traced for export (see `roadseg.inference.graphs`).
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
        groups = ctx.geometry.groups
        of_x, of_weight, of_scale, of_offset, _ = ctx.needs_input_grad
        dtype = _backward_dtype(x, groups)
        backward = _backward_in_phases if _better_in_phases(grad, x, ctx.geometry) else _backward
        grad_x, grad_scaled = backward(
            grad.to(dtype), x.to(dtype), _scaled(weight, scale).to(dtype), ctx.geometry, of_x, of_weight or of_scale
        )
        # Summed here: on CPUs a convolution's own gradient of its bias takes several times as long.
        grad_offset = grad.sum((0, 2, 3), dtype=weight.dtype) if of_offset else None
        if scale is None:
            return _to(grad_x, x.dtype), _to(grad_scaled, weight.dtype), None, grad_offset, None
        if grad_scaled is None:
            return _to(grad_x, x.dtype), None, None, grad_offset, None
        # In the memory layout of the weight, which its gradient needs: otherwise it is copied once more.
        grad_weight = torch.mul(grad_scaled, _column(scale), out=torch.empty_like(weight)) if of_weight else None
        grad_scale = (grad_scaled * weight).sum((1, 2, 3)) if of_scale else None
        return _to(grad_x, x.dtype), grad_weight, grad_scale, grad_offset, None


def _backward(
    grad: Tensor, x: Tensor, weight: Tensor, geometry: _Geometry, of_x: bool, of_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    stride, padding, dilation, groups = geometry
    grad_x, grad_weight, _ = torch.ops.aten.convolution_backward(
        grad, x, weight, None, stride, padding, dilation, False, [0, 0], groups, [of_x, of_weight, False]
    )
    return grad_x, grad_weight


def _better_in_phases(grad: Tensor, x: Tensor, geometry: _Geometry) -> bool:
    """Return whether this is a dilated depthwise convolution on the CPU that keeps the size: there its gradients take
    two to nine times as long as in phases."""
    (dilation, other), padding = geometry.dilation, geometry.padding
    alike = dilation == other > 1 and grad.shape[-2:] == x.shape[-2:] and padding[0] % dilation == 0
    return x.device.type == "cpu" and geometry.groups > 1 and alike


def _backward_in_phases(
    grad: Tensor, x: Tensor, weight: Tensor, geometry: _Geometry, of_x: bool, of_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    """Return what `_backward` returns for a convolution of dilation d, as that of d * d convolutions of dilation 1:
    an output depends on those pixels alone whose row and column leave the same remainders when divided by d."""
    dilation = geometry.dilation[0]
    undilated = geometry._replace(padding=tuple(pixels // dilation for pixels in geometry.padding), dilation=(1, 1))
    grad_x, grad_weight = _backward(_phases(grad, dilation), _phases(x, dilation), weight, undilated, of_x, of_weight)
    return None if grad_x is None else _from_phases(grad_x, dilation, x), grad_weight


def _phases(x: Tensor, period: int) -> Tensor:
    """Divide (N, C, H, W) into (period * period * N, C, ceil(H / period), ceil(W / period)), filled up with zeros."""
    batch, channels, height, width = x.shape
    filled = F.pad(x, (0, -width % period, 0, -height % period)).permute(0, 2, 3, 1)
    rows, columns = filled.shape[1] // period, filled.shape[2] // period
    divided = filled.reshape(batch, rows, period, columns, period, channels).permute(2, 4, 0, 1, 3, 5)
    return divided.reshape(-1, rows, columns, channels).permute(0, 3, 1, 2)


def _from_phases(phases: Tensor, period: int, like: Tensor) -> Tensor:
    """Join what `_phases` divided, in the shape of another tensor."""
    batch, channels, height, width = like.shape
    rows, columns = phases.shape[-2:]
    divided = phases.permute(0, 2, 3, 1).reshape(period, period, batch, rows, columns, channels)
    joined = divided.permute(2, 3, 0, 4, 1, 5).reshape(batch, rows * period, columns * period, channels)
    return joined[:, :height, :width].permute(0, 3, 1, 2)


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
