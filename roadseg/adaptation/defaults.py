"""Defaults that the command line and recipes share; readable without loading torch."""

PRIOR = 96
"""Number of images that the statistics of training count for when batch norm is adapted, see docs/performance.md."""
AUTO = "auto"
"""Value of `scenes` and `adapt_bn` that leaves the choice to the target's images, see docs/methods.md."""
