"""Vehicles, parked and moving, and two-wheelers."""

import math
from collections.abc import Iterator

import numpy as np

from roadseg.streets.sampling.draws import between, chance, grey, hsv, index, pick, sign, varied
from roadseg.streets.sampling.layout import Lane, Layout
from roadseg.streets.sampling.people import sample_figure
from roadseg.streets.sampling.settings import Setting
from roadseg.streets.scene import Colour, TwoWheeler, Vehicle, VehicleKind, VehicleModel

SEEN = 110.0
"""Distance ahead of the camera in metres within which traffic is drawn."""
_SIZES: dict[VehicleKind, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "saloon": ((4.3, 4.9), (1.74, 1.88), (1.4, 1.48)),
    "hatchback": ((3.5, 4.3), (1.62, 1.8), (1.42, 1.56)),
    "estate": ((4.2, 4.8), (1.72, 1.85), (1.44, 1.56)),
    "suv": ((4.2, 4.9), (1.8, 1.95), (1.62, 1.85)),
    "van": ((4.6, 6.0), (1.85, 2.1), (1.9, 2.6)),
    "rickshaw": ((2.6, 2.8), (1.25, 1.35), (1.68, 1.78)),
    "truck": ((6.0, 10.0), (2.2, 2.5), (2.9, 3.8)),
    "bus": ((9.5, 12.5), (2.4, 2.55), (2.9, 3.3)),
    "tram": ((13.0, 17.0), (2.3, 2.45), (3.3, 3.6)),
}
_LORRIES: dict[Colour, float] = {
    (208.0, 104.0, 36.0): 0.35,
    (224.0, 180.0, 60.0): 0.2,
    (150.0, 46.0, 38.0): 0.2,
    (52.0, 92.0, 140.0): 0.15,
    (70.0, 120.0, 76.0): 0.1,
}
"""Paints of Indian lorries."""
_CARS: dict[VehicleKind, float] = {"saloon": 0.26, "hatchback": 0.34, "estate": 0.14, "suv": 0.18, "van": 0.08}


def sample_traffic(
    rng: np.random.Generator, setting: Setting, layout: Layout, length: float, speed: float, lights: float
) -> Iterator[Vehicle | TwoWheeler]:
    """Fill a street of `length` metres with vehicles.

    Args:
        rng: source of all draws.
        setting: the kind of street.
        layout: its cross-section.
        length: distance that the camera will drive; 0 for a still.
        speed: speed of the camera in m/s.
        lights: chance that a vehicle has its lights on.
    """
    duration = length / speed
    for side, parked in zip((-1, 1), layout.parking, strict=True):
        yield from _parked(rng, setting, layout, side, parked, length)
    for lane in layout.lanes:
        yield from _lane(rng, setting, layout, lane, duration, speed, lights)
    if length == 0:
        yield from _crossing(rng, setting, layout, lights)
    yield from _two_wheelers(rng, setting, layout, length, speed, lights)


def sample_model(rng: np.random.Generator, kind: VehicleKind, lights: float, *, warm: bool = False) -> VehicleModel:
    """Draw the looks of a vehicle; in `warm` countries lorries are painted brightly."""
    length, width, height = (between(rng, limits) for limits in _SIZES[kind])
    colour, trim = _paint(rng), grey(rng, 50, 220)
    if kind == "rickshaw":
        colour, trim = pick(
            rng,
            {
                ((232.0, 186.0, 20.0), (34.0, 34.0, 36.0)): 0.4,
                ((38.0, 122.0, 62.0), (230.0, 190.0, 40.0)): 0.35,
                ((30.0, 30.0, 32.0), (236.0, 196.0, 34.0)): 0.25,
            },
        )
    elif kind in ("truck", "bus", "tram"):
        trim = hsv(rng, (0.0, 1.0), (0.2, 0.85), (0.35, 0.9))
        if warm and kind == "truck":
            colour = pick(rng, _LORRIES)
        elif chance(rng, 0.6):
            colour = hsv(rng, (0.0, 1.0), (0.2, 0.8), (0.3, 0.85))
    return VehicleModel(
        kind,
        length,
        width,
        height,
        varied(rng, colour, 0.08),
        trim,
        between(rng, (22, 62)),
        index(rng, 12),
        chance(rng, lights),
    )


def _paint(rng: np.random.Generator) -> Colour:
    """Draw a car colour as on real roads: mostly white, grey and black."""
    kind = pick(rng, {"white": 0.24, "silver": 0.24, "dark": 0.2, "red": 0.11, "blue": 0.12, "any": 0.09})
    if kind == "white":
        return grey(rng, 215, 245, 4)
    if kind == "silver":
        return grey(rng, 120, 195, 6)
    if kind == "dark":
        return grey(rng, 22, 65, 6)
    if kind == "red":
        return hsv(rng, (0.96, 1.02), (0.65, 0.9), (0.4, 0.8))
    if kind == "blue":
        return hsv(rng, (0.56, 0.66), (0.4, 0.85), (0.3, 0.75))
    return hsv(rng, (0.0, 1.0), (0.3, 0.8), (0.3, 0.85))


def _parked(
    rng: np.random.Generator, setting: Setting, layout: Layout, side: int, bays: bool, length: float
) -> Iterator[Vehicle]:
    if not bays and not (setting.parking and chance(rng, 0.15)):
        return
    density, forward = between(rng, (0.3, 0.9)), chance(rng, 0.75)
    half_on_sidewalk = not bays
    s = between(rng, (-5.0, 8.0))
    end = length + 75
    while s < end:
        kind = "rickshaw" if chance(rng, setting.rickshaws * 0.7) else pick(rng, _CARS)
        model = sample_model(rng, kind, 0.0)
        s += model.length / 2
        if chance(rng, density) and not layout.blocked(s - 3.5, s + 3.5):
            inward = -0.35 if half_on_sidewalk else 0.22 + model.width / 2
            turned = 0.0 if forward == (chance(rng, 0.9)) else math.pi
            yield Vehicle(model, layout.edge(side) - side * inward, s, turned + between(rng, (-0.04, 0.04)))
        s += model.length / 2 + between(rng, (0.7, 2.6))


def _lane(
    rng: np.random.Generator,
    setting: Setting,
    layout: Layout,
    lane: Lane,
    duration: float,
    speed: float,
    lights: float,
) -> Iterator[Vehicle]:
    """Draw a queue of equally fast vehicles in one lane, over the stretch that can come into view."""
    tram = lane.tram and chance(rng, 0.62)
    if not tram and not chance(rng, setting.traffic):
        return
    ours = abs(lane.u) < 0.5 * layout.lane_width
    if ours:
        pace, start, end = speed, between(rng, (7.0, 32.0)), SEEN
    else:
        pace = lane.direction * speed * between(rng, (0.75, 1.15))
        drift = (speed - pace) * duration
        start = between(rng, (1.0, 30.0)) + min(drift, 0.0)
        end = SEEN + max(drift, 0.0)
    ahead = 0.0 if lane.direction > 0 else math.pi
    queue = chance(rng, 0.35)
    s = start
    count = 0
    while s < end and (count < 5 or duration > 0):
        kind = _moving_kind(rng, setting, first_tram=tram and count == 0)
        model = sample_model(rng, kind, lights, warm=setting.warm)
        s += model.length / 2
        sideways = 0.0 if kind == "tram" else between(rng, (-0.25, 0.25)) * (1 + 3 * setting.loose)
        heading = ahead + between(rng, (-0.12, 0.12)) * setting.loose
        yield Vehicle(model, lane.u + sideways, s, heading, pace)
        s += model.length / 2 + (between(rng, (1.6, 5.0)) if queue else between(rng, (5.0, 32.0)))
        count += 1


def _crossing(rng: np.random.Generator, setting: Setting, layout: Layout, lights: float) -> Iterator[Vehicle]:
    """Draw vehicles that cross or turn at side streets, seen from the side."""
    for junction in layout.junctions:
        if chance(rng, 0.4):
            model = sample_model(rng, _moving_kind(rng, setting, first_tram=False), lights, warm=setting.warm)
            across = sign(rng) * math.pi / 2 + between(rng, (-0.5, 0.5))
            u = between(rng, (layout.road[0] - 5.0, layout.road[1] + 5.0))
            yield Vehicle(model, u, between(rng, (junction.start, junction.end)), across)


def _moving_kind(rng: np.random.Generator, setting: Setting, *, first_tram: bool) -> VehicleKind:
    if first_tram:
        return "tram"
    mark = rng.random()
    if mark < setting.heavy:
        return "truck" if chance(rng, 0.65 if setting.warm else 0.52) else "bus"
    if mark < setting.heavy + setting.rickshaws:
        return "rickshaw"
    return pick(rng, _CARS)


def _two_wheelers(
    rng: np.random.Generator, setting: Setting, layout: Layout, length: float, speed: float, lights: float
) -> Iterator[TwoWheeler]:
    """Draw riders along the edges of the road, and parked machines on the sidewalks."""
    for _ in range(int(rng.poisson(setting.two_wheelers * (length + 50) / 100 * 1.15))):
        side = sign(rng)
        motorised = chance(rng, setting.motorised)
        s = between(rng, (3.5, length + 50))
        edge = layout.edge(side)
        paint = _paint(rng)
        if chance(rng, 0.24):
            yield TwoWheeler(
                motorised, edge + side * between(rng, (0.3, 0.9)), s, between(rng, (0, 6.28)), 0.0, paint, (), None
            )
            continue
        direction = 1 if (side < 0) == layout.left_hand else -1
        room = between(rng, (0.4, 1.2)) + 2.2 * layout.parking[(side + 1) // 2]
        u = edge - side * room
        if abs(u) < 1.1 and length > 0:
            continue
        pace = direction * (between(rng, (0.7, 1.2)) * speed if motorised else between(rng, (3.0, 5.5)))
        s -= (pace - speed if direction > 0 else pace) * 0.5 * length / speed if length else 0.0
        heading = (0.0 if direction > 0 else math.pi) + between(rng, (-0.12, 0.12))
        # Right in front of the camera, as in dense traffic.
        if length == 0 and chance(rng, 0.15 if setting.warm else 0.08):
            u, s = between(rng, (-2.2, 2.2)), between(rng, (4.5, 16.0))
            heading = between(rng, (-0.15, 0.15))
        elif length == 0 and chance(rng, 0.15):
            u, heading = between(rng, (layout.road[0], layout.road[1])), between(rng, (0, 6.28))
        pillion = 0.45 if setting.warm else 0.2
        riders = tuple(sample_figure(rng, setting) for _ in range(2 if motorised and chance(rng, pillion) else 1))
        helmet = (
            varied(rng, hsv(rng, (0, 1), (0, 0.8), (0.1, 0.9)), 0.1)
            if chance(rng, (0.45 if setting.warm else 0.9) if motorised else 0.35)
            else None
        )
        yield TwoWheeler(motorised, u, s, heading, pace, paint, riders, helmet, chance(rng, lights))
