"""`fast`: a small segmentation network for video on a laptop's CPU; 3 million parameters, and two larger ones."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from roadseg.models.efficientnet_lite import STAGES, EfficientNetLite
from roadseg.models.network import Normalisation, Prediction, SegmentationNetwork, resized


class Fast(SegmentationNetwork):
    """EfficientNet-Lite0 at stride 16, a light context head, and a decoder at stride 8.

    The context head joins a gated 1x1 branch (as in LR-ASPP: Howard et al., "Searching for MobileNetV3", ICCV 2019)
    with two dilated depthwise branches; the decoder adds the detail of stage 3. With two levels, stage 5 has its own
    classifier. Heads use group norm, which has no running statistics through which the target could leak.

    forward maps (N, 3, H, W) to logits (N, C, ceil(H / 8), ceil(W / 8)) for each level, and 96 features at the same
    stride.
    """

    normalisation = Normalisation(mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0))
    feature_channels = 96
    LITE: ClassVar[Literal[0, 1, 2]] = 0
    """Number of the EfficientNet-Lite."""
    DILATIONS = (2, 5)
    DETAIL_STAGE, AUXILIARY_STAGE, CONTEXT_STAGE = 2, 4, 6
    DETAIL_CHANNELS = 32

    def __init__(self, num_classes: int, *, levels: int = 2, pretrained: bool = True) -> None:
        super().__init__(num_classes, levels=levels, pretrained=pretrained)
        width = self.feature_channels
        stages = STAGES[self.LITE]
        context = stages[self.CONTEXT_STAGE].channels
        self.backbone = EfficientNetLite(self.LITE, pretrained=pretrained)
        self.local = _conv_norm(context, width)
        self.gate = nn.Conv2d(context, width, 1)
        self.reduce = _conv_norm(context, width)
        self.dilated = nn.ModuleList(_conv_norm(width, width, 3, dilation=d, groups=width) for d in self.DILATIONS)
        self.fuse = _conv_norm(width * (1 + len(self.DILATIONS)), width)
        self.detail = _conv_norm(stages[self.DETAIL_STAGE].channels, self.DETAIL_CHANNELS)
        self.decode = _conv_norm(width + self.DETAIL_CHANNELS, width)
        self.dropout = nn.Dropout2d(0.1)
        self.classifier = nn.Conv2d(width, num_classes, 1)
        self.auxiliary = (
            nn.Sequential(_conv_norm(stages[self.AUXILIARY_STAGE].channels, width), nn.Conv2d(width, num_classes, 1))
            if levels == 2
            else None
        )

    def trunk(self) -> nn.Module:
        """Return the EfficientNet."""
        return self.backbone

    def shared_block(self) -> nn.Module:
        """Return the last block of stage 5, which both classifiers see."""
        *_, last = self.backbone.stages[self.AUXILIARY_STAGE].children()
        return last

    def forward(self, images: Tensor) -> Prediction:
        """Predict from normalised images (N, 3, H, W) float."""
        return self.late(self.early(images))

    def early(self, images: Tensor) -> Tensor:
        """Run the layers down to stride 8: (N, 40, ceil(H / 8), ceil(W / 8))."""
        if images.is_cuda:
            images = images.contiguous()  # as the weights, see `Runtime.place`
        return self.backbone.run(self.backbone.stem(images), 0, self.DETAIL_STAGE + 1)[-1]

    def encode(self, images: Tensor) -> Tensor:
        """Return the map of stage 7, at stride 16: (N, 320, h, w), with Lite2 352 channels."""
        return self.backbone.run(self.early(images), self.DETAIL_STAGE + 1, self.CONTEXT_STAGE + 1)[-1]

    def late(self, early: Tensor) -> Prediction:
        """Predict from the output of `early`."""
        first = self.DETAIL_STAGE + 1
        stages = self.backbone.run(early, first, self.CONTEXT_STAGE + 1)
        deep, size = stages[self.CONTEXT_STAGE - first], early.shape[-2:]
        gate = torch.sigmoid(self.gate(deep.mean((2, 3), keepdim=True)))
        reduced = self.reduce(deep)
        branches = [self.local(deep) * gate, *(branch(reduced) for branch in self.dilated)]
        context = resized(self.fuse(torch.cat(branches, 1)), size)
        features = self.decode(torch.cat([context, self.detail(early)], 1))
        logits = [self.classifier(self.dropout(features))]
        if self.auxiliary is not None:
            logits.append(resized(self.auxiliary(stages[self.AUXILIARY_STAGE - first]), size))
        return Prediction(tuple(logits), features)


class FastLite1(Fast):
    """`Fast` on EfficientNet-Lite1."""

    LITE = 1


class FastLite2(Fast):
    """`Fast` on EfficientNet-Lite2."""

    LITE = 2


def _conv_norm(inputs: int, outputs: int, kernel: int = 1, *, dilation: int = 1, groups: int = 1) -> nn.Sequential:
    padding = kernel // 2 * dilation
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, groups=groups, bias=False),
        nn.GroupNorm(8, outputs),
        nn.ReLU(inplace=True),
    )
