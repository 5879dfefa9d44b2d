"""Cows."""

from roadseg.labels.space import IGNORE
from roadseg.streets.drawing.canvas import Canvas
from roadseg.streets.drawing.puppet import Puppet
from roadseg.streets.scene import Colour, Cow

HORN: Colour = (70, 64, 58)


def draw_cow(canvas: Canvas, cow: Cow) -> None:
    """Draw a standing cow, unlabelled: Cityscapes has no class for animals."""
    puppet = Puppet(canvas, cow.u, cow.s, cow.heading)
    red, green, blue = cow.colour
    shaded: Colour = (red * 0.75, green * 0.75, blue * 0.75)
    for right in (-0.18, 0.18):
        for forward in (-0.55, 0.5):
            puppet.limb([((right, 0.7, forward), 0.1), ((right, 0.06, forward), 0.05)], shaded, IGNORE)
    puppet.limb([((0.0, 0.98, -0.6), 0.28), ((0.0, 0.95, 0.0), 0.31), ((0.0, 1.02, 0.5), 0.27)], cow.colour, IGNORE)
    puppet.limb([((0.0, 1.05, 0.6), 0.17), ((0.0, 1.2, 0.95), 0.12)], cow.colour, IGNORE)
    puppet.limb([((0.0, 1.26, 0.98), 0.13), ((0.0, 1.05, 1.25), 0.08)], shaded, IGNORE)
    for right in (-0.2, 0.2):
        puppet.limb([((right * 0.4, 1.36, 0.95), 0.03), ((right, 1.55, 0.95), 0.015)], HORN, IGNORE)
    puppet.limb([((0.0, 1.15, -0.86), 0.03), ((0.0, 0.55, -0.95), 0.03)], shaded, IGNORE)
    puppet.draw()
