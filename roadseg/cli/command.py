"""Command classes with help pages that show choices, and nothing behind flags."""

import inspect
from collections import defaultdict
from typing import Any

from typer.core import TyperCommand, TyperGroup

ELSEWHERE = (
    dict.fromkeys(("predict", "infer", "inference", "segment", "label", "render", "draw"), "overlay VIDEO --out DIR")
    | dict.fromkeys(("train", "finetune", "fit"), "adapt --target FRAMES --out RUN")
    | dict.fromkeys(("eval", "val", "validate", "test", "score"), "evaluate RUN KIND:ROOT")
    | dict.fromkeys(("download", "get"), "fetch URL --out DIR")
    | dict.fromkeys(("extract", "sample"), "frames VIDEO --out DIR")
    | dict.fromkeys(("benchmark", "profile"), "bench")
    | dict.fromkeys(("info", "check", "checks"), "doctor")
    | dict.fromkeys(("gui", "page", "serve", "ui", "web"), "app FOLDER")
    | dict.fromkeys(("generate", "synthesize"), "synth DIR")
)
"""Commands of other programs -> the command here that does the same."""


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


class Program(CommandGroup):
    """The program itself, whose help page is plain text: what Typer imports for another takes as long as all else."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Find the command of the first argument; one that other programs have is answered with its name here.

        Raises:
            UsageError: there is none.
        """
        here = ELSEWHERE.get(args[0].lower())
        if here:
            ctx.fail(f"No such command '{args[0]}'. Here it is: roadseg {here}")
        found: tuple[Any, Any, list[str]] = super().resolve_command(ctx, args)
        return found

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write usage, description, options and commands."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.format_options(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the first paragraph about each command, by panel."""
        commands: dict[str, Any] = dict(self.commands)
        panels = defaultdict(list)
        for name, command in commands.items():
            about = inspect.cleandoc(command.help or "").partition("\n\n")[0]
            panels[command.rich_help_panel].append((name, about))
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)
