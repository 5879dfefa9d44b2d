"""Fully convolutional discriminator that distinguishes source and target by the layout of a prediction."""

import re
from collections.abc import Collection
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from roadseg.models.convolution import Conv2d
from roadseg.models.network import Network


class PatchDiscriminator(Network):
    """Five 4x4 convolutions of stride 2 with 1, 2, 4 and 8 times `width` channels, then one; leaky ReLU 0.2 between.

    Maps (N, channels, H, W) to raw scores (N, 1, ~H/32, ~W/32), one for each patch: no batch norm, no sigmoid (Tsai et
    al., "Learning to Adapt Structured Output Space for Semantic Segmentation", CVPR 2018, section 4.1, width 64). With
    `upsample`, scores have the size of the maps, (N, 1, H, W), as in the paper but not in its code.
    """

    SMALLEST = 32
    """Shortest side of a map that leaves a patch after five halvings."""

    def __init__(self, channels: int, *, width: int = 64, upsample: bool = False) -> None:
        super().__init__()
        sizes = (channels, width, 2 * width, 4 * width, 8 * width, 1)
        self.convolutions = nn.ModuleList(
            Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1) for inputs, outputs in pairwise(sizes)
        )
        self.upsample = upsample

    def forward(self, maps: Tensor) -> Tensor:
        """Score patches of maps (N, channels, H, W), each side at least `SMALLEST`."""
        *hidden, last = self.convolutions
        x = maps
        for convolution in hidden:
            x = F.leaky_relu(convolution(x), 0.2, inplace=True)
        scores: Tensor = last(x)
        if self.upsample:
            scores = F.interpolate(scores, size=maps.shape[-2:], mode="bilinear", align_corners=False)
        return scores

    def own_names(self, names: Collection[str]) -> dict[str, str]:
        """Rename the convolutions, which published files call conv1 to conv4 and classifier, or number by twos."""
        numbers = {"conv1": 0, "conv2": 1, "conv3": 2, "conv4": 3, "classifier": 4} | {str(2 * i): i for i in range(5)}
        pattern = re.compile(rf"^({'|'.join(numbers)})(?=\.)")
        return {name: pattern.sub(lambda found: f"convolutions.{numbers[found[1]]}", name) for name in names}
