"""`resnet101`: DeepLab-v2 on ResNet-101, the network of the paper's main results; 45 million parameters."""

import re
from collections.abc import Collection
from typing import ClassVar, Literal, NamedTuple, get_args

from torch import Tensor, nn

from roadseg.models.aspp import AsppVariant
from roadseg.models.deeplab import DeepLabV2
from roadseg.models.frozen_norm import ConvNorm, normalised_convolution
from roadseg.models.network import Prediction, freeze_batch_norm

BatchNorm = Literal["frozen", "batch-statistics"]
EXPANSION = 4


class Stage(NamedTuple):
    """Sequence of bottleneck blocks; the first has the stride."""

    blocks: int
    channels: int
    stride: int
    dilation: int


STAGES = (Stage(3, 64, 1, 1), Stage(4, 128, 2, 1), Stage(23, 256, 1, 2), Stage(3, 512, 1, 4))


class Bottleneck(nn.Module):
    """Reduce, filter and expand, added to the input (He et al., CVPR 2016); the first convolution has the stride."""

    def __init__(self, inputs: int, channels: int, *, stride: int, dilation: int, project: bool) -> None:
        super().__init__()
        outputs = channels * EXPANSION
        self.conv1 = nn.Conv2d(inputs, channels, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module = nn.Identity()
        if project:
            self.downsample = ConvNorm(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, 4 * channels, H / stride, W / stride)."""
        y = self.relu(normalised_convolution(self.conv1, self.bn1, x))
        y = self.relu(normalised_convolution(self.conv2, self.bn2, y))
        y = normalised_convolution(self.conv3, self.bn3, y)
        summed: Tensor = self.relu(y + self.downsample(x))
        return summed


class ResNet101Trunk(nn.Module):
    """ResNet-101 without its classifier; the last two stages are dilated to stay at stride 8.

    forward maps (N, 3, H, W) to the outputs of the last two stages, 1024 and 2048 channels at stride 8. Modules have
    the names of torchvision, which all published files share.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
        self.layer1, self.layer2, self.layer3, self.layer4 = _stages(inputs=64)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the outputs of stages 3 and 4 for normalised images (N, 3, H, W)."""
        x = self.maxpool(self.relu(normalised_convolution(self.conv1, self.bn1, x)))
        third = self.layer3(self.layer2(self.layer1(x)))
        return third, self.layer4(third)


class ResNet101(DeepLabV2):
    """DeepLab-v2 with one head, or with a second one on stage 3 for multi-level adaptation.

    Scales and offsets of batch norm are never trained. `batch_norm` selects its statistics during training:

    frozen: the running statistics, which remain unchanged.
    batch-statistics: those of the batch, which also update the running statistics, as in the published code. Every
        forward pass of target images then leaks their statistics into the network, even where no loss uses them.

    forward maps (N, 3, H, W) to logits (N, C, h, w) for each level, and 2048 features; h and w are about an eighth,
    rounded up.
    """

    IMAGENET_URL = "https://download.pytorch.org/models/resnet101-63fe2227.pth"
    OPTIONS: ClassVar[dict[str, tuple[str, ...]]] = DeepLabV2.OPTIONS | {"batch_norm": get_args(BatchNorm)}

    def __init__(
        self,
        num_classes: int,
        *,
        levels: int = 2,
        pretrained: bool = False,
        aspp: AsppVariant = "four-branch",
        batch_norm: BatchNorm = "frozen",
    ) -> None:
        super().__init__(
            num_classes,
            levels=levels,
            pretrained=pretrained,
            aspp=aspp,
            head_channels=(STAGES[3].channels * EXPANSION, STAGES[2].channels * EXPANSION),
            batch_norm=batch_norm,
        )
        self.backbone = ResNet101Trunk()
        for module in self.backbone.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.requires_grad_(False)

    def trunk(self) -> nn.Module:
        """Return the ResNet."""
        return self.backbone

    def shared_block(self) -> nn.Module:
        """Return the last block of stage 3."""
        return self.backbone.layer3[-1]

    def train(self, mode: bool = True) -> "ResNet101":
        """Set the training mode; frozen batch norm stays in evaluation mode."""
        super().train(mode)
        if self.options["batch_norm"] == "frozen":
            freeze_batch_norm(self)
        return self

    def forward(self, images: Tensor) -> Prediction:
        """Predict from normalised images (N, 3, H, W) float."""
        third, fourth = self.backbone(images)
        return Prediction(self.logits(fourth, third), fourth)

    def own_names(self, names: Collection[str]) -> dict[str, str]:
        """Rename the heads: published files have `layer5` alone, or `layer5` on stage 3 and `layer6` as main head."""
        two_heads = any(name.startswith("layer6.") for name in names)
        layer5 = "auxiliary" if two_heads else "classifier"
        renamed = {}
        for name, own in super().own_names(names).items():
            own = re.sub(r"^layer6\.", "classifier.", re.sub(r"^layer5\.", f"{layer5}.", own))
            renamed[name] = re.sub(r"^(conv1|bn1|layer[1-4])\.", r"backbone.\1.", own)
        return renamed


def _stages(inputs: int) -> list[nn.Sequential]:
    stages = []
    for blocks, channels, stride, dilation in STAGES:
        first = Bottleneck(inputs, channels, stride=stride, dilation=dilation, project=True)
        inputs = channels * EXPANSION
        others = (Bottleneck(inputs, channels, stride=1, dilation=dilation, project=False) for _ in range(blocks - 1))
        stages.append(nn.Sequential(first, *others))
    return stages
