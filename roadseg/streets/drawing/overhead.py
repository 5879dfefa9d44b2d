"""Hoardings and wires: unlabelled in Cityscapes, or too thin for a label."""

import cv2
import numpy as np

from roadseg.labels.space import IGNORE
from roadseg.streets.classes import POLE
from roadseg.streets.drawing.canvas import FRACTION_BITS, Canvas, fixed_point
from roadseg.streets.drawing.view import NEAR
from roadseg.streets.scene import Cable, Colour, Hoarding
from roadseg.streets.textures.bank import TextureBank

WIRE: Colour = (64, 64, 66)
STEEL: Colour = (96, 98, 100)
PIECES = 12
"""Number of straight pieces of a sagging wire."""


def draw_hoarding(canvas: Canvas, hoarding: Hoarding, bank: TextureBank) -> None:
    """Draw an advert facing the traffic, behind its posts."""
    ends = np.array([(hoarding.left, hoarding.s), (hoarding.right, hoarding.s)])
    facing = np.array((0.0, 0.0, -1.0))
    if hoarding.posts:
        for share in (0.2, 0.8):
            _draw_post(canvas, hoarding, hoarding.left + share * (hoarding.right - hoarding.left))
    canvas.wall(
        bank.adverts[hoarding.advert],
        ends,
        bottom=hoarding.bottom,
        top=hoarding.top,
        light=canvas.light(facing),
        label=IGNORE,
    )


def _draw_post(canvas: Canvas, hoarding: Hoarding, u: float) -> None:
    half = 0.07
    corners = [(u - half, 0.0), (u + half, 0.0), (u + half, hoarding.bottom), (u - half, hoarding.bottom)]
    points = canvas.view.to_camera(np.array([(x, y, hoarding.s) for x, y in corners]))
    canvas.polygon(points, canvas.tone(STEEL, max(float(points[0, 2]), 0.0)), POLE)


def draw_cable(canvas: Canvas, cable: Cable) -> None:
    """Draw a sagging wire, one pixel wide, without a label."""
    share = np.linspace(0, 1, PIECES + 1)
    course = np.outer(1 - share, cable.start) + np.outer(share, cable.end)
    course[:, 1] -= 4 * cable.sag * share * (1 - share)
    seen = canvas.view.to_camera(course)
    seen = seen[seen[:, 2] > NEAR * 4]
    if len(seen) < 2:
        return
    colour = canvas.tone(WIRE, float(seen[:, 2].mean()))
    pixels = [fixed_point(canvas.view.project(seen))]
    cv2.polylines(canvas.image, pixels, False, colour, 1, cv2.LINE_AA, FRACTION_BITS)
