"""Names that stand for weights in place of a path; readable without loading torch."""

DEFAULT = "default"
"""The weights that come with the package, see docs/model-card.md."""
IMAGENET = "imagenet"
"""ImageNet weights of the network: in a package for `fast`, downloaded for the other networks."""
