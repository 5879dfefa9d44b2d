"""The two looks: what light, weather and camera their pictures are taken with.

`game` is the labelled source: a clean virtual camera of varying build, clear bright colours, light from noon to dusk.
`target` stands for one fleet's recordings: the same wide-angle dashcam mounted high, hazy late afternoons, and a
cheap sensor with its colour cast, blur, noise and compression. What stands in the streets is drawn alike for both.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from roadseg.streets.sampling.draws import Range, between, chance, grey, hsv, index, pick, tint
from roadseg.streets.scene import Atmosphere, Camera, Colour
from roadseg.streets.textures.bank import CLOUDS

Look = Literal["game", "target"]
LOOKS: tuple[Look, ...] = ("game", "target")


@dataclass(frozen=True)
class Sensor:
    """What happens to light on its way to a picture file. Sizes in pixels are those of a 480 pixels wide picture."""

    exposure: float
    """Factor of all values."""
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


def sample_atmosphere(rng: np.random.Generator, look: Look) -> Atmosphere:
    """Draw light, air and sky."""
    return _game_atmosphere(rng) if look == "game" else _target_atmosphere(rng)


def _sun_direction(azimuth: float, elevation: float) -> tuple[float, float, float]:
    """Unit vector (right, up, ahead) towards the sun, angles in radians; azimuth 0 is straight ahead."""
    flat = math.cos(elevation)
    return math.sin(azimuth) * flat, math.sin(elevation), math.cos(azimuth) * flat


def _scaled(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def _game_atmosphere(rng: np.random.Generator) -> Atmosphere:
    kind = pick(rng, {"clear": 0.42, "golden": 0.14, "overcast": 0.26, "bright haze": 0.1, "dusk": 0.08})
    azimuth, clouds = between(rng, (-math.pi, math.pi)), index(rng, CLOUDS)
    if kind == "overcast":
        level = between(rng, (0.75, 1.1))
        sky = grey(rng, 185, 245, 6)
        return Atmosphere(
            sun=(0.0, 0.0, 0.0), ambient=_scaled(tint(rng, 0.97, 1.03, 0.03), level),
            sun_direction=_sun_direction(azimuth, 1.0),
            haze=grey(rng, 190, 225, 6), visibility=10 ** between(rng, (2.2, 3.0)),
            zenith=_scaled(sky, between(rng, (0.78, 1.0))), horizon=sky, clouds=clouds, cover=between(rng, (0.3, 0.9)),
            cloud_colour=grey(rng, 190, 240, 4), glow=0.0,
        )  # fmt: skip
    if kind == "dusk":
        level = between(rng, (0.38, 0.6))
        horizon = hsv(rng, (0.03, 0.12), (0.25, 0.6), (0.7, 0.95))
        return Atmosphere(
            sun=_scaled((1.0, 0.7, 0.5), between(rng, (0.0, 0.25))), ambient=_scaled((0.86, 0.92, 1.12), level),
            sun_direction=_sun_direction(azimuth, between(rng, (0.06, 0.2))), haze=_scaled(horizon, 0.75),
            visibility=10 ** between(rng, (2.2, 2.8)), zenith=hsv(rng, (0.58, 0.72), (0.3, 0.6), (0.3, 0.6)),
            horizon=horizon, clouds=clouds, cover=between(rng, (0.0, 0.7)),
            cloud_colour=hsv(rng, (0.8, 1.1), (0.1, 0.4), (0.4, 0.7)), glow=between(rng, (0.2, 0.6)),
        )  # fmt: skip
    low = kind == "golden"
    strength = between(rng, (0.45, 0.68))
    blue = hsv(rng, (0.54, 0.6), (0.45, 0.75), (0.75, 0.98))
    pale = hsv(rng, (0.52, 0.6), (0.08, 0.28), (0.9, 1.0))
    hazy = kind == "bright haze"
    return Atmosphere(
        sun=_scaled((1.0, 0.86, 0.66) if low else (1.0, 0.97, 0.9), strength * (0.75 if hazy else 1.0)),
        ambient=_scaled((0.95, 0.98, 1.05), between(rng, (0.56, 0.76)) + (0.1 if hazy else 0.0)),
        sun_direction=_sun_direction(azimuth, between(rng, (0.18, 0.4) if low else (0.5, 1.25))),
        haze=hsv(rng, (0.5, 0.6), (0.02, 0.12), (0.85, 0.95)),
        visibility=10 ** (between(rng, (1.9, 2.4)) if hazy else between(rng, (2.5, 3.4))),
        zenith=_scaled(pale, 0.95) if hazy else blue,
        horizon=hsv(rng, (0.08, 0.13), (0.1, 0.35), (0.9, 1.0)) if low else pale,
        clouds=clouds,
        cover=between(rng, (0.0, 0.62)),
        cloud_colour=grey(rng, 235, 252, 3),
        glow=between(rng, (0.3, 0.8)) if low or chance(rng, 0.3) else 0.0,
    )


def _target_atmosphere(rng: np.random.Generator) -> Atmosphere:
    """Hazy late afternoons: a veiled low sun, or none; from quite light to dusk."""
    level = between(rng, (0.5, 0.9))
    veiled = chance(rng, 0.5)
    haze = hsv(rng, (0.08, 0.12), (0.14, 0.28), (0.68, 0.82))
    return Atmosphere(
        sun=_scaled((1.0, 0.8, 0.56), between(rng, (0.25, 0.5)) * level if veiled else 0.0),
        ambient=_scaled((1.02, 0.98, 0.92), level),
        sun_direction=_sun_direction(between(rng, (-1.3, 1.3)), between(rng, (0.12, 0.4))),
        haze=_scaled(haze, 0.72 + 0.4 * level),
        visibility=between(rng, (65.0, 160.0)),
        zenith=_scaled(haze, (0.66 + 0.4 * level) * between(rng, (0.9, 1.05))),
        horizon=_scaled(haze, 0.74 + 0.42 * level),
        clouds=index(rng, CLOUDS),
        cover=between(rng, (0.1, 0.5)),
        cloud_colour=_scaled(haze, 0.8 + 0.3 * level),
        glow=between(rng, (0.1, 0.6)) if veiled else 0.0,
    )


_FOCAL: dict[Look, Range] = {"game": (0.78, 1.3), "target": (0.7, 0.74)}
_HEIGHT: dict[Look, Range] = {"game": (1.15, 1.75), "target": (2.0, 2.15)}


def sample_camera(rng: np.random.Generator, look: Look) -> Camera:
    """Draw a camera: any within reason for `game`, one model with mounting tolerances for `target`."""
    game = look == "game"
    return Camera(
        focal=between(rng, _FOCAL[look]),
        height=between(rng, _HEIGHT[look]),
        horizon=between(rng, (0.36, 0.54) if game else (0.375, 0.405)),
        pan=between(rng, (-0.12, 0.12) if game and chance(rng, 0.7) else (-0.03, 0.03)),
        roll=between(rng, (-0.018, 0.018))
        if game and chance(rng, 0.5)
        else (0.0 if game else between(rng, (0.006, 0.014))),
        distortion=0.0 if game else 0.13,
        bonnet=between(rng, (0.03, 0.09)) if game and chance(rng, 0.12) else 0.0,
    )


def sample_sensor(rng: np.random.Generator, look: Look) -> Sensor:
    """Draw how light becomes a picture."""
    if look == "game":
        return Sensor(
            exposure=between(rng, (0.85, 1.15)), gamma=between(rng, (0.75, 1.1)), contrast=between(rng, (0.95, 1.18)),
            lift=0.0, balance=tint(rng, 0.97, 1.03, 0.04), saturation=between(rng, (0.95, 1.4)), vignette=0.0,
            blur=between(rng, (0.0, 0.5)), noise=0.0, jpeg=0,
        )  # fmt: skip
    return Sensor(
        exposure=between(rng, (0.9, 1.1)), gamma=between(rng, (1.0, 1.2)), contrast=between(rng, (0.7, 0.8)),
        lift=between(rng, (0.05, 0.08)), balance=(1.06, 1.02, 0.84), saturation=between(rng, (0.5, 0.65)),
        vignette=between(rng, (0.34, 0.42)), blur=between(rng, (0.75, 1.0)), noise=between(rng, (0.022, 0.034)),
        jpeg=int(between(rng, (26, 38))),
    )  # fmt: skip
