"""Light, air and sky: one sampler for each kind of light."""

import math
from collections.abc import Callable

import numpy as np

from roadseg.streets.presets import Light
from roadseg.streets.sampling.draws import Range, between, chance, grey, hsv, index, tint
from roadseg.streets.scene import Atmosphere, Colour
from roadseg.streets.textures.bank import CLOUDS


def sample_light(rng: np.random.Generator, light: Light) -> Atmosphere:
    """Draw an atmosphere of a kind of light."""
    return _KINDS[light](rng)


def sun_direction(azimuth: float, elevation: float) -> tuple[float, float, float]:
    """Return the unit vector (right, up, ahead) towards the sun; angles in radians, azimuth 0 is straight ahead."""
    flat = math.cos(elevation)
    return math.sin(azimuth) * flat, math.sin(elevation), math.cos(azimuth) * flat


def scaled(colour: Colour, factor: float) -> Colour:
    """Return `colour` times a factor."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def _azimuth(rng: np.random.Generator) -> float:
    return between(rng, (-math.pi, math.pi))


def _sunny(rng: np.random.Generator, *, elevation: Range, warmth: Colour, low: bool) -> Atmosphere:
    """Draw a blue sky, more or less cloudy."""
    pale = hsv(rng, (0.52, 0.6), (0.04, 0.28), (0.9, 1.0))
    return Atmosphere(
        sun=scaled(warmth, between(rng, (0.42, 0.72))),
        ambient=scaled((0.95, 0.98, 1.05), between(rng, (0.42, 0.74))),
        sun_direction=sun_direction(_azimuth(rng), between(rng, elevation)),
        haze=hsv(rng, (0.5, 0.6), (0.02, 0.12), (0.8, 0.95)),
        visibility=10 ** between(rng, (2.4, 3.4)),
        zenith=hsv(rng, (0.55, 0.62), (0.25, 0.7), (0.68, 0.98)),
        horizon=hsv(rng, (0.08, 0.13), (0.1, 0.35), (0.9, 1.0)) if low else pale,
        clouds=index(rng, CLOUDS),
        cover=between(rng, (0.0, 0.62)),
        cloud_colour=grey(rng, 225, 252, 3),
        glow=between(rng, (0.3, 0.8)) if low or chance(rng, 0.3) else 0.0,
    )


def _clear(rng: np.random.Generator) -> Atmosphere:
    return _sunny(rng, elevation=(0.5, 1.25), warmth=(1.0, 0.97, 0.9), low=False)


def _golden(rng: np.random.Generator) -> Atmosphere:
    return _sunny(rng, elevation=(0.18, 0.4), warmth=(1.0, 0.86, 0.66), low=True)


def _backlit(rng: np.random.Generator) -> Atmosphere:
    """Draw the sun ahead or behind houses: a bright, often overexposed sky over streets in shade."""
    bright = between(rng, (225, 262))
    horizon = (bright, bright * between(rng, (0.97, 1.0)), bright * between(rng, (0.93, 1.02)))
    level = between(rng, (0.26, 0.5))
    return Atmosphere(
        sun=scaled((1.0, 0.93, 0.8), between(rng, (0.2, 0.55)) if chance(rng, 0.6) else 0.0),
        ambient=scaled(tint(rng, 0.97, 1.03, 0.04), level),
        sun_direction=sun_direction(between(rng, (-1.0, 1.0)), between(rng, (0.2, 0.6))),
        haze=scaled(horizon, between(rng, (0.6, 0.9))),
        visibility=10 ** between(rng, (2.2, 3.2)),
        zenith=hsv(rng, (0.54, 0.6), (0.1, 0.5), (0.8, 1.0)) if chance(rng, 0.5) else scaled(horizon, 0.97),
        horizon=horizon,
        clouds=index(rng, CLOUDS),
        cover=between(rng, (0.0, 0.8)),
        cloud_colour=grey(rng, 225, 255, 3),
        glow=between(rng, (0.2, 0.9)),
    )


def _overcast(rng: np.random.Generator) -> Atmosphere:
    level, sky = between(rng, (0.55, 1.05)), grey(rng, 170, 245, 6)
    return Atmosphere(
        sun=(0.0, 0.0, 0.0),
        ambient=scaled(tint(rng, 0.97, 1.03, 0.03), level),
        sun_direction=sun_direction(_azimuth(rng), 1.0),
        haze=grey(rng, 180, 225, 6),
        visibility=10 ** between(rng, (2.2, 3.0)),
        zenith=scaled(sky, between(rng, (0.7, 1.0))),
        horizon=sky,
        clouds=index(rng, CLOUDS),
        cover=between(rng, (0.3, 0.95)),
        cloud_colour=grey(rng, 150, 240, 4),
        glow=0.0,
    )


def _bright_haze(rng: np.random.Generator) -> Atmosphere:
    """Draw white or dusty air that hides distant things."""
    air = hsv(rng, (0.08, 0.14), (0.03, 0.16), (0.82, 0.95)) if chance(rng, 0.5) else grey(rng, 210, 244, 5)
    return Atmosphere(
        sun=scaled((1.0, 0.95, 0.85), between(rng, (0.1, 0.45))),
        ambient=scaled((1.0, 0.99, 0.97), between(rng, (0.5, 0.84))),
        sun_direction=sun_direction(_azimuth(rng), between(rng, (0.4, 1.2))),
        haze=scaled(air, 0.94),
        visibility=10 ** between(rng, (1.9, 2.4)),
        zenith=scaled(air, between(rng, (0.88, 1.02))),
        horizon=air,
        clouds=index(rng, CLOUDS),
        cover=between(rng, (0.0, 0.3)),
        cloud_colour=scaled(air, 1.02),
        glow=between(rng, (0.0, 0.5)),
    )


def _wet(rng: np.random.Generator) -> Atmosphere:
    """Draw the light after rain: dull, with a road that mirrors the sky."""
    level, sky = between(rng, (0.4, 0.75)), grey(rng, 150, 225, 6)
    return Atmosphere(
        sun=(0.0, 0.0, 0.0),
        ambient=scaled((0.97, 1.0, 1.03), level),
        sun_direction=sun_direction(0.0, 1.0),
        haze=scaled(sky, 0.92),
        visibility=10 ** between(rng, (1.9, 2.6)),
        zenith=scaled(sky, between(rng, (0.6, 0.95))),
        horizon=sky,
        clouds=index(rng, CLOUDS),
        cover=between(rng, (0.5, 1.0)),
        cloud_colour=grey(rng, 130, 210, 4),
        glow=0.0,
        wet=between(rng, (0.2, 0.55)),
    )


def _dusk(rng: np.random.Generator) -> Atmosphere:
    level = between(rng, (0.2, 0.55))
    warm = chance(rng, 0.5)
    horizon = (
        hsv(rng, (0.03, 0.12), (0.2, 0.6), (0.7, 0.95)) if warm else hsv(rng, (0.5, 0.62), (0.03, 0.3), (0.5, 0.9))
    )
    return Atmosphere(
        sun=scaled((1.0, 0.7, 0.5), between(rng, (0.0, 0.25))),
        ambient=scaled((0.9, 0.95, 1.08), level),
        sun_direction=sun_direction(_azimuth(rng), between(rng, (0.06, 0.2))),
        haze=scaled(horizon, 0.7),
        visibility=10 ** between(rng, (2.2, 2.8)),
        zenith=hsv(rng, (0.54, 0.68), (0.1, 0.6), (0.3, 0.7)),
        horizon=horizon,
        clouds=index(rng, CLOUDS),
        cover=between(rng, (0.0, 0.8)),
        cloud_colour=hsv(rng, (0.5, 1.1), (0.05, 0.35), (0.35, 0.7)),
        glow=between(rng, (0.0, 0.6)),
    )


def _night(rng: np.random.Generator) -> Atmosphere:
    """Draw lamps and headlights: bright nearby, black beyond. The haze is the dark into which things recede."""
    lamp = hsv(rng, (0.07, 0.13), (0.05, 0.4), (1.0, 1.0))
    dark = hsv(rng, (0.05, 0.66), (0.1, 0.5), (0.04, 0.14))
    return Atmosphere(
        sun=(0.0, 0.0, 0.0),
        ambient=scaled(lamp, between(rng, (0.3, 0.75)) / 255),
        sun_direction=sun_direction(0.0, 1.0),
        haze=dark,
        visibility=between(rng, (22.0, 70.0)),
        zenith=scaled(dark, between(rng, (0.3, 1.0))),
        horizon=scaled(dark, between(rng, (0.8, 1.8))),
        clouds=index(rng, CLOUDS),
        cover=between(rng, (0.0, 0.5)),
        cloud_colour=scaled(dark, 1.4),
        glow=0.0,
        wet=between(rng, (0.0, 0.4)) if chance(rng, 0.3) else 0.0,
        night=True,
    )


def hazy_afternoon(rng: np.random.Generator) -> Atmosphere:
    """Draw the light of the `target` look: a veiled low sun, or none; from quite light to dusk."""
    level = between(rng, (0.5, 0.9))
    veiled = chance(rng, 0.5)
    haze = hsv(rng, (0.08, 0.12), (0.14, 0.28), (0.68, 0.82))
    return Atmosphere(
        sun=scaled((1.0, 0.8, 0.56), between(rng, (0.25, 0.5)) * level if veiled else 0.0),
        ambient=scaled((1.02, 0.98, 0.92), level),
        sun_direction=sun_direction(between(rng, (-1.3, 1.3)), between(rng, (0.12, 0.4))),
        haze=scaled(haze, 0.72 + 0.4 * level),
        visibility=between(rng, (65.0, 160.0)),
        zenith=scaled(haze, (0.66 + 0.4 * level) * between(rng, (0.9, 1.05))),
        horizon=scaled(haze, 0.74 + 0.42 * level),
        clouds=index(rng, CLOUDS),
        cover=between(rng, (0.1, 0.5)),
        cloud_colour=scaled(haze, 0.8 + 0.3 * level),
        glow=between(rng, (0.1, 0.6)) if veiled else 0.0,
    )


_KINDS: dict[Light, Callable[[np.random.Generator], Atmosphere]] = {
    "clear": _clear,
    "golden": _golden,
    "backlit": _backlit,
    "overcast": _overcast,
    "bright haze": _bright_haze,
    "wet": _wet,
    "dusk": _dusk,
    "night": _night,
}
