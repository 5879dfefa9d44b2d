"""Networks by name.

A segmentation network maps normalised images (N, 3, H, W) float to a `Prediction`; it knows its own normalisation and
which of its parameters are pretrained. Networks hold no device code: they run wherever their tensors are.
"""

from torch import nn

from roadseg.errors import RecipeError
from roadseg.models.discriminator import PatchDiscriminator
from roadseg.models.fast import Fast
from roadseg.models.network import SegmentationNetwork

MODELS: dict[str, type[SegmentationNetwork]] = {"fast": Fast}


def build_model(name: str, num_classes: int, *, levels: int = 2, pretrained: bool = True) -> SegmentationNetwork:
    """Build a segmentation network.

    Args:
        name: one of `MODELS`.
        num_classes: channels of each prediction.
        levels: 1 for the main prediction alone, 2 with a second one from an earlier stage (multi-level adaptation).
        pretrained: start the trunk from ImageNet weights.

    Raises:
        RecipeError: there is no network of that name, or no such number of levels.
    """
    if name not in MODELS:
        raise RecipeError(f"unknown model {name!r}", f"Known: {', '.join(MODELS)}.")
    if levels not in (1, 2):
        raise RecipeError(f"a network has 1 or 2 levels, not {levels}")
    return MODELS[name](num_classes, levels=levels, pretrained=pretrained)


def build_discriminator(channels: int, *, width: int = 64) -> nn.Module:
    """Build the fully convolutional discriminator of the paper for maps of `channels` channels."""
    return PatchDiscriminator(channels, width=width)
