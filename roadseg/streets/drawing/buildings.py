"""Houses, fences, walls and hedges along the street."""

import numpy as np

from roadseg.streets.classes import BUILDING
from roadseg.streets.drawing.canvas import Canvas
from roadseg.streets.drawing.view import cross
from roadseg.streets.scene import Barrier, Building, Floats
from roadseg.streets.textures.bank import TextureBank


def draw_building(canvas: Canvas, building: Building, bank: TextureBank) -> None:
    """Draw the visible walls, then the roof."""
    side = 1.0 if building.u > 0 else -1.0
    away = building.u + side * building.depth
    tint = np.asarray(building.tint)
    _draw_roof(canvas, building, side)
    if canvas.view.s < building.start:
        gable = bank.walls[building.wall] if building.side_facade is None else bank.facades[building.side_facade]
        ends = np.array([(building.u, building.start), (away, building.start)])
        light = canvas.light(np.array((0.0, 0.0, -1.0))) * tint
        ends = ends if side > 0 else ends[::-1]
        canvas.wall(gable, ends, bottom=0.0, top=building.height, light=light, label=BUILDING)
    if side * building.u > 0:
        facade = bank.facades[building.facade]
        ends = np.array([(building.u, building.end), (building.u, building.start)])
        ends = ends if side > 0 else ends[::-1]
        light = canvas.light(np.array((-side, 0.0, 0.0))) * tint
        canvas.wall(
            facade, ends, bottom=0.0, top=building.height, light=light, label=BUILDING, mirrored=building.mirrored
        )


def _draw_roof(canvas: Canvas, building: Building, side: float) -> None:
    """Draw a pitched roof, its ridge along the street (gable) or ending in a point on all sides (tent)."""
    if building.roof == "flat":
        return
    eaves, ridge = building.height, building.height + building.rise
    u, away = building.u, building.u + side * building.depth
    middle = (u + away) / 2
    inset = building.depth / 2 if building.roof == "tent" else 0.0
    inset = min(inset, (building.end - building.start) / 2)
    start, end = building.start, building.end
    street_side = np.array(
        [(u, eaves, start), (u, eaves, end), (middle, ridge, end - inset), (middle, ridge, start + inset)]
    )
    near_end = np.array([(u, eaves, start), (away, eaves, start), (middle, ridge, start + inset)])
    for corners in (near_end, street_side):
        _draw_slope(canvas, corners, np.array(((u + away) / 2, eaves, (start + end) / 2)), building)


def _draw_slope(canvas: Canvas, corners: Floats, inside: Floats, building: Building) -> None:
    """Draw a flat piece of roof where its outer side is visible: the eaves hide most slopes from the street."""
    seen = canvas.view.to_camera(corners)
    centre = canvas.view.to_camera(inside[None])[0]
    normal = cross(seen[1:2] - seen[:1], seen[2:3] - seen[:1])[0]
    normal /= np.linalg.norm(normal)
    if normal @ (seen.mean(0) - centre) < 0:
        normal = -normal
    if normal @ seen[0] >= 0:
        return
    depth = float(np.maximum(seen[:, 2].mean(), 0))
    lit = np.asarray(building.roof_colour) * canvas.light(normal)
    red, green, blue = canvas.through_haze(lit, depth).tolist()
    canvas.polygon(seen, (red, green, blue), BUILDING)


def draw_barrier(canvas: Canvas, barrier: Barrier, bank: TextureBank) -> None:
    """Draw a stretch of fence, wall or hedge."""
    side = 1.0 if barrier.u > 0 else -1.0
    ends = np.array([(barrier.u, barrier.end), (barrier.u, barrier.start)])
    light = canvas.light(np.array((-side, 0.0, 0.0))) * np.asarray(barrier.tint)
    canvas.wall(
        bank.barriers[barrier.kind][barrier.texture],
        ends if side > 0 else ends[::-1],
        bottom=0.0,
        top=barrier.height,
        light=light,
        label=barrier.label,
    )
