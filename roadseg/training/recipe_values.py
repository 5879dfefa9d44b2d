"""Keys and values of recipes as people write them, in files and on the command line: reading and first checks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from roadseg.errors import RecipeError
from roadseg.inputs.documents import parse_toml, read_toml
from roadseg.inputs.limits import MAX_SIDE, MIN_SIDE
from roadseg.training.keys import merged, nested

WHOLE = "whole"
"""Value of `crop` for whole images."""
RENAMED = {
    "accumulate": "accumulate_grad_batches",
    "adv_weight": "adversarial.weight (for lsd: lsd.adversarial_weight)",
    "auxiliary_adv_weight": "adversarial.auxiliary_weight",
    "auxiliary_entropy_weight": "minent.auxiliary_weight",
    "auxiliary_weight": "auxiliary_loss_weight",
    "average_decay": "ema_decay",
    "confidence": "self_training.pseudo_label_threshold",
    "discriminator_learning_rate": "adversarial.discriminator_learning_rate (for lsd: lsd.learning_rate)",
    "discriminator_upsample": "adversarial.discriminator_upsample",
    "discriminator_width": "adversarial.discriminator_width (for lsd: lsd.width)",
    "entropy_weight": "minent.weight",
    "gan": "adversarial.gan",
    "head_factor": "head_lr_multiplier",
    "kept_pseudo_labels": "pseudo_labels.keep_ratio",
    "map_stride": "adversarial.map_stride",
    "mask_ratio": "self_training.mask_ratio",
    "mirror": "horizontal_flip",
    "mixed_jitter": "self_training.jitter",
    "reconstruction_weight": "lsd.reconstruction_weight",
    "self_training_weight": "self_training.weight (for pseudo-labels: pseudo_labels.weight)",
}
"""Keys of recipes of an older form, with their new names."""


def refuse_renamed(values: Mapping[str, Any], *, origin: str) -> None:
    """Make sure that no key is of an older form of recipes.

    Raises:
        RecipeError: naming the new form of each.
    """
    renamed = [f"{key} is called {RENAMED[key]} now" for key in values if key in RENAMED]
    if renamed:
        tables = any("." in RENAMED[key] for key in values if key in RENAMED)
        remedy = "Write TABLE.KEY = VALUE as KEY = VALUE below the line [TABLE]; " if tables else ""
        raise RecipeError(f"{origin}: {'; '.join(renamed)}", f"{remedy}docs/recipes.md explains every key.")


def crop_sides(value: Any) -> Any:
    """Refuse what is no crop, neither [width, height] in pixels nor `WHOLE`; a validator.

    Checked by hand: for a union, pydantic reports one error for each alternative.

    Raises:
        ValueError: the value is no crop.
    """
    sides = value if isinstance(value, Sequence) and len(value) == 2 else ()
    pair = bool(sides) and all(isinstance(side, int) and MIN_SIDE <= side <= MAX_SIDE for side in sides)
    if value != WHOLE and not pair:
        raise ValueError(f'write [width, height], each {MIN_SIDE} to {MAX_SIDE}, or "whole"')
    return value


def one_or_several(value: Any) -> Any:
    """Return one data set as a string, several as a tuple; a validator, by hand like `crop_sides`.

    Raises:
        ValueError: the value is neither, or names a data set twice.
    """
    if isinstance(value, str):
        return value
    several = isinstance(value, Sequence) and value and all(isinstance(target, str) and target for target in value)
    if not several:
        raise ValueError('write one data set, or a list of several: ["frames/a", "frames/b"]')
    if len(set(value)) < len(value):
        raise ValueError(f"{list(value)} names a data set twice")
    return tuple(value) if len(value) > 1 else value[0]


def recipe_values(path: Path) -> dict[str, Any]:
    """Read the keys of a recipe file, unchecked.

    Raises:
        RecipeError: the file is missing, is not TOML, or has keys of an older form.
    """
    try:
        values = read_toml(path)
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such recipe", "List the recipes of the package with: roadseg recipes") from None
    except (OSError, ValueError) as error:
        remedy = "Compare it with one of the package: roadseg recipes NAME"
        raise RecipeError(f"{path}: not a readable TOML file: {error}", remedy) from error
    refuse_renamed(values, origin=str(path))
    return values


def parse_overrides(assignments: Sequence[str]) -> dict[str, Any]:
    """Parse `key=value` and `table.key=value` assignments; values are TOML, and a bare word is a string.

    Raises:
        RecipeError: an assignment has no `=`.
    """
    overrides: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise RecipeError(f"{assignment!r} is not an assignment", "Write --set key=value.")
        try:
            value = parse_toml(f"value = {text}")["value"]
        except ValueError:
            value = text
        overrides = merged(overrides, nested(key.strip(), value))
    return overrides
