"""Segmentation networks by name.

A segmentation network maps normalised images (N, 3, H, W) float to a `Prediction`. It defines its own normalisation and
which of its parameters are pretrained. Networks contain no device code: they run on the device of their tensors.
"""

from roadseg.errors import RecipeError
from roadseg.models.fast import Fast, FastLite1, FastLite2
from roadseg.models.names import BACKBONE_PREFIX, MODEL_NAMES, known_model
from roadseg.models.network import SegmentationNetwork
from roadseg.models.resnet101 import ResNet101
from roadseg.models.transformers_backbone import TransformersBackbone
from roadseg.models.vgg16 import VGG16

MODELS: dict[str, type[SegmentationNetwork]] = {
    "fast": Fast,
    "fast-lite1": FastLite1,
    "fast-lite2": FastLite2,
    "vgg16": VGG16,
    "resnet101": ResNet101,
}
assert tuple(MODELS) == MODEL_NAMES


def model_class(name: str) -> type[SegmentationNetwork]:
    """Return the class of a network by name.

    Raises:
        RecipeError: there is none of this name.
    """
    return TransformersBackbone if known_model(name).startswith(BACKBONE_PREFIX) else MODELS[name]


def build_model(
    name: str, num_classes: int, *, levels: int = 2, pretrained: bool = True, **options: str
) -> SegmentationNetwork:
    """Build a segmentation network.

    Args:
        name: one of `MODELS`, or `hf:FOLDER` or `hf:ORG/NAME` for a backbone of transformers.
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
    kind = model_class(name)
    if levels not in (1, 2):
        raise RecipeError(f"a network has 1 or 2 levels, not {levels}")
    if name.startswith(BACKBONE_PREFIX):
        folder = name.removeprefix(BACKBONE_PREFIX)
        return TransformersBackbone(num_classes, levels=levels, pretrained=pretrained, folder=folder, **options)
    choices = kind.OPTIONS
    for option, value in options.items():
        if option not in choices:
            raise RecipeError(f"model {name!r} has no option {option!r}", f"It has: {', '.join(choices) or 'none'}.")
        if value not in choices[option]:
            raise RecipeError(f"{option} = {value!r} is unknown", f"Known: {', '.join(choices[option])}.")
    return kind(num_classes, levels=levels, pretrained=pretrained, **options)
