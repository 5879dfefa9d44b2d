"""Base class of the segmentation networks: their outputs, input normalisation and groups of parameters."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Prediction(NamedTuple):
    """Outputs of a segmentation network for images (N, 3, H, W)."""

    logits: tuple[Tensor, ...]
    """Class scores (N, C, h, w) before the softmax, a tensor for each level: main, then auxiliary."""
    features: Tensor
    """Input of the main classifier (N, F, h, w), for feature-level adaptation."""


@dataclass(frozen=True)
class Normalisation:
    """Scaling of pixels to network input: (value - mean) / std for each channel, on the 0..255 scale."""

    mean: tuple[float, float, float]
    """Means in the order of `channels`, as `std`."""
    std: tuple[float, float, float]
    channels: Literal["rgb", "bgr"] = "rgb"

    def __call__(self, images: Tensor) -> Tensor:
        """Scale images.

        Args:
            images: (N, 3, H, W) RGB in 0..255, uint8 or float.

        Returns:
            Network input (N, 3, H, W) float32, of the same memory format.
        """
        if self.channels == "bgr":
            images = images.flip(1)
        constants = _constants if images.device.type == "cpu" else _kept_constants
        return (images.float() - constants(self.mean, images.device)) / constants(self.std, images.device)


def _constants(values: tuple[float, float, float], device: torch.device) -> Tensor:
    """Return a number a channel as (1, 3, 1, 1) float32."""
    return torch.tensor(values, device=device).view(1, 3, 1, 1)


@cache
def _kept_constants(values: tuple[float, float, float], device: torch.device) -> Tensor:
    """Copy constants to a GPU once: each copy from memory that is not pinned makes the program wait for the GPU."""
    with torch.inference_mode(False):
        return _constants(values, device)


class Network(nn.Module):
    """Network that can read weights files of other code, see `roadseg.models.weights.load_weights`."""

    def own_names(self, names: Collection[str]) -> dict[str, str]:
        """Return the names of a file's tensors in this network: {name there: name here}."""
        return {name: name for name in names}

    def superfluous(self, name: str) -> bool:
        """Return True if a tensor of this name (as called here) has no effect and may be ignored in a file."""
        return False

    def in_trunk(self, name: str) -> bool:
        """Return True if a tensor of this name belongs to the pretrained part."""
        return True


class SegmentationNetwork(Network, ABC):
    """Base of the networks in `roadseg.models.build.MODELS`; `forward` returns a `Prediction`."""

    normalisation: Normalisation
    feature_channels: int
    """Channels of `Prediction.features`."""
    align_corners: bool = False
    """True if the outermost logits lie on the outermost pixels: needed to up-sample them."""
    IMAGENET_URL: ClassVar[str] = ""
    """Address of ImageNet weights for the trunk; empty where an installed package contains them."""
    OPTIONS: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Further options of the constructor, each with its possible values."""

    @abstractmethod
    def __init__(self, num_classes: int, *, levels: int = 2, pretrained: bool = True, **options: str) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.levels = levels
        self.options = options

    @abstractmethod
    def forward(self, images: Tensor) -> Prediction:
        """Predict from normalised images (N, 3, H, W) float."""

    def early(self, images: Tensor) -> Tensor:
        """Run the layers that rounding harms most, which inference may keep in float32; by default there are none.

        `late(early(images))` equals `self(images)` for normalised images (N, 3, H, W) float.
        """
        return images

    def late(self, early: Tensor) -> Prediction:
        """Predict from the output of `early`."""
        prediction: Prediction = self(early)
        return prediction

    def encode(self, images: Tensor) -> Tensor:
        """Return the last map (N, F, h, w) of the pretrained part for normalised images (N, 3, H, W) float.

        By default that is `Prediction.features`.
        """
        prediction: Prediction = self(images)
        return prediction.features

    @abstractmethod
    def trunk(self) -> nn.Module:
        """Return the pretrained part, which is trained at a lower rate than the rest."""

    def shared_block(self) -> nn.Module:
        """Return the last block that all levels are computed from, where their gradients can be compared."""
        return self.trunk()

    def in_trunk(self, name: str) -> bool:
        """Return True if a tensor of this name belongs to `trunk`."""
        prefix = next(prefix for prefix, module in self.named_modules() if module is self.trunk())
        return name.startswith(f"{prefix}.")

    def parameter_groups(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Return the trainable parameters of the trunk and of the heads, each parameter once."""
        trunk = _trainable(self.trunk().parameters())
        inside = {id(parameter) for parameter in trunk}
        return trunk, [p for p in _trainable(self.parameters()) if id(p) not in inside]


def freeze_batch_norm(network: nn.Module) -> None:
    """Switch all batch norm to its running statistics, which then stay as they are."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _trainable(parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    return [parameter for parameter in parameters if parameter.requires_grad]


def resized(maps: Tensor, size: torch.Size | tuple[int, int], *, align_corners: bool = False) -> Tensor:
    """Resize maps (N, C, h, w) bilinearly to `size` = (height, width).

    With `align_corners` the centres of the outermost elements meet, otherwise their outer edges do; the network that
    made the maps knows which fits it, see `SegmentationNetwork.align_corners`.
    """
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=align_corners)
