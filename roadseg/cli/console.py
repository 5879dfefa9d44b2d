"""Output of commands: results on stdout, progress and warnings on stderr, errors in two lines.

This is the only module that prints. `--quiet` leaves only errors and results; `--json` replaces the result by one JSON
document on stdout; `--log-format json` makes everything on stderr JSON, an object a line.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.text import Text

from roadseg.cli.log_lines import LogLines, ProgressLine
from roadseg.errors import one_line, visible

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors and the result.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


class _DebugFlag:
    """State of `--debug`; `main` reads it when an error ends the program."""

    on = False


class _LogFormat:
    """State of `--log-format`, for all that is printed on stderr."""

    json = False


def _choose_log_format(value: str) -> str:
    _LogFormat.json = value == "json"
    return value


LogFormat = Annotated[
    Literal["text", "json"],
    typer.Option(
        help="Messages and progress on stderr as text, or as JSON: an object a line.",
        callback=_choose_log_format,
        is_eager=True,
    ),
]


def _turn_debug_on(value: bool) -> bool:
    _DebugFlag.on = _DebugFlag.on or value
    return value


Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.", callback=_turn_debug_on, is_eager=True)]


class SafeConsole(Console):
    """Console that shows control characters in names and titles escaped, and does not send them to the terminal."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return the text, before its width is measured."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Yield the segments of what is printed; only those that Rich makes itself may steer the terminal."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


class Reporter:
    """Prints what a command has to say, as `--quiet`, `--json` and `--log-format` ask for."""

    def __init__(self, *, quiet: bool = False, as_json: bool = False) -> None:
        self.as_json = as_json
        self._quiet = quiet or (as_json and not _LogFormat.json)
        self._out = SafeConsole(highlight=False, soft_wrap=True, emoji=False)
        self._err = SafeConsole(stderr=True, highlight=False, soft_wrap=True, emoji=False, quiet=self._quiet)

    def say(self, message: str) -> None:
        """Print a message (Rich markup) for people; silent with `--quiet`, and with `--json` but for a JSON log."""
        if not _LogFormat.json:
            self._err.print(message)
        elif not self._quiet:
            _log("info", "message", message=Text.from_markup(message).plain)

    def warn(self, message: str) -> None:
        """Print a warning, or not, as `say` does."""
        if not _LogFormat.json:
            self._err.print("warning: ", style="yellow", end="")
            self._err.print(one_line(message), markup=False)
        elif not self._quiet:
            _log("warning", "warning", message=message)

    def result(self, shown: RenderableType, data: Any) -> None:
        """Print the result of the command: `shown` for people, or `data` as JSON with `--json`."""
        if self.as_json:
            sys.stdout.write(json.dumps(data, indent=2, allow_nan=False) + "\n")
        else:
            self._out.print(shown)

    @contextmanager
    def bars(self, unit: str = "") -> Iterator["Bars"]:
        """Show progress bars with ETAs on stderr, one for each task, from its first call of `show` on.

        Where there is no terminal, or with `--log-format json`, a line every half a minute takes their place.
        """
        if self._quiet or (self._err.is_terminal and not _LogFormat.json):
            with self._progress(unit) as progress:
                yield _TerminalBars(progress)
        else:
            with LogLines(self._line, unit) as lines:
                yield lines

    def _progress(self, unit: str) -> "Progress":
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
        )

        class WithNotes(Progress):
            """Progress bars with notes on separate lines, since there is no room beside a bar."""

            def get_renderables(self) -> Iterable[RenderableType]:
                yield from super().get_renderables()
                notes = (task.fields["note"] for task in self.tasks)
                yield from (Text(note) for note in notes if note)

        return WithNotes(*columns, console=self._err, transient=True, disable=self._quiet)

    def _line(self, line: ProgressLine) -> None:
        if _LogFormat.json:
            _log("info", "progress", **line.as_dict())
        else:
            self._err.print(str(line), markup=False)


class Bars(Protocol):
    """Progress of tasks, by name: bars on a terminal, lines in a log."""

    def show(self, task: str, done: float, total: float | None, note: str = "") -> None:
        """Show that `done` of `total` units of `task` are done."""

    def hide(self, task: str) -> None:
        """Forget a task that ended early."""


class _TerminalBars:
    """Progress bars, by task name."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def show(self, task: str, done: float, total: float | None, note: str = "") -> None:
        """Show that `done` of `total` units of `task` are done; a finished bar is removed."""
        if task not in self._tasks:
            self._tasks[task] = self._progress.add_task(escape(task), total=total, note=note)
        self._progress.update(self._tasks[task], completed=done, total=total, note=note)
        if total is not None and done >= total:
            self.hide(task)

    def hide(self, task: str) -> None:
        """Remove the bar of a task that ended early, if it has one."""
        if task in self._tasks:
            self._progress.remove_task(self._tasks.pop(task))


def fail(message: str, remedy: str = "") -> None:
    """Print an error and its remedy on stderr."""
    if _LogFormat.json:
        _log("error", "error", message=message, remedy=remedy)
        return
    err = SafeConsole(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    err.print("error: ", style="bold red", end="")
    err.print(one_line(message), markup=False)
    if remedy:
        err.print(f"       {one_line(remedy)}", markup=False)


def _log(level: Literal["info", "warning", "error"], event: str, **fields: Any) -> None:
    """Print a line of the log as JSON."""
    record = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, "event": event, **fields}
    sys.stderr.write(json.dumps(record) + "\n")
    sys.stderr.flush()


def debug_wanted() -> bool:
    """Return True if `--debug` was given."""
    return _DebugFlag.on
