"""Segmentation networks by name.

A segmentation network maps normalised images (N, 3, H, W) float to a `Prediction`. It defines its own normalisation and
which of its parameters are pretrained. Networks contain no device code: they run on the device of their tensors.
"""

from roadseg.errors import RecipeError
from roadseg.models.fast import Fast, FastLite1, FastLite2
from roadseg.models.network import SegmentationNetwork
from roadseg.models.resnet101 import ResNet101
from roadseg.models.vgg16 import VGG16

MODELS: dict[str, type[SegmentationNetwork]] = {
    "fast": Fast,
    "fast-lite1": FastLite1,
    "fast-lite2": FastLite2,
    "vgg16": VGG16,
    "resnet101": ResNet101,
}


def build_model(
    name: str, num_classes: int, *, levels: int = 2, pretrained: bool = True, **options: str
) -> SegmentationNetwork:
    """Build a segmentation network.

    Args:
        name: one of `MODELS`.
        num_classes: channels of each prediction.
        levels: 1 for the main prediction alone, 2 with a second one from an earlier stage (multi-level adaptation).
        pretrained: True starts the trunk from ImageNet weights of an installed package; nothing is downloaded here, see
            `roadseg.models.pretrained`.
        options: further options of the network, see its `OPTIONS`: `aspp`, `batch_norm`.

    Returns:
        The network, on the CPU.

    Raises:
        RecipeError: the network, number of levels, option or value is unknown, or no weights are installed.
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
