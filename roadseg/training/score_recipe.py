"""Recipes that score a run instead of training one: `roadseg run` makes one table by drive of several data sets."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import BeforeValidator, Field, NonNegativeInt, ValidationError

from roadseg.errors import RecipeError, mistakes
from roadseg.inputs.options import Options

SETS = "sets"
"""Key that makes a recipe one of scores."""
Variant = Literal["plain", "flip", "adapt-bn", "adapt-bn+flip"]
"""Test-time options that a run is scored with."""


def several(value: Any) -> Any:
    """Put a single text into a list; a validator."""
    return [value] if isinstance(value, str) else value


class FlatRecipe(Options):
    """Base class of the recipes that train nothing."""

    def as_toml(self) -> str:
        """Return the recipe with all defaults as TOML; keys without a value are left out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))

    @classmethod
    def resolve(cls, values: Mapping[str, Any], *, origin: str) -> Self:
        """Check the keys of a recipe and fill in the defaults.

        Raises:
            RecipeError: listing all mistakes at once.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            cause = f"{origin}: {mistakes(error, list(cls.model_fields))}"
            raise RecipeError(cause, "docs/recipes.md explains every key.") from None


class ScoreRecipe(FlatRecipe):
    """A run, the data sets that it is scored on, and the test-time options that it is scored with."""

    # Scores
    run: str = "default"
    """For `roadseg run`: the run to score: a run folder, `default` or `indian`."""
    sets: Annotated[tuple[str, ...], BeforeValidator(several), Field(min_length=1, validate_default=True)] = ()
    """Labelled data sets, as KIND:ROOT[:SPLIT]; one whose folder is missing is left out with a notice."""
    root: str = "data"
    """Folder below which the data sets are, unless their paths are absolute."""
    drives: tuple[NonNegativeInt, ...] = ()
    """Seeds of drives to render in the `target` look, on first use; their mean is one of its own."""
    variants: Annotated[tuple[Variant, ...], BeforeValidator(several), Field(min_length=1)] = ("plain",)
    """Test-time options to score with: none, `--flip`, `--adapt-bn` or both."""
    engine: Literal["exact", "auto", "torch", "openvino"] = "exact"
    """Engine to score with: `exact` as papers do, `auto` what overlays draw."""
