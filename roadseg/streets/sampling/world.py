"""Sampler of a whole street."""

import numpy as np

from roadseg.streets.presets import Preset
from roadseg.streets.sampling.draws import pick
from roadseg.streets.sampling.ground import sample_street
from roadseg.streets.sampling.layout import sample_layout
from roadseg.streets.sampling.people import sample_cattle, sample_people
from roadseg.streets.sampling.roadside import sample_ridges, sample_roadside
from roadseg.streets.sampling.settings import SETTINGS
from roadseg.streets.sampling.traffic import sample_traffic
from roadseg.streets.scene import Atmosphere, Scene, StreetObject


def sample_scene(
    rng: np.random.Generator, preset: Preset, atmosphere: Atmosphere, *, length: float = 0.0, speed: float = 9.0
) -> Scene:
    """Draw a street with everything in it.

    Args:
        rng: source of all draws.
        preset: kinds of streets to choose from.
        atmosphere: light and air; vehicles have their lights on in the dark.
        length: metres that the camera will drive along it; 0 for a still.
        speed: mean speed of the camera in m/s, which the traffic follows.
    """
    setting = SETTINGS[pick(rng, preset.streets)]
    layout = sample_layout(rng, setting, length + 100)
    daylight = max(atmosphere.ambient) + max(atmosphere.sun)
    lights = 0.12 if daylight > 0.7 else 0.85
    street = sample_street(rng, setting, layout, length + 100)
    objects: list[StreetObject] = []
    objects += sample_roadside(rng, setting, layout, length)
    objects += sample_traffic(rng, setting, layout, length, speed, lights)
    objects += sample_people(rng, setting, layout, length)
    objects += sample_cattle(rng, setting, layout, length)
    return Scene(street, atmosphere, sample_ridges(rng, setting, night=atmosphere.night), tuple(objects))
