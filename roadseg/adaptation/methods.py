"""Adaptation methods by name; a method's file is imported when the method is used, since it imports torch."""

from importlib import import_module
from typing import TYPE_CHECKING

from roadseg.errors import RecipeError

if TYPE_CHECKING:
    from roadseg.adaptation.method import Method

METHODS: dict[str, str] = {
    "source-only": "roadseg.adaptation.source_only:SourceOnly",
    "feature": "roadseg.adaptation.adversarial:FeatureLevel",
    "single-level": "roadseg.adaptation.adversarial:SingleLevel",
    "multi-level": "roadseg.adaptation.adversarial:MultiLevel",
    "advent": "roadseg.adaptation.adversarial:AdvEnt",
    "minent": "roadseg.adaptation.minent:MinEnt",
    "lsd": "roadseg.adaptation.lsd:LearningFromSynthetic",
    "pseudo-labels": "roadseg.adaptation.pseudo_labels:PseudoLabels",
    "self-training": "roadseg.adaptation.self_training:SelfTraining",
    "feature-distance": "roadseg.adaptation.feature_distance:FeatureDistance",
}
"""MODULE:CLASS by the name that recipes use. The last part of MODULE is the name of the method's table in a recipe."""


def option_table(name: str) -> str:
    """Return the name of the recipe table with the options of the method `name`: `adversarial` for `multi-level`."""
    return METHODS[name].partition(":")[0].rpartition(".")[2]


def method_class(name: str) -> "type[Method]":
    """Import the class of a method.

    Args:
        name: one of `METHODS`.
    """
    module, _, attribute = METHODS[name].partition(":")
    kind: type[Method] = getattr(import_module(module), attribute)
    return kind


def method_parts(method: str) -> list[str]:
    """Split the name of a method at each `+`: a method, then the extensions that are added to it.

    Raises:
        RecipeError: a part is unknown, or a later part is not an extension.
    """
    from roadseg.adaptation.method import Extension

    names = method.split("+")
    for place, name in enumerate(names):
        if name not in METHODS:
            raise RecipeError(f"unknown method {name!r}", f"Known: {', '.join(METHODS)}.")
        if place and not issubclass(method_class(name), Extension):
            raise RecipeError(f"{name!r} cannot be added to another method", "Write it alone, or before the +.")
    if len(set(names)) < len(names):
        raise RecipeError(f"method {method!r} names a part twice")
    return names
