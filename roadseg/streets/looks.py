"""The two looks: light, weather and camera of the images.

`game` is the labelled source: a clean virtual camera of varying build, in any light of the preset. `target` stands for
the recordings of one fleet: the same wide-angle dashcam mounted high, hazy late afternoons, and a cheap sensor with its
colour cast, blur, noise and compression. The contents of the streets are drawn alike for both.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from roadseg.streets.light import hazy_afternoon, sample_light
from roadseg.streets.presets import Preset
from roadseg.streets.sampling.draws import Range, between, chance, grey, hsv, pick, tint
from roadseg.streets.scene import Atmosphere, Camera, Colour

Look = Literal["game", "target"]
LOOKS: tuple[Look, ...] = ("game", "target")


@dataclass(frozen=True)
class Sensor:
    """Camera sensor: the way from light to an image file. Sizes in pixels are those at a width of 480 pixels."""

    exposure: float
    """Factor for all values."""
    gamma: float
    contrast: float
    """Slope around mid-grey."""
    lift: float
    """Brightness of black, 0..1."""
    balance: Colour
    """Factors of red, green and blue."""
    saturation: float
    vignette: float
    """Share of light lost in the corners."""
    blur: float
    """Standard deviation in pixels."""
    noise: float
    """Standard deviation, 0..1."""
    jpeg: int
    """Quality of JPEG compression, 1..100; 0 for none."""


def sample_atmosphere(rng: np.random.Generator, look: Look, preset: Preset) -> Atmosphere:
    """Draw light, air and sky: those of the preset for `game`, hazy afternoons for `target` unless it is night."""
    light = pick(rng, preset.light)
    return hazy_afternoon(rng) if look == "target" and light != "night" else sample_light(rng, light)


_FOCAL: dict[Look, Range] = {"game": (0.78, 1.3), "target": (0.7, 0.74)}
_HEIGHT: dict[Look, Range] = {"game": (1.15, 1.75), "target": (2.0, 2.15)}

_PANS: dict[Range, float] = {(-0.03, 0.03): 0.3, (-0.12, 0.12): 0.5, (-0.35, 0.35): 0.2}
"""Ranges of the camera's sideways turn, by weight; the largest stands for turning cars."""


def sample_camera(rng: np.random.Generator, look: Look) -> Camera:
    """Draw a camera: any plausible one for `game`, one model with mounting tolerances for `target`."""
    game = look == "game"
    return Camera(
        focal=between(rng, _FOCAL[look]),
        height=between(rng, _HEIGHT[look]),
        horizon=between(rng, (0.36, 0.54) if game else (0.375, 0.405)),
        pan=between(rng, pick(rng, _PANS)) if game else between(rng, (-0.03, 0.03)),
        roll=between(rng, (-0.018, 0.018))
        if game and chance(rng, 0.5)
        else (0.0 if game else between(rng, (0.006, 0.014))),
        distortion=0.0 if game else 0.13,
        bonnet=between(rng, (0.03, 0.13)) if game and chance(rng, 0.18) else 0.0,
        bonnet_colour=grey(rng, 20, 60, 4) if chance(rng, 0.6) else hsv(rng, (0.0, 1.0), (0.0, 0.6), (0.2, 0.9)),
        reflection=between(rng, (0.05, 0.3)) if game and chance(rng, 0.12) else 0.0,
        wiper=between(rng, (0.5, 2.4)) if game and chance(rng, 0.02) else 0.0,
    )


def sample_sensor(rng: np.random.Generator, look: Look) -> Sensor:
    """Draw a sensor."""
    if look == "game":
        return Sensor(
            exposure=between(rng, (0.85, 1.15)), gamma=between(rng, (0.75, 1.1)), contrast=between(rng, (0.95, 1.18)),
            lift=0.0, balance=tint(rng, 0.97, 1.03, 0.04), saturation=between(rng, (0.75, 1.25)), vignette=0.0,
            blur=between(rng, (0.0, 0.5)), noise=0.0, jpeg=0,
        )  # fmt: skip
    return Sensor(
        exposure=between(rng, (0.9, 1.1)), gamma=between(rng, (1.0, 1.2)), contrast=between(rng, (0.7, 0.8)),
        lift=between(rng, (0.05, 0.08)), balance=(1.06, 1.02, 0.84), saturation=between(rng, (0.5, 0.65)),
        vignette=between(rng, (0.34, 0.42)), blur=between(rng, (0.75, 1.0)), noise=between(rng, (0.022, 0.034)),
        jpeg=int(between(rng, (26, 38))),
    )  # fmt: skip
