"""Networks that generate images from features, and that judge images, after Sankaranarayanan et al., CVPR 2018.

Residual blocks, instance normalisation and three halvings follow the published code. There are fewer blocks, and
up-sampling with convolution replaces transposed convolution, which avoids checkerboard patterns.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DOMAINS = 4
"""Number of kinds of images that are distinguished: source and target, real and generated."""


class ImageScores(NamedTuple):
    """Scores of a discriminator for images (N, 3, H, W), before the softmax; one for each 8x8 pixels."""

    domains: Tensor
    """(N, 4, H / 8, W / 8) scores of the kinds of images."""
    classes: Tensor
    """(N, C, H / 8, W / 8) scores of the classes seen there."""


class Generator(nn.Module):
    """Maps features (N, F, h, w) to RGB images (N, 3, 8h, 8w) in 0..1: three up-samplings, 4 to 1 times `width`."""

    def __init__(self, features: int, *, width: int = 64) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            [
                nn.Sequential(_convolution(features, 4 * width), nn.ReLU(), ResidualBlock(4 * width)),
                nn.Sequential(_convolution(4 * width, 2 * width), nn.ReLU(), ResidualBlock(2 * width)),
                nn.Sequential(_convolution(2 * width, width), nn.ReLU(), ResidualBlock(width)),
                nn.Sequential(_convolution(width, width), nn.ReLU(), nn.Conv2d(width, 3, 3, padding=1)),
            ]
        )

    def forward(self, features: Tensor) -> Tensor:
        """Generate an image from each feature map, sides at least 2."""
        first, *further = self.stages
        x = first(features)
        for stage in further:
            x = stage(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return torch.sigmoid(x)


class ImageDiscriminator(nn.Module):
    """Discriminator of real and generated images in two domains, which also classifies their content.

    Forward maps RGB images (N, 3, H, W) in 0..1, sides at least 16, to `ImageScores`; all stages have 2 x `width`
    channels.
    """

    def __init__(self, classes: int, *, width: int = 64) -> None:
        super().__init__()
        channels = 2 * width
        self.trunk = nn.Sequential(
            nn.Conv2d(3, channels, 4, stride=2, padding=1, bias=False),
            nn.InstanceNorm2d(channels),
            nn.LeakyReLU(0.2),
            ResidualBlock(channels, slope=0.2),
            nn.MaxPool2d(2),
            ResidualBlock(channels, slope=0.2),
            nn.MaxPool2d(2),
            ResidualBlock(channels, slope=0.2),
        )
        self.domains = nn.Conv2d(channels, DOMAINS, 3, padding=1)
        self.classes = nn.Conv2d(channels, classes, 3, padding=1)

    def forward(self, images: Tensor) -> ImageScores:
        """Score images."""
        x = self.trunk(images)
        return ImageScores(self.domains(x), self.classes(x))


class ResidualBlock(nn.Module):
    """Two convolutions beside an identity; (N, C, H, W) -> the same shape."""

    def __init__(self, channels: int, *, slope: float = 0.0) -> None:
        """Build the block.

        Args:
            channels: C.
            slope: slope below zero of the leaky ReLU between the convolutions.
        """
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = _convolution(channels, channels)
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """Return maps plus the output of the convolutions."""
        between = F.leaky_relu(self.first(x), self.slope)
        added: Tensor = x + self.second(between)
        return added


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    # Each image is normalised separately, so training in parts gives the same; a bias would be subtracted again.
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.InstanceNorm2d(outputs))
