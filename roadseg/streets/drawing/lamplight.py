"""Light of lamps by night: pools on the ground, halos in the air."""

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.streets.drawing.canvas import Canvas
from roadseg.streets.drawing.view import NEAR
from roadseg.streets.scene import Colour, Post, StreetObject

POOL = 5.0
"""Radius in metres of the pool of light below a street lamp."""
GAIN = 1.3
"""Extra brightness of the ground in the middle of a pool, as a factor."""
LAMP: Colour = (255, 214, 150)
COARSENESS = 4


def lamps_of(things: list[StreetObject]) -> list[tuple[float, float, float]]:
    """Return the positions (u, y, s) of the street lamps among `things`."""
    return [(post.u + post.arm, post.height, post.s) for post in things if isinstance(post, Post) and post.lamp]


def pools(canvas: Canvas, lamps: list[tuple[float, float, float]], first: int) -> NDArray[np.float32]:
    """Return the factor by which lamps brighten the ground, (rows from `first`, W), 1 where they do not."""
    view = canvas.view
    rows, columns = view.height - first, view.width
    layer = np.zeros((-(-rows // COARSENESS), -(-columns // COARSENESS)), np.float32)
    for u, _, s in lamps:
        seen = view.to_camera(np.array([(u, 0.0, s)]))
        if seen[0, 2] < NEAR * 4:
            continue
        x, y = ((view.project(seen)[0] - (0, first)) / COARSENESS).tolist()
        depth = float(seen[0, 2])
        wide = POOL * view.focal / depth / COARSENESS
        flat = wide * view.eye / depth
        axes = (max(round(wide), 1), max(round(flat), 1))
        cv2.ellipse(layer, (round(x), round(y)), axes, 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    soft = cv2.GaussianBlur(layer, (0, 0), 6)
    return np.asarray(1 + GAIN * cv2.resize(soft, (columns, rows)), np.float32)


def draw_halos(canvas: Canvas, lamps: list[tuple[float, float, float]]) -> None:
    """Add the glare of lamps to the image."""
    view = canvas.view
    glare = np.zeros((-(-view.height // COARSENESS), -(-view.width // COARSENESS), 3), np.uint8)
    for lamp in lamps:
        seen = view.to_camera(np.array([lamp]))
        depth = float(seen[0, 2])
        if depth < 2:
            continue
        x, y = (view.project(seen)[0] / COARSENESS).tolist()
        radius = max(0.35 * view.focal / depth / COARSENESS, 0.6)
        cv2.circle(glare, (round(x * 8), round(y * 8)), round(radius * 8), LAMP, -1, cv2.LINE_AA, 3)
    soft = cv2.addWeighted(glare, 0.6, cv2.GaussianBlur(glare, (0, 0), 4), 1.6, 0)
    canvas.image[:] = cv2.add(canvas.image, cv2.resize(soft, (view.width, view.height)))
