"""Bodies of cars, vans, auto-rickshaws, lorries, buses and trams."""

import math
from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np

from roadseg.streets.classes import BUS, CAR, TRAIN, TRUCK
from roadseg.streets.drawing.canvas import Canvas
from roadseg.streets.drawing.mesh import Face, Mesh, Point, Quad, Solid, box, draw_mesh, loft, patch
from roadseg.streets.scene import Colour, Vehicle, VehicleKind, VehicleModel

LABELS: dict[VehicleKind, int] = {"truck": TRUCK, "bus": BUS, "tram": TRAIN}
"""Kinds that are not labelled as cars."""
TYRE: Colour = (26, 26, 28)
BLACK: Colour = (22, 22, 24)
CHROME: Colour = (132, 134, 138)
HEADLAMP: Colour = (236, 238, 232)
HEADLAMP_ON: Colour = (255, 252, 226)
TAIL_LAMP: Colour = (170, 24, 22)
TAIL_LAMP_ON: Colour = (255, 58, 40)

_CIRCLE = tuple((math.sin(math.pi * step / 9), math.cos(math.pi * step / 9)) for step in range(18))

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


def draw_vehicle(canvas: Canvas, vehicle: Vehicle) -> None:
    """Draw a vehicle of any kind."""
    model = vehicle.model
    draw_mesh(canvas, _mesh(model), (vehicle.u, vehicle.s), vehicle.heading, LABELS.get(model.kind, CAR))


@lru_cache(maxsize=512)
def _mesh(model: VehicleModel) -> Mesh:
    return Mesh(_BUILDERS.get(model.kind, _car)(model))


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(c * factor, 255.0) for c in colour)
    return red, green, blue


def _glass(model: VehicleModel, factor: float = 1.0) -> Colour:
    grey = model.glass * factor
    return grey * 0.92, grey, grey * 1.08


def _wheels(forwards: Iterable[float], half_width: float, radius: float, tyre: float = 0.2) -> list[Solid]:
    """Wheels on both sides: tyres under the body, and their outer faces, which show on its flanks."""

    def disc(share: float, right: float, forward: float) -> tuple[Point, ...]:
        reach = radius * share
        return tuple((right, radius + reach * up, forward + reach * ahead) for up, ahead in _CIRCLE)

    solids = []
    for forward in forwards:
        for side in (-1, 1):
            outside, rim = side * half_width, side * (half_width - 0.02)
            inside = side * (half_width - tyre)
            solids.append(Solid([Face(disc(1, rim, forward), TYRE), Face(disc(1, inside, forward), TYRE)], layer=-5))
            face = Solid([Face(disc(1, outside, forward), TYRE), Face(disc(1, rim, forward), TYRE)], side=side)
            for share, grey in ((0.66, 96.0), (0.56, 158.0), (0.2, 60.0)):
                face.details.append(Face(disc(share, outside, forward), (grey, grey + 2, grey + 5)))
            solids.append(face)
    return solids


def _end_quads(model: VehicleModel, low: float, high: float, half: float) -> tuple[Quad, Quad]:
    """Upright quads over the rear and the front end between two heights; first edge along the foot, left to right."""
    reach = model.length / 2
    rear: Quad = ((-half, low, -reach), (half, low, -reach), (half, high, -reach), (-half, high, -reach))
    front: Quad = ((-half, low, reach), (half, low, reach), (half, high, reach), (-half, high, reach))
    return rear, front


def _lamps(model: VehicleModel, quad: Quad, *, front: bool, share: float, rows: tuple[float, float]) -> list[Face]:
    """A pair of lamps at the outer ends of a quad, each `share` of its width."""
    on = model.lights
    colour = (HEADLAMP_ON if on else HEADLAMP) if front else (TAIL_LAMP_ON if on else TAIL_LAMP)
    return [
        Face(patch(quad, across, rows), colour, glows=on) for across in ((0.02, 0.02 + share), (0.98 - share, 0.98))
    ]


def _outline(model: VehicleModel, shares: _Outline) -> list[tuple[float, float]]:
    return [((forward - 0.5) * model.length, up * model.height) for forward, up in shares]


def _car(model: VehicleModel) -> list[Solid]:
    half, height = model.width / 2, model.height
    body_outline = _outline(model, _BODY[model.kind])
    belt = max(up for _, up in body_outline)
    profile = [
        (f, up, half * (0.94 if up < 0.3 * height else 0.97 if up >= belt * 0.97 else 1.0)) for f, up in body_outline
    ]
    body = Solid(loft(profile, model.colour))
    body.details += _car_sides(model, half) + _car_ends(model, half)
    radius = 0.215 * min(height, 1.7) if model.kind != "van" else 0.34
    wheels = _wheels((-0.3 * model.length, 0.31 * model.length), half * 0.98, radius)
    return [body, _cabin(model, half), *_mirrors(model, half), *wheels]


def _car_sides(model: VehicleModel, half: float) -> list[Face]:
    """Sill, door gaps, handles and wheel arches on both sides."""
    height, length = model.height, model.length
    faces = []
    radius = (0.215 * min(height, 1.7) if model.kind != "van" else 0.34) * 1.16
    turn = np.linspace(-0.25, np.pi + 0.25, 12)
    for side in (-1, 1):
        right = side * (half + 0.004)

        def panel(f0: float, f1: float, y0: float, y1: float, right: float = right) -> Quad:
            return (right, y0, f0), (right, y0, f1), (right, y1, f1), (right, y1, f0)

        faces.append(
            Face(panel(-0.49 * length, 0.49 * length, 0.15 * height, 0.22 * height), _shade(model.colour, 0.45))
        )
        faces.append(
            Face(panel(-0.48 * length, 0.48 * length, 0.22 * height, 0.38 * height), _shade(model.colour, 0.88))
        )
        for forward in (-0.3 * length, 0.31 * length):
            arch = [
                (right, 0.9 * radius + radius * float(np.sin(a)), forward + radius * float(np.cos(a))) for a in turn
            ]
            faces.append(Face(tuple(arch), BLACK))
        for forward in (-0.13, 0.06, 0.23):
            f = forward * length
            faces.append(Face(panel(f - 0.012, f + 0.012, 0.22 * height, 0.6 * height), _shade(model.colour, 0.55)))
            if forward > 0:
                faces.append(Face(panel(f - 0.32, f - 0.12, 0.53 * height, 0.55 * height), _shade(model.colour, 0.6)))
    return faces


def _car_ends(model: VehicleModel, half: float) -> list[Face]:
    """Lamps, bumpers, number plates and grille."""
    height = model.height
    rear, front = _end_quads(model, 0.15 * height, 0.5 * height, half * 0.98)
    dark, plate = _shade(model.colour, 0.4), (226, 214, 120) if model.variant % 2 else (232, 232, 228)
    wide = 0.16 + 0.05 * (model.variant % 3)
    faces = [
        Face(patch(rear, (0.0, 1.0), (0.0, 0.24)), dark),
        *_lamps(model, rear, front=False, share=wide, rows=(0.62, 0.96)),
        Face(patch(rear, (0.36, 0.64), (0.36, 0.56)), plate),
    ]
    front = patch(front, (0.0, 1.0), (0.0, 0.83))
    faces += [
        Face(patch(front, (0.0, 1.0), (0.0, 0.2)), dark),
        Face(patch(front, (0.26, 0.74), (0.66, 0.96)), BLACK),
        Face(patch(front, (0.16, 0.84), (0.1, 0.36)), BLACK),
        *_lamps(model, front, front=True, share=wide + 0.04, rows=(0.66, 1.0)),
        Face(patch(front, (0.37, 0.63), (0.42, 0.6)), plate),
    ]
    return faces


def _cabin(model: VehicleModel, half: float) -> Solid:
    """The upper part of a car with its windows."""
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

    cabin.details.append(Face(patch(screen(front, front_roof), (0.06, 0.94), (0.06, 0.92)), _glass(model, 1.15)))
    panelled = model.kind == "van" and model.variant % 3 == 0
    cabin.details.append(
        Face(patch(screen(rear, rear_roof), (0.1, 0.9), (0.2, 0.88)), _glass(model, 0.7 if panelled else 0.95))
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
            cabin.details.append(Face(patch(window, pane, (0.12, 0.84)), _glass(model)))
    return cabin


def _mirrors(model: VehicleModel, half: float) -> list[Solid]:
    forward, up = 0.2 * model.length, 0.62 * model.height
    colour = _shade(model.colour, 0.7)
    left = Solid(box((forward, forward + 0.1), (up, up + 0.14), (-half - 0.17, -half * 0.98), colour), side=-1)
    right = Solid(box((forward, forward + 0.1), (up, up + 0.14), (half * 0.98, half + 0.17), colour), side=1)
    return [left, right]


def _rickshaw(model: VehicleModel) -> list[Solid]:
    """A three-wheeled taxi: a painted tub, a canopy in the second colour, open sides."""
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
    rear, _ = _end_quads(model, 0.24, 0.5 * height, half * 0.9)
    tub.details += _lamps(model, rear, front=False, share=0.14, rows=(0.4, 0.6))
    tub.details.append(Face(patch(rear, (0.36, 0.64), (0.15, 0.4)), (232, 214, 120)))
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
    canopy.details.append(Face(patch(window, (0.05, 0.95), (0.06, 0.85)), _glass(model, 1.2)))
    back_window: Quad = (
        (-half * 0.9, 0.5 * height, back),
        (half * 0.9, 0.5 * height, back),
        (half * 0.86, 0.94 * height, back + 0.04),
        (-half * 0.86, 0.94 * height, back + 0.04),
    )
    canopy.details.append(Face(patch(back_window, (0.25, 0.75), (0.45, 0.75)), _glass(model, 0.6)))
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
    return [front_wheel, tub, canopy, lamp, *_wheels((-0.3 * length,), half * 0.92, 0.23, 0.14)]


def _truck(model: VehicleModel) -> list[Solid]:
    """A lorry: a cab, and a box, tipper or tarpaulin behind it on a dark chassis."""
    length, half, height = model.length, model.width / 2, model.height
    back, nose = -length / 2, length / 2
    cab_back = nose - 2.0
    cab_top = min(height, 2.75)
    cab = Solid(
        loft(
            [
                (cab_back, 0.5, half * 0.96),
                (cab_back, cab_top, half * 0.9),
                (nose - 0.5, cab_top, half * 0.9),
                (nose - 0.08, 1.45, half * 0.96),
                (nose, 1.2, half * 0.96),
                (nose, 0.42, half * 0.96),
            ],
            model.colour,
        )
    )
    windscreen: Quad = (
        (-half * 0.96, 1.45, nose - 0.08),
        (half * 0.96, 1.45, nose - 0.08),
        (half * 0.9, cab_top, nose - 0.5),
        (-half * 0.9, cab_top, nose - 0.5),
    )
    front: Quad = ((-half, 0.42, nose), (half, 0.42, nose), (half, 1.2, nose), (-half, 1.2, nose))
    cab.details += [
        Face(patch(windscreen, (0.05, 0.95), (0.08, 0.78)), _glass(model, 1.2)),
        Face(patch(windscreen, (0.0, 1.0), (0.84, 1.0)), model.trim),
        Face(patch(front, (0.0, 1.0), (0.0, 0.28)), BLACK),
        Face(patch(front, (0.25, 0.75), (0.4, 0.9)), _shade(model.colour, 0.35)),
        *_lamps(model, front, front=True, share=0.14, rows=(0.34, 0.58)),
        Face(patch(front, (0.38, 0.62), (0.08, 0.24)), (230, 226, 200)),
    ]
    for side in (-1, 1):
        right = side * half * 0.96
        door = (
            (right, 1.5, nose - 1.5),
            (right, 1.5, nose - 0.35),
            (right, cab_top - 0.25, nose - 0.65),
            (right, cab_top - 0.25, nose - 1.5),
        )
        cab.details.append(Face(door, _glass(model)))
    floor = 1.0
    tipper = model.variant % 3 == 1
    cargo_colour = model.trim if model.variant % 2 else _shade((214, 214, 210), 0.95)
    cargo_top = height * (0.72 if tipper else 1.0)
    cargo = Solid(box((back, cab_back - 0.15), (floor, cargo_top), (-half, half), cargo_colour))
    rear: Quad = ((-half, floor, back), (half, floor, back), (half, cargo_top, back), (-half, cargo_top, back))
    for across in ((0.0, 0.03), (0.485, 0.515), (0.97, 1.0)):
        cargo.details.append(Face(patch(rear, across, (0.0, 1.0)), _shade(cargo_colour, 0.55)))
    cargo.details.append(Face(patch(rear, (0.0, 1.0), (0.0, 0.06)), _shade(cargo_colour, 0.5)))
    for side in (-1, 1):
        flank: Quad = (
            (side * half, floor, back),
            (side * half, floor, cab_back - 0.15),
            (side * half, cargo_top, cab_back - 0.15),
            (side * half, cargo_top, back),
        )
        ribs = 8 if tipper or model.variant % 2 else 3
        for rib in range(1, ribs):
            cargo.details.append(
                Face(patch(flank, (rib / ribs - 0.006, rib / ribs + 0.006), (0, 1)), _shade(cargo_colour, 0.7))
            )
        if not tipper and model.variant % 4 == 2:
            cargo.details.append(Face(patch(flank, (0.15, 0.85), (0.4, 0.75)), model.colour))
    chassis = Solid(box((back + 0.05, nose - 0.3), (0.5, floor), (-half * 0.86, half * 0.86), (44, 44, 46)), layer=-1)
    bumper, _ = _end_quads(model, 0.5, floor, half * 0.86)
    bumper_solid = Solid(box((back - 0.02, back + 0.08), (0.5, 0.82), (-half * 0.96, half * 0.96), (58, 58, 60)))
    bumper = patch(
        (
            (-half * 0.96, 0.5, back - 0.02),
            (half * 0.96, 0.5, back - 0.02),
            (half * 0.96, 0.82, back - 0.02),
            (-half * 0.96, 0.82, back - 0.02),
        ),
        (0, 1),
        (0, 1),
    )
    bumper_solid.details += _lamps(model, bumper, front=False, share=0.16, rows=(0.3, 0.9))
    bumper_solid.details.append(Face(patch(bumper, (0.4, 0.6), (0.2, 0.8)), (232, 214, 120)))
    axles = [back + 0.9, nose - 1.0] + ([back + 2.0] if length > 7.5 else [])
    return [chassis, cargo, bumper_solid, cab, *_wheels(axles, half * 0.97, 0.48, 0.3)]


def _coach(model: VehicleModel, *, nose_slope: float, wheels: list[Solid], clearance: float) -> list[Solid]:
    """A long body with a band of windows: buses and tram cars."""
    length, half, height = model.length, model.width / 2, model.height
    back, nose = -length / 2, length / 2
    waist = 0.42 * height
    body = Solid(
        loft(
            [
                (back, clearance, half * 0.97),
                (back, waist, half),
                (back + nose_slope, height, half * 0.95),
                (nose - nose_slope, height, half * 0.95),
                (nose, waist, half),
                (nose, clearance, half * 0.97),
            ],
            model.colour,
        )
    )
    body.details += _coach_sides(model, clearance, nose_slope, waist)
    for front in (False, True):
        end = nose if front else back
        slope = -nose_slope if front else nose_slope
        lower: Quad = ((-half, clearance, end), (half, clearance, end), (half, waist, end), (-half, waist, end))
        upper: Quad = (
            (-half, waist, end),
            (half, waist, end),
            (half * 0.95, height, end + slope),
            (-half * 0.95, height, end + slope),
        )
        wide = front or model.kind == "tram"
        body.details += [
            Face(
                patch(upper, (0.05, 0.95) if wide else (0.14, 0.86), (0.02 if wide else 0.15, 0.7)), _glass(model, 1.15)
            ),
            Face(patch(upper, (0.12, 0.88), (0.78, 0.94)), BLACK if wide else _shade(model.colour, 0.8)),
            Face(patch(lower, (0.0, 1.0), (0.0, 0.2)), _shade(model.colour, 0.35)),
            Face(patch(lower, (0.0, 1.0), (0.62, 0.8)), model.trim),
            *_lamps(model, lower, front=front, share=0.12, rows=(0.3, 0.55)),
        ]
        if wide:
            body.details.append(Face(patch(upper, (0.3, 0.62), (0.81, 0.91)), (255, 176, 60), glows=True))
        else:
            body.details.append(Face(patch(lower, (0.42, 0.58), (0.25, 0.36)), (232, 214, 120)))
    return [body, *wheels]


def _coach_sides(model: VehicleModel, clearance: float, slope: float, waist: float) -> list[Face]:
    length, half, height = model.length, model.width / 2, model.height
    faces = []
    count = max(4, round(length / 1.6))
    for side in (-1, 1):
        flank: Quad = (
            (side * half, waist, -length / 2 + slope),
            (side * half, waist, length / 2 - slope),
            (side * half * 0.95, height, length / 2 - slope),
            (side * half * 0.95, height, -length / 2 + slope),
        )
        skirt: Quad = (
            (side * half, clearance, -length / 2),
            (side * half, clearance, length / 2),
            (side * half, waist, length / 2),
            (side * half, waist, -length / 2),
        )
        faces.append(Face(patch(skirt, (0, 1), (0.62, 0.8)), model.trim))
        faces.append(Face(patch(skirt, (0, 1), (0.0, 0.16)), _shade(model.colour, 0.45)))
        faces.append(Face(patch(flank, (0.01, 0.99), (0.04, 0.68)), BLACK))
        for pane in range(count):
            across = ((pane + 0.05) / count, (pane + 0.95) / count)
            faces.append(
                Face(patch(flank, across, (0.08, 0.64)), _glass(model, 1.0 + 0.25 * ((pane * 7 + model.variant) % 3)))
            )
        for door in (0.08, 0.52) if model.kind == "tram" else (0.86,):
            faces.append(Face(patch(skirt, (door, door + 0.09), (0.1, 1.0)), _glass(model, 0.9)))
            faces.append(Face(patch(skirt, (door + 0.042, door + 0.048), (0.1, 1.0)), _shade(model.colour, 0.7)))
    return faces


def _bus(model: VehicleModel) -> list[Solid]:
    wheels = _wheels((-0.27 * model.length, 0.32 * model.length), model.width / 2 * 0.99, 0.48, 0.3)
    return _coach(model, nose_slope=0.12, wheels=wheels, clearance=0.32)


def _tram(model: VehicleModel) -> list[Solid]:
    """A tram car: a long coach on bogies, its gear on the roof."""
    half, height = model.width / 2, model.height
    solids = _coach(model, nose_slope=0.45, wheels=[], clearance=0.22)
    bogies = box((-0.46 * model.length, 0.46 * model.length), (0.0, 0.3), (-half * 0.8, half * 0.8), BLACK)
    # The roof is above the camera, so what stands on it is seen behind the body.
    gear = box((-0.3 * model.length, 0.2 * model.length), (height, height + 0.28), (-half * 0.6, half * 0.6), CHROME)
    return [Solid(bogies, layer=-1), Solid(gear, layer=-1), *solids]


_BUILDERS: dict[VehicleKind, Callable[[VehicleModel], list[Solid]]] = {
    "rickshaw": _rickshaw,
    "truck": _truck,
    "bus": _bus,
    "tram": _tram,
}
