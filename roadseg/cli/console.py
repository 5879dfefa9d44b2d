"""Output of commands: results on stdout, progress and warnings on stderr, errors in two lines.

This is the only module that prints. `--quiet` leaves only errors and results; `--json` replaces the result by one JSON
document on stdout.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from roadseg.errors import one_line, visible

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors and the result.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

LINE_SECONDS = 30.0
"""Seconds between lines about progress where there is no terminal."""


class _DebugFlag:
    """State of `--debug`; `main` reads it when an error ends the program."""

    on = False


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
    """Prints what a command has to say, as `--quiet` and `--json` ask for."""

    def __init__(self, *, quiet: bool = False, as_json: bool = False) -> None:
        self.as_json = as_json
        self._out = SafeConsole(highlight=False, soft_wrap=True, emoji=False)
        self._err = SafeConsole(stderr=True, highlight=False, soft_wrap=True, emoji=False, quiet=quiet or as_json)

    def say(self, message: str) -> None:
        """Print a message (Rich markup) to a person at a terminal; silent with `--quiet` or `--json`."""
        self._err.print(message)

    def warn(self, message: str) -> None:
        """Print a warning; silent with `--quiet` or `--json`."""
        self._err.print("warning: ", style="yellow", end="")
        self._err.print(one_line(message), markup=False)

    def result(self, shown: RenderableType, data: Any) -> None:
        """Print the result of the command: `shown` for people, or `data` as JSON with `--json`."""
        if self.as_json:
            sys.stdout.write(json.dumps(data, indent=2, allow_nan=False) + "\n")
        else:
            self._out.print(shown)

    @contextmanager
    def bars(self, unit: str = "") -> Iterator["Bars"]:
        """Show progress bars with ETAs on stderr, one for each task, from its first call of `Bars.show` on.

        Where there is no terminal, a line every half a minute takes their place.
        """
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

        say = None if self._err.is_terminal else self._say_plainly
        with WithNotes(*columns, console=self._err, transient=True, disable=say is not None) as progress:
            yield Bars(progress, unit, say)

    def _say_plainly(self, line: str) -> None:
        self._err.print(line, markup=False)


class Bars:
    """Progress bars, by task name; or lines in a log.

    Args:
        progress: shows the bars; disabled for lines.
        unit: what is counted.
        say: prints a line; None for bars.
    """

    def __init__(self, progress: "Progress", unit: str = "", say: Callable[[str], None] | None = None) -> None:
        self._progress = progress
        self._unit = unit
        self._say = say
        self._tasks: dict[str, TaskID] = {}
        self._started: dict[str, float] = {}
        self._said = time.monotonic()

    def show(self, task: str, done: float, total: float | None, note: str = "") -> None:
        """Show that `done` of `total` units of `task` are done; a finished bar is removed."""
        if self._say:
            self._line(self._say, task, done, total, note)
            return
        if task not in self._tasks:
            self._tasks[task] = self._progress.add_task(task, total=total, note=note)
        self._progress.update(self._tasks[task], completed=done, total=total, note=note)
        if total is not None and done >= total:
            self.hide(task)

    def _line(self, say: Callable[[str], None], task: str, done: float, total: float | None, note: str) -> None:
        """Print a line if the last one is half a minute old."""
        now = time.monotonic()
        elapsed = now - self._started.setdefault(task, now)
        if now - self._said < LINE_SECONDS:
            return
        self._said = now
        count = f"{done:.0f}" if total is None else f"{done:.0f}/{total:.0f}"
        left = f", {_clock(elapsed * (total - done) / done)} left" if done and total else ""
        say(f"{task} {count} {self._unit}".rstrip() + f", {_clock(elapsed)}{left}" + (f"; {note}" if note else ""))

    def hide(self, task: str) -> None:
        """Remove the bar of a task that ended early, if it has one."""
        if task in self._tasks:
            self._progress.remove_task(self._tasks.pop(task))


def _clock(seconds: float) -> str:
    """Return a duration as [h:]mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def fail(message: str, remedy: str = "") -> None:
    """Print an error and its remedy on stderr."""
    err = SafeConsole(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    err.print("error: ", style="bold red", end="")
    err.print(one_line(message), markup=False)
    if remedy:
        err.print(f"       {one_line(remedy)}", markup=False)


def debug_wanted() -> bool:
    """Return True if `--debug` was given."""
    return _DebugFlag.on
