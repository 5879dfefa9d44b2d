"""Convolution and frozen batch norm as one convolution, in training too.

Batch norm with fixed statistics is linear: norm(conv(x)) = conv(x; weight * scale) + offset with
scale = gamma / sqrt(variance + eps) and offset = beta - mean * scale. Done so, the output of the bare convolution is
neither kept for the backward pass nor read and written once more. For inference, where the statistics stay as they are,
`folded` does it once for the whole network.
"""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from roadseg.models.convolution import scaled_convolution

N = TypeVar("N", bound=nn.Module)


class ConvNorm(nn.Sequential):
    """A convolution without bias, its batch norm, and maybe an activation, computed by `normalised_convolution`."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        convolution, norm, *activation = self
        assert isinstance(convolution, nn.Conv2d)
        y = normalised_convolution(convolution, norm, x)
        return activation[0](y) if activation else y


def normalised_convolution(convolution: nn.Conv2d, norm: nn.Module, x: Tensor) -> Tensor:
    """`norm(convolution(x))` for batch norm behind a convolution without bias; in evaluation mode, as one convolution.

    In a network that `folded` gave, `norm` is the identity and the convolution has taken it in.
    """
    if isinstance(norm, nn.Identity):
        return scaled_convolution(convolution, x, None, convolution.bias)
    assert isinstance(norm, nn.BatchNorm2d)
    if norm.training:
        normalised: Tensor = norm(convolution(x))
        return normalised
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    offset = torch.addcmul(norm.bias, norm.running_mean, scale, value=-1)
    return scaled_convolution(convolution, x, scale, offset)


def folded(network: N) -> N:
    """A copy of a network for inference alone, whose every convolution has taken in the batch norm behind it.

    In evaluation mode, without gradients and without batch norm: what it gives differs by rounding alone.
    """
    network = copy.deepcopy(network).eval().requires_grad_(False)
    for module in network.modules():
        for convolution_name, norm_name in _pairs(module):
            convolution, norm = module.get_submodule(convolution_name), module.get_submodule(norm_name)
            assert isinstance(convolution, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            setattr(module, convolution_name, fuse_conv_bn_eval(convolution, norm))
            setattr(module, norm_name, nn.Identity())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    return network


def _pairs(module: nn.Module) -> list[tuple[str, str]]:
    """Children of a module, by name, that `normalised_convolution` takes together."""
    if isinstance(module, ConvNorm):
        return [("0", "1")]
    names = [name for name, child in module.named_children() if isinstance(child, nn.BatchNorm2d)]
    return [(name.replace("bn", "conv"), name) for name in names]
