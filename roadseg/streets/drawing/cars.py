"""Cars, vans and autorickshaws."""

import numpy as np

from roadseg.streets.colours import shade
from roadseg.streets.drawing.mesh import Face, Quad, Solid, box, loft, patch
from roadseg.streets.drawing.vehicle_parts import (
    BLACK,
    HEADLAMP,
    TYRE,
    YELLOW_PLATE,
    end_quads,
    glass,
    lamps,
    wheels,
)
from roadseg.streets.scene import VehicleModel

# Side outlines, rear to front: forward as a share of the length from the rear, up as a share of the height.
_Outline = tuple[tuple[float, float], ...]
_BODY: dict[str, _Outline] = {
    "saloon": (
        (0.0, 0.15),
        (0.0, 0.50),
        (0.02, 0.62),
        (0.20, 0.65),
        (0.72, 0.63),
        (0.95, 0.53),
        (1.0, 0.44),
        (1.0, 0.14),
    ),
    "hatchback": ((0.0, 0.15), (0.0, 0.48), (0.01, 0.62), (0.7, 0.62), (0.95, 0.53), (1.0, 0.44), (1.0, 0.14)),
    "estate": ((0.0, 0.15), (0.0, 0.48), (0.01, 0.61), (0.72, 0.61), (0.95, 0.53), (1.0, 0.44), (1.0, 0.14)),
    "suv": ((0.0, 0.17), (0.0, 0.5), (0.01, 0.61), (0.72, 0.62), (0.96, 0.57), (1.0, 0.47), (1.0, 0.17)),
    "van": ((0.0, 0.13), (0.0, 0.5), (0.0, 0.54), (0.8, 0.54), (0.96, 0.46), (1.0, 0.38), (1.0, 0.12)),
}
# Cabins: rear foot, rear roof edge, front roof edge, front foot.
_CABIN: dict[str, tuple[_Outline, float]] = {
    "saloon": (((0.11, 0.62), (0.27, 0.985), (0.40, 1.0), (0.56, 0.985), (0.76, 0.61)), 0.78),
    "hatchback": (((0.01, 0.61), (0.09, 0.97), (0.25, 1.0), (0.52, 0.985), (0.75, 0.60)), 0.8),
    "estate": (((0.01, 0.60), (0.07, 0.965), (0.25, 1.0), (0.55, 0.985), (0.76, 0.60)), 0.8),
    "suv": (((0.01, 0.60), (0.05, 0.96), (0.25, 1.0), (0.58, 0.985), (0.74, 0.61)), 0.84),
    "van": (((0.0, 0.53), (0.01, 0.98), (0.1, 1.0), (0.7, 0.99), (0.88, 0.52)), 0.9),
}


def _outline(model: VehicleModel, shares: _Outline) -> list[tuple[float, float]]:
    return [((forward - 0.5) * model.length, up * model.height) for forward, up in shares]


def car(model: VehicleModel) -> list[Solid]:
    """Build a saloon, hatchback, estate, off-roader or van."""
    half, height = model.width / 2, model.height
    body_outline = _outline(model, _BODY[model.kind])
    belt = max(up for _, up in body_outline)
    profile = [
        (f, up, half * (0.94 if up < 0.3 * height else 0.97 if up >= belt * 0.97 else 1.0)) for f, up in body_outline
    ]
    body = Solid(loft(profile, model.colour))
    body.details += _car_sides(model, half) + _car_ends(model, half)
    radius = 0.215 * min(height, 1.7) if model.kind != "van" else 0.34
    axles = (-0.3 * model.length, 0.31 * model.length)
    return [body, _cabin(model, half), *_mirrors(model, half), *wheels(axles, half * 0.98, radius)]


def _car_sides(model: VehicleModel, half: float) -> list[Face]:
    """Build sill, door gaps, handles and wheel arches on both sides."""
    height, length = model.height, model.length
    faces = []
    radius = (0.215 * min(height, 1.7) if model.kind != "van" else 0.34) * 1.16
    turn = np.linspace(-0.25, np.pi + 0.25, 12)
    for side in (-1, 1):
        right = side * (half + 0.004)

        def panel(f0: float, f1: float, y0: float, y1: float, right: float = right) -> Quad:
            return (right, y0, f0), (right, y0, f1), (right, y1, f1), (right, y1, f0)

        faces.append(
            Face(panel(-0.49 * length, 0.49 * length, 0.15 * height, 0.22 * height), shade(model.colour, 0.45))
        )
        faces.append(
            Face(panel(-0.48 * length, 0.48 * length, 0.22 * height, 0.38 * height), shade(model.colour, 0.88))
        )
        for forward in (-0.3 * length, 0.31 * length):
            arch = [
                (right, 0.9 * radius + radius * float(np.sin(a)), forward + radius * float(np.cos(a))) for a in turn
            ]
            faces.append(Face(tuple(arch), BLACK))
        for forward in (-0.13, 0.06, 0.23):
            f = forward * length
            faces.append(Face(panel(f - 0.012, f + 0.012, 0.22 * height, 0.6 * height), shade(model.colour, 0.55)))
            if forward > 0:
                faces.append(Face(panel(f - 0.32, f - 0.12, 0.53 * height, 0.55 * height), shade(model.colour, 0.6)))
    return faces


def _car_ends(model: VehicleModel, half: float) -> list[Face]:
    """Build lamps, bumpers, number plates and grille."""
    height = model.height
    rear, front = end_quads(model, 0.15 * height, 0.5 * height, half * 0.98)
    dark, plate = shade(model.colour, 0.4), (226, 214, 120) if model.variant % 2 else (232, 232, 228)
    wide = 0.16 + 0.05 * (model.variant % 3)
    faces = [
        Face(patch(rear, (0.0, 1.0), (0.0, 0.24)), dark),
        *lamps(model, rear, front=False, share=wide, rows=(0.62, 0.96)),
        Face(patch(rear, (0.36, 0.64), (0.36, 0.56)), plate),
    ]
    front = patch(front, (0.0, 1.0), (0.0, 0.83))
    faces += [
        Face(patch(front, (0.0, 1.0), (0.0, 0.2)), dark),
        Face(patch(front, (0.26, 0.74), (0.66, 0.96)), BLACK),
        Face(patch(front, (0.16, 0.84), (0.1, 0.36)), BLACK),
        *lamps(model, front, front=True, share=wide + 0.04, rows=(0.66, 1.0)),
        Face(patch(front, (0.37, 0.63), (0.42, 0.6)), plate),
    ]
    return faces


def _cabin(model: VehicleModel, half: float) -> Solid:
    """Build the upper part of a car with its windows."""
    shares, roof_share = _CABIN[model.kind]
    outline = _outline(model, shares)
    low, high = half * 0.95, half * roof_share
    foot = outline[0][1]
    profile = [(f, up, low if up < foot * 1.1 else high) for f, up in outline]
    cabin = Solid(loft(profile, model.colour), layer=1)
    rear, rear_roof, _, front_roof, front = outline

    def screen(bottom: tuple[float, float], top: tuple[float, float]) -> Quad:
        return (
            (-low, bottom[1], bottom[0]),
            (low, bottom[1], bottom[0]),
            (high, top[1], top[0]),
            (-high, top[1], top[0]),
        )

    cabin.details.append(Face(patch(screen(front, front_roof), (0.06, 0.94), (0.06, 0.92)), glass(model, 1.15)))
    panelled = model.kind == "van" and model.variant % 3 == 0
    cabin.details.append(
        Face(patch(screen(rear, rear_roof), (0.1, 0.9), (0.2, 0.88)), glass(model, 0.7 if panelled else 0.95))
    )
    for side in (-1, 1):
        window: Quad = (
            (side * low, rear[1], rear[0]),
            (side * low, front[1], front[0]),
            (side * high, front_roof[1], front_roof[0]),
            (side * high, rear_roof[1], rear_roof[0]),
        )
        panes = ((0.62, 0.93),) if panelled else ((0.07, 0.27), (0.3, 0.58), (0.61, 0.93))
        for pane in panes:
            cabin.details.append(Face(patch(window, pane, (0.12, 0.84)), glass(model)))
    return cabin


def _mirrors(model: VehicleModel, half: float) -> list[Solid]:
    forward, up = 0.2 * model.length, 0.62 * model.height
    colour = shade(model.colour, 0.7)
    left = Solid(box((forward, forward + 0.1), (up, up + 0.14), (-half - 0.17, -half * 0.98), colour), side=-1)
    right = Solid(box((forward, forward + 0.1), (up, up + 0.14), (half * 0.98, half + 0.17), colour), side=1)
    return [left, right]


def rickshaw(model: VehicleModel) -> list[Solid]:
    """Build a three-wheeled taxi: a painted tub, a canopy in the second colour, open sides."""
    length, half, height = model.length, model.width / 2, model.height
    back, nose = -length / 2, length / 2
    tub = Solid(
        loft(
            [
                (back, 0.22, half * 0.9),
                (back, 0.5 * height, half * 0.95),
                (0.12 * length, 0.42 * height, half),
                (0.42 * length, 0.48 * height, half * 0.55),
                (nose, 0.36 * height, half * 0.32),
                (nose, 0.22, half * 0.32),
            ],
            model.colour,
        )
    )
    rear, _ = end_quads(model, 0.24, 0.5 * height, half * 0.9)
    tub.details += lamps(model, rear, front=False, share=0.14, rows=(0.4, 0.6))
    tub.details.append(Face(patch(rear, (0.36, 0.64), (0.15, 0.4)), YELLOW_PLATE))
    tub.details.append(Face(patch(rear, (0.0, 1.0), (0.0, 0.12)), BLACK))
    canopy = Solid(
        loft(
            [
                (back, 0.5 * height, half * 0.93),
                (back + 0.04, 0.94 * height, half * 0.86),
                (-0.1 * length, height, half * 0.82),
                (0.2 * length, 0.96 * height, half * 0.76),
                (0.38 * length, 0.47 * height, half * 0.62),
            ],
            model.trim,
        ),
        layer=1,
    )
    window: Quad = (
        (-half * 0.62, 0.5 * height, 0.38 * length),
        (half * 0.62, 0.5 * height, 0.38 * length),
        (half * 0.76, 0.96 * height, 0.2 * length),
        (-half * 0.76, 0.96 * height, 0.2 * length),
    )
    canopy.details.append(Face(patch(window, (0.05, 0.95), (0.06, 0.85)), glass(model, 1.2)))
    back_window: Quad = (
        (-half * 0.9, 0.5 * height, back),
        (half * 0.9, 0.5 * height, back),
        (half * 0.86, 0.94 * height, back + 0.04),
        (-half * 0.86, 0.94 * height, back + 0.04),
    )
    canopy.details.append(Face(patch(back_window, (0.25, 0.75), (0.45, 0.75)), glass(model, 0.6)))
    for side in (-1, 1):
        opening = (
            (side * half * 0.95, 0.46 * height, -0.26 * length),
            (side * half * 0.9, 0.46 * height, 0.3 * length),
            (side * half * 0.8, 0.86 * height, 0.2 * length),
            (side * half * 0.86, 0.86 * height, -0.24 * length),
        )
        canopy.details.append(Face(opening, (34, 30, 28)))
    lamp = Solid(box((nose - 0.02, nose + 0.05), (0.34 * height, 0.43 * height), (-0.09, 0.09), HEADLAMP), layer=2)
    front_wheel = Solid(box((nose - 0.5, nose - 0.08), (0.0, 0.42), (-0.07, 0.07), TYRE), layer=-1)
    return [front_wheel, tub, canopy, lamp, *wheels((-0.3 * length,), half * 0.92, 0.23, 0.14)]
