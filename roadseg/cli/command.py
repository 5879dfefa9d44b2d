"""Command classes with help pages that show choices, and nothing behind flags."""

from typing import Any

from typer.core import TyperCommand, TyperGroup


def _without_flag_types(parameters: list[Any]) -> list[Any]:
    """Remove the type `<bool>`, which Typer writes behind each flag as if it took a value."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
    return parameters


class Command(TyperCommand):
    """A command of the program."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters for parsing and for the help page."""
        return _without_flag_types(super().get_params(ctx))


class CommandGroup(TyperGroup):
    """The program itself, or a command with sub-commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters for parsing and for the help page."""
        return _without_flag_types(super().get_params(ctx))
