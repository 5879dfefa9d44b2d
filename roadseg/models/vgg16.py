"""`vgg16`: DeepLab-v2 on VGG-16, the smaller network of the paper; 30 million parameters."""

import re
from collections.abc import Collection
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from roadseg.models.aspp import AsppVariant
from roadseg.models.convolution import Conv2d
from roadseg.models.deeplab import DeepLabV2
from roadseg.models.network import Prediction

CONV4_3 = 22
"""Position in the trunk of the earlier level's features."""
CONTEXT_CHANNELS = 1024


class VGG16(DeepLabV2):
    """VGG-16 without its last two poolings, with its fully connected layers as dilated convolutions, and ASPP heads.

    The fifth block has dilation 2, fc6 and fc7 dilation 4, so that all stay at stride 8. With two levels, the second
    head is on the fourth block; the published network has one level.

    forward maps (N, 3, H, W) to logits (N, C, H // 8, W // 8) for each level, and 1024 features at the same stride.
    """

    IMAGENET_URL = "https://download.pytorch.org/models/vgg16-397923af.pth"
    recomputed = 10
    """Number of layers, the first two blocks, that the backward pass computes again instead of storing their outputs:
    half of the activations for a twentieth of the work."""

    def __init__(
        self, num_classes: int, *, levels: int = 2, pretrained: bool = False, aspp: AsppVariant = "four-branch"
    ) -> None:
        super().__init__(
            num_classes, levels=levels, pretrained=pretrained, aspp=aspp, head_channels=(CONTEXT_CHANNELS, 512)
        )
        self.features = nn.Sequential(
            *_block(3, 64, 64, pool=True),
            *_block(64, 128, 128, pool=True),
            *_block(128, 256, 256, 256, pool=True),
            *_block(256, 512, 512, 512),
            *_block(512, 512, 512, 512, dilation=2),
        )
        self.fc6 = Conv2d(512, CONTEXT_CHANNELS, 3, padding=4, dilation=4)
        self.fc7 = Conv2d(CONTEXT_CHANNELS, CONTEXT_CHANNELS, 3, padding=4, dilation=4)

    def trunk(self) -> nn.Module:
        """Return the thirteen convolutions for which ImageNet weights exist."""
        return self.features

    def shared_block(self) -> nn.Module:
        """Return the last convolution of the fourth block."""
        return self.features[CONV4_3 - 1]

    def forward(self, images: Tensor) -> Prediction:
        """Predict from normalised images (N, 3, H, W) float."""
        shallow, deeper = self.features[: self.recomputed], self.features[self.recomputed : CONV4_3 + 1]
        fourth = deeper(checkpoint(shallow, images, use_reentrant=False, preserve_rng_state=False))
        fifth = self.features[CONV4_3 + 1 :](fourth)
        context = F.relu(self.fc7(F.relu(self.fc6(fifth))))
        return Prediction(self.logits(context, fourth), context)

    def own_names(self, names: Collection[str]) -> dict[str, str]:
        """Rename layers: files of the paper number fc6 and fc7 among the features; torchvision's numbers count the
        poolings."""
        torchvision = "classifier.6.weight" in names
        numbers = {24: "features.23", 26: "features.25", 28: "features.27"} if torchvision else {29: "fc6", 31: "fc7"}
        renamed = {}
        for name, own in super().own_names(names).items():
            number = re.match(r"features\.(\d+)(?=\.)", own)
            if number and int(number[1]) in numbers:
                own = numbers[int(number[1])] + own[number.end() :]
            renamed[name] = own
        return renamed


def _block(*channels: int, dilation: int = 1, pool: bool = False) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        layers += [Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation), nn.ReLU(inplace=True)]
    return [*layers, nn.MaxPool2d(2)] if pool else layers
