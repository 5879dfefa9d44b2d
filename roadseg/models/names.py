"""Names that stand for weights in place of a path; readable without loading torch."""

from roadseg.errors import RecipeError

DEFAULT = "default"
"""Weights for any road, in the classes of Cityscapes, see docs/model-card.md."""
INDIAN = "indian"
"""Weights for Indian roads, which know the autorickshaw as a class of its own."""
PACKAGED = (DEFAULT, INDIAN)
"""The weights that come with the package."""
IMAGENET = "imagenet"
"""ImageNet weights of the network: in a package for `fast`, downloaded for the other networks."""
NETWORK_FILE = "network.onnx"
"""File in a run folder of an imported network, in place of weights of roadseg."""
MODEL_NAMES = ("fast", "fast-lite1", "fast-lite2", "vgg16", "resnet101")
"""Networks of roadseg."""
BACKBONE_PREFIX = "hf:"
"""Begins the name of a model of transformers; its folder or its name on the hub, ORG/NAME[@REVISION], follows."""


def known_model(name: str) -> str:
    """Return the name of a network.

    Raises:
        RecipeError: there is none of this name.
    """
    if name not in MODEL_NAMES and (not name.startswith(BACKBONE_PREFIX) or name == BACKBONE_PREFIX):
        raise RecipeError(f"unknown model {name!r}", f"Known: {', '.join(MODEL_NAMES)}, hf:FOLDER, hf:ORG/NAME.")
    return name
