"""Convolution and frozen batch norm as one convolution, in training too.

Batch norm with fixed statistics is linear: norm(conv(x)) = conv(x; weight * scale) + offset with
scale = gamma / sqrt(variance + eps) and offset = beta - mean * scale. Done so, the output of the bare convolution is
neither kept for the backward pass nor read and written once more; the scaled weight is made again there.
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


def normalised_convolution(convolution: nn.Conv2d, norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """`norm(convolution(x))` for a convolution without bias; where `norm` is in evaluation mode, as one convolution."""
    if norm.training:
        normalised: Tensor = norm(convolution(x))
        return normalised
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    offset = torch.addcmul(norm.bias, norm.running_mean, scale, value=-1)
    assert not isinstance(convolution.padding, str)
    geometry = _Geometry(convolution.stride, convolution.padding, convolution.dilation, convolution.groups)
    y: Tensor = _ScaledConvolution.apply(x, convolution.weight, scale, offset, geometry)  # type: ignore[no-untyped-call]
    return y


class ConvNorm(nn.Sequential):
    """A convolution without bias, its batch norm, and maybe an activation, computed by `normalised_convolution`."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        convolution, norm, *activation = self
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        y = normalised_convolution(convolution, norm, x)
        return activation[0](y) if activation else y


class _ScaledConvolution(torch.autograd.Function):
    """conv(x; weight * scale) + offset, which keeps nothing but its arguments for the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, scale: Tensor, offset: Tensor, geometry: _Geometry) -> Tensor:
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        ctx.save_for_backward(x, weight, scale)
        ctx.geometry = geometry
        return F.conv2d(x, _scaled(weight, scale).to(x.dtype), offset.to(x.dtype), *geometry)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, scale = ctx.saved_tensors
        stride, padding, dilation, groups = ctx.geometry
        of_x, of_weight, of_scale, of_offset, _ = ctx.needs_input_grad
        grad_x, grad_scaled, _ = torch.ops.aten.convolution_backward(
            grad,
            x,
            _scaled(weight, scale).to(x.dtype),
            None,
            stride,
            padding,
            dilation,
            False,
            [0, 0],
            groups,
            [of_x, of_weight or of_scale, False],
        )
        # In the weight's own memory layout, which its gradient has to have: otherwise it is copied once more.
        grad_weight = torch.mul(grad_scaled, _column(scale), out=torch.empty_like(weight)) if of_weight else None
        grad_scale = (grad_scaled * weight).sum((1, 2, 3)) if of_scale else None
        # Summed here: a convolution's own gradient of its bias takes several times as long on CPUs.
        grad_offset = grad.sum((0, 2, 3), dtype=scale.dtype) if of_offset else None
        return grad_x, grad_weight, grad_scale, grad_offset, None


def _scaled(weight: Tensor, scale: Tensor) -> Tensor:
    return weight * _column(scale)


def _column(values: Tensor) -> Tensor:
    """One value an output channel, shaped to multiply a convolution's weight."""
    return values.view(-1, 1, 1, 1)
