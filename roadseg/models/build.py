"""Networks by name.

A segmentation network maps normalised images (N, 3, H, W) float to a `Prediction`; it knows its own normalisation and
which of its parameters are pretrained. Networks hold no device code: they run wherever their tensors are.
"""

from roadseg.errors import RecipeError
from roadseg.models.discriminator import PatchDiscriminator
from roadseg.models.fast import Fast
from roadseg.models.network import SegmentationNetwork
from roadseg.models.resnet101 import ResNet101
from roadseg.models.vgg16 import VGG16

MODELS: dict[str, type[SegmentationNetwork]] = {"fast": Fast, "vgg16": VGG16, "resnet101": ResNet101}


def build_model(
    name: str, num_classes: int, *, levels: int = 2, pretrained: bool = True, **options: str
) -> SegmentationNetwork:
    """Build a segmentation network.

    Args:
        name: one of `MODELS`.
        num_classes: channels of each prediction.
        levels: 1 for the main prediction alone, 2 with a second one from an earlier stage (multi-level adaptation).
        pretrained: start the trunk from ImageNet weights, where a package that is installed brings them: nothing is
            downloaded here, see `roadseg.models.pretrained`.
        options: what some networks have beside, see their `OPTIONS`: `aspp`, `batch_norm`.

    Raises:
        RecipeError: there is no such network, number of levels, option or value of it, or no weights are at hand.
    """
    if name not in MODELS:
        raise RecipeError(f"unknown model {name!r}", f"Known: {', '.join(MODELS)}.")
    if levels not in (1, 2):
        raise RecipeError(f"a network has 1 or 2 levels, not {levels}")
    choices = MODELS[name].OPTIONS
    for option, value in options.items():
        if option not in choices:
            raise RecipeError(f"model {name!r} has no option {option!r}", f"It has: {', '.join(choices) or 'none'}.")
        if value not in choices[option]:
            raise RecipeError(f"{option} = {value!r} is unknown", f"Known: {', '.join(choices[option])}.")
    return MODELS[name](num_classes, levels=levels, pretrained=pretrained, **options)


def build_discriminator(channels: int, *, width: int = 64, upsample: bool = False) -> PatchDiscriminator:
    """Build the fully convolutional discriminator of the paper for maps of `channels` channels."""
    return PatchDiscriminator(channels, width=width, upsample=upsample)
