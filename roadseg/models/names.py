"""Names that stand for weights in place of a path; readable without loading torch."""

DEFAULT = "default"
"""The weights that come with the package, see docs/model-card.md."""
SOURCE_ONLY = "source-only"
"""The default weights with the batch-norm statistics of their training, on rendered streets only."""
IMAGENET = "imagenet"
"""ImageNet weights of the network: in a package for `fast`, downloaded for the other networks."""
