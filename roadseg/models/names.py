"""Names that stand for weights in place of a path; readable without loading torch."""

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
