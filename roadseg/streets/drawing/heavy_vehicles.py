"""Lorries, buses and trams."""

from roadseg.streets.colours import shade
from roadseg.streets.drawing.mesh import Face, Quad, Solid, box, loft, patch
from roadseg.streets.drawing.vehicle_parts import (
    BLACK,
    METAL,
    WHITE_PLATE,
    YELLOW_PLATE,
    glass,
    lamps,
    wheels,
)
from roadseg.streets.scene import Colour, VehicleModel

CAB_LENGTH, CAB_HEIGHT = 2.0, 2.75
CARGO_FLOOR = 1.0


def truck(model: VehicleModel) -> list[Solid]:
    """Build a lorry: a cab, and a box, tarpaulin or tipper behind it on a dark chassis."""
    length, half = model.length, model.width / 2
    back, nose = -length / 2, length / 2
    chassis = box((back + 0.05, nose - 0.3), (0.5, CARGO_FLOOR), (-half * 0.86, half * 0.86), (44, 44, 46))
    axles = [back + 0.9, nose - 1.0] + ([back + 2.0] if length > 7.5 else [])
    return [
        Solid(chassis, layer=-1),
        _cargo(model, back, nose - CAB_LENGTH - 0.15),
        _rear_bumper(model, back),
        _cab(model, nose),
        *wheels(axles, half * 0.97, 0.48, 0.3),
    ]


def _cab(model: VehicleModel, nose: float) -> Solid:
    half, top, back = model.width / 2, min(model.height, CAB_HEIGHT), nose - CAB_LENGTH
    outline = [
        (back, 0.5, half * 0.96),
        (back, top, half * 0.9),
        (nose - 0.5, top, half * 0.9),
        (nose - 0.08, 1.45, half * 0.96),
        (nose, 1.2, half * 0.96),
        (nose, 0.42, half * 0.96),
    ]
    cab = Solid(loft(outline, model.colour))
    windscreen: Quad = (
        (-half * 0.96, 1.45, nose - 0.08),
        (half * 0.96, 1.45, nose - 0.08),
        (half * 0.9, top, nose - 0.5),
        (-half * 0.9, top, nose - 0.5),
    )
    front: Quad = ((-half, 0.42, nose), (half, 0.42, nose), (half, 1.2, nose), (-half, 1.2, nose))
    cab.details += [
        Face(patch(windscreen, (0.05, 0.95), (0.08, 0.78)), glass(model, 1.2)),
        Face(patch(windscreen, (0.0, 1.0), (0.84, 1.0)), model.trim),
        Face(patch(front, (0.0, 1.0), (0.0, 0.28)), BLACK),
        Face(patch(front, (0.25, 0.75), (0.4, 0.9)), shade(model.colour, 0.35)),
        *lamps(model, front, front=True, share=0.14, rows=(0.34, 0.58)),
        Face(patch(front, (0.38, 0.62), (0.08, 0.24)), WHITE_PLATE),
    ]
    for right in (-half * 0.96, half * 0.96):
        window = ((1.5, nose - 1.5), (1.5, nose - 0.35), (top - 0.25, nose - 0.65), (top - 0.25, nose - 1.5))
        cab.details.append(Face(tuple((right, up, forward) for up, forward in window), glass(model)))
    return cab


def _cargo(model: VehicleModel, back: float, end: float) -> Solid:
    half = model.width / 2
    tipper = model.variant % 3 == 1
    colour: Colour = model.trim if model.variant % 2 else (204, 204, 200)
    top = model.height * (0.72 if tipper else 1.0)
    cargo = Solid(box((back, end), (CARGO_FLOOR, top), (-half, half), colour))
    rear: Quad = ((-half, CARGO_FLOOR, back), (half, CARGO_FLOOR, back), (half, top, back), (-half, top, back))
    if model.variant % 2:  # a painted tailboard
        for row in range(3):
            tone = model.colour if row % 2 else shade(model.trim, 1.3)
            cargo.details.append(Face(patch(rear, (0.08, 0.92), (0.1 + 0.12 * row, 0.19 + 0.12 * row)), tone))
    for across in ((0.0, 0.03), (0.485, 0.515), (0.97, 1.0)):
        cargo.details.append(Face(patch(rear, across, (0.0, 1.0)), shade(colour, 0.55)))
    cargo.details.append(Face(patch(rear, (0.0, 1.0), (0.0, 0.06)), shade(colour, 0.5)))
    ribs = 8 if tipper or model.variant % 2 else 3
    for right in (-half, half):
        flank: Quad = ((right, CARGO_FLOOR, back), (right, CARGO_FLOOR, end), (right, top, end), (right, top, back))
        for rib in range(1, ribs):
            across = (rib / ribs - 0.006, rib / ribs + 0.006)
            cargo.details.append(Face(patch(flank, across, (0, 1)), shade(colour, 0.7)))
        if not tipper and model.variant % 4 == 2:
            cargo.details.append(Face(patch(flank, (0.15, 0.85), (0.4, 0.75)), model.colour))
    return cargo


def _rear_bumper(model: VehicleModel, back: float) -> Solid:
    half = model.width / 2 * 0.96
    end = back - 0.02
    bumper = Solid(box((end, back + 0.08), (0.5, 0.82), (-half, half), (58, 58, 60)))
    rear: Quad = ((-half, 0.5, end), (half, 0.5, end), (half, 0.82, end), (-half, 0.82, end))
    bumper.details += lamps(model, rear, front=False, share=0.16, rows=(0.3, 0.9))
    bumper.details.append(Face(patch(rear, (0.4, 0.6), (0.2, 0.8)), YELLOW_PLATE))
    return bumper


def _coach(model: VehicleModel, *, nose_slope: float, clearance: float) -> Solid:
    """Build a long body with a band of windows: buses and tram cars."""
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
                patch(upper, (0.05, 0.95) if wide else (0.14, 0.86), (0.02 if wide else 0.15, 0.7)), glass(model, 1.15)
            ),
            Face(patch(upper, (0.12, 0.88), (0.78, 0.94)), BLACK if wide else shade(model.colour, 0.8)),
            Face(patch(lower, (0.0, 1.0), (0.0, 0.2)), shade(model.colour, 0.35)),
            Face(patch(lower, (0.0, 1.0), (0.62, 0.8)), model.trim),
            *lamps(model, lower, front=front, share=0.12, rows=(0.3, 0.55)),
        ]
        if wide:
            body.details.append(Face(patch(upper, (0.3, 0.62), (0.81, 0.91)), (255, 176, 60), glows=True))
        else:
            body.details.append(Face(patch(lower, (0.42, 0.58), (0.25, 0.36)), YELLOW_PLATE))
    return body


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
        faces.append(Face(patch(skirt, (0, 1), (0.0, 0.16)), shade(model.colour, 0.45)))
        faces.append(Face(patch(flank, (0.01, 0.99), (0.04, 0.68)), BLACK))
        for pane in range(count):
            across = ((pane + 0.05) / count, (pane + 0.95) / count)
            faces.append(
                Face(patch(flank, across, (0.08, 0.64)), glass(model, 1.0 + 0.25 * ((pane * 7 + model.variant) % 3)))
            )
        for door in (0.08, 0.52) if model.kind == "tram" else (0.86,):
            faces.append(Face(patch(skirt, (door, door + 0.09), (0.1, 1.0)), glass(model, 0.9)))
            faces.append(Face(patch(skirt, (door + 0.042, door + 0.048), (0.1, 1.0)), shade(model.colour, 0.7)))
    return faces


def bus(model: VehicleModel) -> list[Solid]:
    """Build a single-deck bus."""
    axles = (-0.27 * model.length, 0.32 * model.length)
    return [_coach(model, nose_slope=0.12, clearance=0.32), *wheels(axles, model.width / 2 * 0.99, 0.48, 0.3)]


def tram(model: VehicleModel) -> list[Solid]:
    """Build a tram car: a long coach on bogies, with its gear on the roof."""
    half, height = model.width / 2, model.height
    coach = _coach(model, nose_slope=0.45, clearance=0.22)
    bogies = box((-0.46 * model.length, 0.46 * model.length), (0.0, 0.3), (-half * 0.8, half * 0.8), BLACK)
    # The roof is above the camera, so things on it appear behind the body.
    gear = box((-0.3 * model.length, 0.2 * model.length), (height, height + 0.28), (-half * 0.6, half * 0.6), METAL)
    return [Solid(bogies, layer=-1), Solid(gear, layer=-1), coach]
