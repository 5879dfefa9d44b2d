"""What every segmentation network is: its outputs, its input normalisation, its groups of parameters."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn


class Prediction(NamedTuple):
    """Outputs of a segmentation network for images (N, 3, H, W)."""

    logits: tuple[Tensor, ...]
    """Class scores (N, C, h, w) before the softmax, one a level: the main one first, then the earlier stage's."""
    features: Tensor
    """(N, F, h, w): what the main classifier sees, for feature-level adaptation."""


@dataclass(frozen=True)
class Normalisation:
    """How pixels become network input: (value - mean) / std a channel, on the 0..255 scale."""

    mean: tuple[float, float, float]
    """In the order of `channels`."""
    std: tuple[float, float, float]
    channels: Literal["rgb", "bgr"] = "rgb"

    def __call__(self, images: Tensor) -> Tensor:
        """Map RGB images (N, 3, H, W) uint8 to network input, float32 of the same shape and memory format."""
        if self.channels == "bgr":
            images = images.flip(1)
        mean = torch.tensor(self.mean, device=images.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=images.device).view(1, 3, 1, 1)
        return (images.float() - mean) / std


class Network(nn.Module):
    """A network that knows how files of other code name its tensors, see `roadseg.models.weights.load_weights`."""

    def own_names(self, names: Collection[str]) -> dict[str, str]:
        """What tensors of these names in a file are called here: {name there: name here}."""
        return {name: name for name in names}

    def superfluous(self, name: str) -> bool:
        """Whether a tensor of this name (as called here) in a file may be ignored, for it never had an effect."""
        return False

    def in_trunk(self, name: str) -> bool:
        """Whether a tensor of this name belongs to the pretrained part."""
        return True


class SegmentationNetwork(Network, ABC):
    """Base of the networks in `roadseg.models.MODELS`; see `Prediction` for what forward returns."""

    normalisation: Normalisation
    feature_channels: int
    """Channels of `Prediction.features`."""
    align_corners: bool = False
    """How logits lie on the image, for up-sampling: whether the outermost ones sit on the outermost pixels."""
    IMAGENET_URL: ClassVar[str] = ""
    """Where ImageNet weights of the trunk can be downloaded; empty where an installed package brings them."""
    OPTIONS: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Options that the constructor takes beside the common ones, each with the values it may have."""

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
        """The layers that rounding harms most, which inference may keep in float32: none unless a network says so.

        `late(early(images))` is `self(images)` for normalised images (N, 3, H, W) float.
        """
        return images

    def late(self, early: Tensor) -> Prediction:
        """Predict from what `early` gave."""
        prediction: Prediction = self(early)
        return prediction

    @abstractmethod
    def trunk(self) -> nn.Module:
        """The pretrained part, trained at a lower rate than the rest."""

    def in_trunk(self, name: str) -> bool:
        """Whether a tensor of this name belongs to `trunk`."""
        prefix = next(prefix for prefix, module in self.named_modules() if module is self.trunk())
        return name.startswith(f"{prefix}.")

    def parameter_groups(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Trainable parameters of the trunk and of the heads, each parameter once."""
        trunk = _trainable(self.trunk().parameters())
        inside = {id(parameter) for parameter in trunk}
        return trunk, [p for p in _trainable(self.parameters()) if id(p) not in inside]


def freeze_batch_norm(network: nn.Module) -> None:
    """Make all batch norm normalise with its running statistics, and leave them as they are."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _trainable(parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    return [parameter for parameter in parameters if parameter.requires_grad]
