"""roadseg: dashcam video in, labelled video out."""

__version__ = "0.1.0"
