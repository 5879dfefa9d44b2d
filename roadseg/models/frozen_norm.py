"""Convolution and frozen batch norm as one convolution, in training too.

Batch norm with fixed statistics is linear: norm(conv(x)) = conv(x; weight * scale) + offset with
scale = gamma / sqrt(variance + eps) and offset = beta - mean * scale. Done so, the output of the bare convolution is
neither kept for the backward pass nor read and written once more.
"""

import torch
from torch import Tensor, nn

from roadseg.models.convolution import scaled_convolution


class ConvNorm(nn.Sequential):
    """A convolution without bias, its batch norm, and maybe an activation, computed by `normalised_convolution`."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        convolution, norm, *activation = self
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        y = normalised_convolution(convolution, norm, x)
        return activation[0](y) if activation else y


def normalised_convolution(convolution: nn.Conv2d, norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """`norm(convolution(x))` for a convolution without bias; where `norm` is in evaluation mode, as one convolution."""
    if norm.training:
        normalised: Tensor = norm(convolution(x))
        return normalised
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    offset = torch.addcmul(norm.bias, norm.running_mean, scale, value=-1)
    return scaled_convolution(convolution, x, scale, offset)
