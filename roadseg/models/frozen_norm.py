"""Convolution and frozen batch norm as one convolution, in training too.

Batch norm with fixed statistics is linear: norm(conv(x)) = conv(x; weight * scale) + offset with
scale = gamma / sqrt(variance + eps) and offset = beta - mean * scale. In this form the output of the bare convolution
need not be stored for the backward pass, nor read and written once more. For inference, where statistics are constant,
`folded` does this once for the whole network.
"""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from roadseg.models.convolution import scaled_convolution

N = TypeVar("N", bound=nn.Module)


class ConvNorm(nn.Sequential):
    """Convolution without bias, its batch norm, and an optional activation, computed by `normalised_convolution`."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        convolution, norm, *activation = self
        assert isinstance(convolution, nn.Conv2d)
        y = normalised_convolution(convolution, norm, x)
        return activation[0](y) if activation else y


def normalised_convolution(convolution: nn.Conv2d, norm: nn.Module, x: Tensor) -> Tensor:
    """Return `norm(convolution(x))`; in evaluation mode, computed as one convolution where that pays, see `_in_turn`.

    Args:
        convolution: without bias, unless `folded` returned its network.
        norm: its batch norm, or the identity in a network that `folded` returned.
        x: (N, C, H, W).
    """
    if isinstance(norm, nn.Identity):
        return scaled_convolution(convolution, x, None, convolution.bias)
    assert isinstance(norm, nn.BatchNorm2d)
    if norm.training or _in_turn(x):
        normalised: Tensor = norm(convolution(x))
        return normalised
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    offset = torch.addcmul(norm.bias, norm.running_mean, scale, value=-1)
    return scaled_convolution(convolution, x, scale, offset)


def _in_turn(x: Tensor) -> bool:
    """Return True if a map is convolved and normalised by two operations in training too.

    That is so on CUDA devices for networks with depthwise convolutions, whose maps `Runtime.place` makes contiguous.
    Their layers are so small that the time goes into starting kernels, of which folding needs several times as many.
    Larger networks keep half as much for the backward pass when folded.
    """
    return x.is_cuda and x.is_contiguous() and torch.is_grad_enabled()


def folded(network: N) -> N:
    """Return a copy of a network for inference, with batch norm folded into the convolutions.

    The copy is in evaluation mode, without gradients and without batch norm; its outputs differ only by rounding.
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
    """Return the child modules, by name, that `normalised_convolution` combines."""
    if isinstance(module, ConvNorm):
        return [("0", "1")]
    names = [name for name, child in module.named_children() if isinstance(child, nn.BatchNorm2d)]
    return [(name.replace("bn", "conv").replace("normalization", "convolution"), name) for name in names]
