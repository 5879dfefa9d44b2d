"""Scenes by name: their kinds of streets and light. A set of images mixes them by weight."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from roadseg.errors import InputError

Light = Literal["clear", "golden", "backlit", "overcast", "bright haze", "wet", "dusk", "night"]
Scenes = Mapping[str, float]
"""Names of presets, with weights of any scale."""


@dataclass(frozen=True)
class Preset:
    """Kinds of streets (see `sampling.settings`) and kinds of light, both by weight."""

    streets: dict[str, float]
    light: dict[Light, float]
    """Light of the `game` look; `target` has its own light, except at night."""


_DAY: dict[Light, float] = {
    "clear": 0.3, "golden": 0.1, "backlit": 0.22, "overcast": 0.2, "bright haze": 0.06, "wet": 0.05, "dusk": 0.07,
}  # fmt: skip
PRESETS: dict[str, Preset] = {
    "european": Preset(
        {"street canyon": 0.44, "high street": 0.15, "city": 0.15, "avenue": 0.1, "suburb": 0.09, "park": 0.07},
        _DAY,
    ),
    "indian": Preset(
        {"dense bazaar": 0.16, "bazaar": 0.26, "compound road": 0.3, "trunk road": 0.28},
        {"clear": 0.34, "golden": 0.12, "backlit": 0.16, "overcast": 0.12, "bright haze": 0.2, "dusk": 0.06},
    ),
    "highway": Preset(
        {"motorway": 0.6, "country road": 0.4},
        _DAY,
    ),
    "night": Preset(
        {"high street": 0.2, "city": 0.25, "avenue": 0.2, "suburb": 0.15, "bazaar": 0.1, "motorway": 0.1},
        {"night": 1.0},
    ),
}
DEFAULT_SCENES: Scenes = {"european": 0.56, "indian": 0.26, "highway": 0.1, "night": 0.08}


def mixture(scenes: Scenes | str) -> dict[str, float]:
    """Return the scenes with weights that add up to 1, in the order of `PRESETS`, without those of weight 0.

    Args:
        scenes: presets with weights of any scale, also as text: `european=0.7,indian=0.3`, or `indian` alone.

    Raises:
        InputError: a preset is unknown, a weight is below 0, none is above 0, or the text has another form.
    """
    if isinstance(scenes, str):
        return parse_scenes(scenes)
    for name, weight in scenes.items():
        if name not in PRESETS:
            raise InputError(f"there are no scenes called {name!r}", f"Scenes: {', '.join(PRESETS)}.")
        if not (weight >= 0 and math.isfinite(weight)):
            raise InputError(f"scenes {name!r} have weight {weight}", "Weights are numbers of 0 or more.")
    total = sum(scenes.values())
    if not total > 0:
        raise InputError("no scenes are chosen", f"Give one of {', '.join(PRESETS)} a weight above 0.")
    return {name: scenes[name] / total for name in PRESETS if scenes.get(name)}


def parse_scenes(text: str) -> dict[str, float]:
    """Read `european=0.5,indian=0.5`, or `indian` alone, as a mixture.

    Raises:
        InputError: the text has another form, or names an unknown preset.
    """
    scenes: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = (piece.strip() for piece in part.partition("="))
        try:
            scenes[name] = float(weight or 1)
        except ValueError:
            raise InputError(
                f"{part.strip()!r} is not a preset with a weight", "Write for example european=0.5,indian=0.5."
            ) from None
    return mixture(scenes)
