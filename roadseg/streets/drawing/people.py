"""People on foot, bicycles and motorcycles with their riders: hulls of spheres."""

import math

import numpy as np

from roadseg.streets.classes import BICYCLE, MOTORCYCLE, PERSON, RIDER
from roadseg.streets.colours import shade
from roadseg.streets.drawing.canvas import Canvas
from roadseg.streets.drawing.puppet import Puppet
from roadseg.streets.scene import Colour, Figure, Person, TwoWheeler

SHOE: Colour = (34, 30, 28)
TYRE: Colour = (28, 28, 30)
STRIDE = 1.45
"""Length of a pair of steps in metres."""


def draw_person(canvas: Canvas, person: Person) -> None:
    """Draw a standing or walking person."""
    figure = person.figure
    puppet = Puppet(canvas, person.u, person.s, person.heading)
    h, swing = figure.height, math.sin(person.phase) * (0.24 if person.speed else 0.03)
    hip = 0.5 * h
    for side in (-1, 1):
        stride = swing * side * 0.5 * h
        foot = (
            side * 0.055 * h,
            0.03 * h + 0.1 * h * max(0.0, -side * math.cos(person.phase)) * (person.speed > 0),
            stride,
        )
        knee = (side * 0.055 * h, 0.28 * h, stride * 0.55 + 0.03 * h)
        puppet.limb([((side * 0.05 * h, hip, 0), 0.055 * h * figure.build), (knee, 0.042 * h)], figure.legs, PERSON)
        puppet.limb([(knee, 0.041 * h), (foot, 0.028 * h)], shade(figure.legs, 0.92), PERSON)
        toe = (foot[0], foot[1] - 0.012 * h, foot[2] + 0.08 * h)
        puppet.limb([(foot, 0.024 * h), (toe, 0.02 * h)], SHOE, PERSON)
    if figure.robe:
        hem = [((side * 0.07 * h, 0.14 * h, reach * h), 0.04 * h) for side in (-1, 1) for reach in (-0.05, 0.07)]
        puppet.limb([((0, 0.55 * h, 0), 0.085 * h * figure.build), *hem], figure.legs, PERSON, nearer=0.25)
    _upper_body(puppet, figure, hip, lean=0.0, arms=swing, label=PERSON)
    puppet.draw()


def _upper_body(puppet: Puppet, figure: Figure, hip: float, *, lean: float, arms: float, label: int) -> None:
    """Draw torso, swinging arms and head; `lean` is the distance in metres of the shoulders ahead of the hips."""
    h, breadth = figure.height, figure.build
    shoulder = hip + 0.32 * h
    trunk = [((side * 0.085 * h * breadth, shoulder - 0.03 * h, lean), 0.048 * h) for side in (-1, 1)]
    trunk += [((side * 0.05 * h * breadth, hip, 0), 0.055 * h) for side in (-1, 1)]
    puppet.limb(trunk, figure.top, label, nearer=0.02)
    for side in (-1, 1):
        top = (side * 0.125 * h * breadth, shoulder - 0.02 * h, lean)
        elbow = (side * 0.145 * h * breadth, shoulder - 0.19 * h, lean - arms * side * 0.3 * h)
        hand = (side * 0.14 * h * breadth, shoulder - 0.34 * h, lean - arms * side * 0.62 * h + 0.03 * h)
        puppet.limb([(top, 0.034 * h), (elbow, 0.028 * h)], shade(figure.top, 0.88), label)
        puppet.limb([(elbow, 0.026 * h), (hand, 0.02 * h)], shade(figure.top, 0.82), label)
        puppet.limb([(hand, 0.024 * h)], figure.skin, label)
    if figure.bag:
        strap = figure.bag * 0.16 * h * breadth
        puppet.limb(
            [((strap, hip, 0.0), 0.05 * h), ((strap, hip - 0.1 * h, 0.0), 0.06 * h)], shade(figure.hair, 1.6), label
        )
    _head(puppet, figure, shoulder, lean, label, helmet=None)


def _head(puppet: Puppet, figure: Figure, shoulder: float, lean: float, label: int, *, helmet: Colour | None) -> None:
    h = figure.height
    chin = (0.0, shoulder + 0.075 * h, lean + 0.01 * h)
    crown = (0.0, shoulder + 0.115 * h, lean + 0.005 * h)
    puppet.limb([((0.0, shoulder, lean), 0.03 * h), (chin, 0.032 * h)], shade(figure.skin, 0.85), label, nearer=0.03)
    puppet.limb([(chin, 0.04 * h), (crown, 0.05 * h)], figure.skin, label, nearer=0.05)
    if helmet is not None:
        puppet.limb([((0.0, crown[1] + 0.005 * h, lean - 0.01 * h), 0.075 * h)], helmet, label, nearer=0.09)
        visor = (0.0, crown[1] - 0.01 * h, lean + 0.05 * h)
        puppet.limb([(visor, 0.042 * h)], (30, 30, 34), label, nearer=0.09)
    else:
        hair = [
            ((0.0, crown[1] + 0.02 * h, lean - 0.012 * h), 0.05 * h),
            ((0.0, crown[1] - 0.02 * h, lean - 0.035 * h), 0.038 * h),
        ]
        puppet.limb(hair, figure.hair, label, nearer=0.05)


def draw_two_wheeler(canvas: Canvas, machine: TwoWheeler) -> None:
    """Draw a bicycle or motorcycle and its riders."""
    puppet = Puppet(canvas, machine.u, machine.s, machine.heading)
    if machine.motorised:
        _motorcycle(canvas, puppet, machine)
    else:
        _bicycle(canvas, puppet, machine)
    for seat, figure in enumerate(machine.riders):
        _rider(puppet, figure, machine, seat)
    puppet.draw()


def _wheel(
    canvas: Canvas, puppet: Puppet, middle: float, radius: float, tyre: float, label: int, *, disc: bool
) -> None:
    """Draw a wheel in the plane of travel, labelled as a disc, as annotators do, but transparent between the spokes."""
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    rim = [(0.0, radius * (1 + math.sin(a)), middle + radius * math.cos(a)) for a in turn]
    points = puppet.camera(rim)
    if points[:, 2].min() < 0.5:
        return
    depth = float(points[:, 2].mean())
    scale = canvas.view.focal / depth
    thickness = max(tyre * scale, 1.0)
    pixels = canvas.view.project(points)
    sideways = float(np.ptp(pixels[:, 0]))
    colour = canvas.tone(TYRE, depth)
    if sideways < 2.5 * thickness:  # seen from the end: only the tyre
        ends = puppet.camera([(0.0, tyre, middle), (0.0, 2 * radius - tyre, middle)])
        canvas.hull(canvas.view.project(ends), tyre / 2 * canvas.view.focal / ends[:, 2], colour, label)
        return
    if disc:
        canvas.fill(pixels, colour, label)
        inner = pixels.mean(0) + (pixels - pixels.mean(0)) * 0.62
        canvas.fill(inner, canvas.tone((120, 122, 126), depth), None)
        return
    canvas.ring(pixels, thickness, colour, label)


def _bicycle(canvas: Canvas, puppet: Puppet, machine: TwoWheeler) -> None:
    radius, reach = 0.34, 0.52
    for middle in (-reach, reach):
        _wheel(canvas, puppet, middle, radius, 0.045, BICYCLE, disc=False)
    crank, seat, head = (0.0, 0.3, -0.05), (0.0, 0.88, -0.22), (0.0, 0.9, 0.36)
    front, rear = (0.0, radius, reach), (0.0, radius, -reach)
    tubes = (
        (rear, crank),
        (rear, (0.0, 0.8, -0.2)),
        (crank, seat),
        (crank, (0.0, 0.78, 0.38)),
        ((0.0, 0.8, -0.2), head),
        (front, head),
    )
    for a, b in tubes:
        puppet.limb([(a, 0.02), (b, 0.02)], machine.colour, BICYCLE)
    puppet.limb([((-0.27, 1.0, 0.36), 0.018), ((0.27, 1.0, 0.36), 0.018)], (40, 40, 42), BICYCLE)
    puppet.limb([(head, 0.02), ((0.0, 1.0, 0.36), 0.02)], machine.colour, BICYCLE)
    puppet.limb([((0.0, 0.93, -0.34), 0.05), ((0.0, 0.92, -0.12), 0.03)], (36, 32, 30), BICYCLE)


def _motorcycle(canvas: Canvas, puppet: Puppet, machine: TwoWheeler) -> None:
    radius, reach = 0.29, 0.62
    for middle in (-reach, reach):
        _wheel(canvas, puppet, middle, radius, 0.12, MOTORCYCLE, disc=True)
    metal = (92, 94, 98)
    puppet.limb([((0.0, 0.36, -0.25), 0.14), ((0.0, 0.38, 0.22), 0.16)], metal, MOTORCYCLE)
    puppet.limb([((0.0, 0.78, -0.02), 0.13), ((0.0, 0.82, 0.28), 0.15)], machine.colour, MOTORCYCLE)
    puppet.limb([((0.0, 0.76, -0.72), 0.09), ((0.0, 0.74, -0.05), 0.11)], (34, 32, 32), MOTORCYCLE)
    puppet.limb([((0.0, 0.62, -0.7), 0.09), ((0.0, 0.58, -0.2), 0.12)], machine.colour, MOTORCYCLE)
    puppet.limb([((0.0, radius, reach), 0.05), ((0.0, 0.98, 0.36), 0.06)], metal, MOTORCYCLE)
    puppet.limb(
        [((0.0, radius * 2 + 0.04, reach - 0.16), 0.07), ((0.0, radius * 2 + 0.04, reach + 0.1), 0.06)],
        machine.colour,
        MOTORCYCLE,
    )
    puppet.limb([((-0.34, 1.02, 0.3), 0.025), ((0.34, 1.02, 0.3), 0.025)], (40, 40, 42), MOTORCYCLE)
    puppet.limb(
        [((0.0, 0.9, 0.46), 0.1)], (250, 246, 220) if machine.lights else (190, 192, 190), MOTORCYCLE, nearer=0.02
    )
    puppet.limb([((-0.05, 0.78, -0.82), 0.04), ((0.05, 0.78, -0.82), 0.04)], (220, 40, 34), MOTORCYCLE, nearer=0.1)
    puppet.limb([((0.16, 0.3, -0.7), 0.05), ((0.16, 0.32, 0.0), 0.04)], (150, 150, 152), MOTORCYCLE)


def _rider(puppet: Puppet, figure: Figure, machine: TwoWheeler, seat: int) -> None:
    """Draw a rider: thighs forward, shins down, hands on the bars, or on the rider in front."""
    h, motor = figure.height, machine.motorised
    hip = (0.92 if motor else 0.98) + 0.04 * seat
    back = (-0.1 if motor else -0.22) - 0.36 * seat
    lean = back + (0.1 if motor else 0.2)
    for side in (-1, 1):
        start = (side * 0.09, hip - 0.02, back)
        knee = (side * (0.2 if motor else 0.13), hip - 0.16, back + 0.4)
        push = 0.14 * side if not motor else 0.0
        foot = (side * (0.2 if motor else 0.12), 0.32 + push * 0.8, back + (0.18 if motor else 0.22))
        puppet.limb([(start, 0.095 * figure.build), (knee, 0.07)], figure.legs, RIDER, nearer=0.02)
        puppet.limb([(knee, 0.065), (foot, 0.045)], shade(figure.legs, 0.9), RIDER)
        puppet.limb([(foot, 0.05), ((foot[0], foot[1] - 0.03, foot[2] + 0.12), 0.04)], SHOE, RIDER)
    shoulder = hip + 0.3 * h
    trunk = [((side * 0.15 * figure.build, shoulder - 0.05, lean), 0.085) for side in (-1, 1)]
    trunk += [((side * 0.08 * figure.build, hip, back), 0.1) for side in (-1, 1)]
    puppet.limb(trunk, figure.top, RIDER, nearer=0.04)
    for side in (-1, 1):
        top = (side * 0.21 * figure.build, shoulder - 0.04, lean)
        elbow = (side * 0.28, shoulder - 0.26, lean + 0.14)
        hand = (side * 0.28, 1.04, 0.34) if seat == 0 else (side * 0.2, hip + 0.1, back + 0.3)
        puppet.limb([(top, 0.06), (elbow, 0.048)], shade(figure.top, 0.88), RIDER)
        puppet.limb([(elbow, 0.045), (hand, 0.035)], shade(figure.top, 0.84), RIDER)
    _head(puppet, figure, shoulder, lean + 0.02, RIDER, helmet=machine.helmet if seat == 0 else None)
