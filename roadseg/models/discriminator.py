"""The fully convolutional discriminator that tells source from target by the layout of a prediction."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn


class PatchDiscriminator(nn.Module):
    """Five 4x4 convolutions of stride 2 with 1, 2, 4 and 8 times `width` channels, then one; leaky ReLU 0.2 between.

    Maps (N, channels, H, W) to raw scores (N, 1, ~H/32, ~W/32), one a patch: no batch norm, no sigmoid (Tsai et al.,
    "Learning to Adapt Structured Output Space for Semantic Segmentation", CVPR 2018, section 4.1, width 64).
    """

    SMALLEST = 32
    """Shortest side of a map that five halvings leave a patch of."""

    def __init__(self, channels: int, *, width: int = 64) -> None:
        super().__init__()
        sizes = (channels, width, 2 * width, 4 * width, 8 * width, 1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1) for inputs, outputs in pairwise(sizes)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Score patches of maps (N, channels, H, W), each side at least `SMALLEST`."""
        *hidden, last = self.convolutions
        for convolution in hidden:
            maps = F.leaky_relu(convolution(maps), 0.2)
        scores: Tensor = last(maps)
        return scores
