"""Arithmetic on RGB colours that drawing and textures share."""

from roadseg.streets.scene import Colour


def shade(colour: Colour, factor: float) -> Colour:
    """Return `colour`, brighter or darker by a factor, at most 255."""
    red, green, blue = (min(c * factor, 255.0) for c in colour)
    return red, green, blue
