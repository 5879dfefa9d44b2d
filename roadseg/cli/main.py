"""The `roadseg` program: its commands, and the only place where it exits."""

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer

from roadseg import __version__
from roadseg.cli.adapt import adapt
from roadseg.cli.app import app_
from roadseg.cli.bench import bench
from roadseg.cli.command import Command, CommandGroup, Program
from roadseg.cli.compare import compare
from roadseg.cli.console import debug_wanted, fail
from roadseg.cli.datasets import datasets
from roadseg.cli.demo import demo
from roadseg.cli.doctor import doctor
from roadseg.cli.drives import drives
from roadseg.cli.evaluate import evaluate
from roadseg.cli.export import export
from roadseg.cli.fetch import fetch
from roadseg.cli.frames import frames
from roadseg.cli.import_network import import_
from roadseg.cli.labels import labels
from roadseg.cli.overlay import overlay
from roadseg.cli.quantize import quantize
from roadseg.cli.recipes import recipes
from roadseg.cli.report import report
from roadseg.cli.retrieve import retrieve
from roadseg.cli.run import run
from roadseg.cli.stats import stats
from roadseg.cli.synth import synth
from roadseg.cores import let_threads_sleep_on_a_busy_machine
from roadseg.errors import RoadsegError

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, as in shells."""
TERMINATED = 143
"""Exit code after SIGTERM: 128 + SIGTERM."""

app = typer.Typer(
    name="roadseg",
    cls=Program,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"roadseg {__version__}")
        raise typer.Exit


@app.callback()
def roadseg(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Turn dashcam video into labelled video with a segmenter adapted to your own unlabelled roads."""


GROUPS: dict[str, tuple[Callable[..., None] | typer.Typer, ...]] = {
    "Use": (overlay, app_, stats, report, demo),
    "Adapt": (adapt, run, recipes),
    "Evaluate": (evaluate, compare, retrieve),
    "Data": (fetch, drives, frames, synth, labels, datasets),
    "Networks": (import_, quantize, export),
    "Machine": (doctor, bench),
}
"""Commands in the order in which `roadseg --help` lists them."""

for group, commands in GROUPS.items():
    for command in commands:
        if isinstance(command, typer.Typer):
            app.add_typer(command, cls=CommandGroup, rich_help_panel=group)
        else:
            app.command(command.__name__.removesuffix("_"), cls=Command, rich_help_panel=group)(command)


@contextmanager
def _terminated_like_interrupted() -> Iterator[Callable[[], bool]]:
    """Let SIGTERM end the block as Ctrl-C does; yield a function that returns whether it came."""
    came = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGTERM, before)


def _fail_for_path(error: OSError) -> None:
    """Print an error of the system about a path, wherever it was met."""
    from roadseg.files import printable, shortened_name

    name = shortened_name(Path(printable(os.fsdecode(error.filename))))
    if error.errno == errno.ENAMETOOLONG:
        fail(f"{name}: the name is too long for this disk", "Check the path.")
    else:
        fail(
            f"{name}: cannot be used ({error.strerror})", "Check the path, the permissions of its folders and the disk."
        )


def main() -> None:
    """Run the program.

    Exit code: 0 success, 1 an error that the user can fix, 2 wrong usage, 130 Ctrl-C, 143 SIGTERM.
    """
    let_threads_sleep_on_a_busy_machine()
    with _terminated_like_interrupted() as terminated:
        try:
            app()
        except RoadsegError as error:
            if debug_wanted():
                raise
            fail(error.cause, error.remedy)
            sys.exit(1)
        except OSError as error:
            if error.errno is None or error.filename is None or debug_wanted():
                raise
            _fail_for_path(error)
            sys.exit(1)
        except SystemExit as end:
            if end.code == INTERRUPTED:
                fail("terminated" if terminated() else "interrupted")
                sys.exit(TERMINATED if terminated() else INTERRUPTED)
            raise
