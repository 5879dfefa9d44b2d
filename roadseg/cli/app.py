"""`roadseg app`: a page on this machine for people who do not type commands."""

import os
import sys
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, LogFormat, Quiet, Reporter
from roadseg.cli.options import Run, Threads
from roadseg.errors import InputError

PACKAGES = ("starlette", "uvicorn")
INSTALL = "pip install 'roadseg[app]'"


def app_(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder whose videos are offered.")] = Path(),
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for overlays, frames and new runs.")
    ] = Path("out"),
    data: Annotated[Path, typer.Option(help="Folder for rendered streets.")] = Path("data"),
    run: Run = Path("default"),
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Port; 0 takes a free one.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, open no browser.")] = False,
    threads: Threads = None,
    quiet: Quiet = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Overlays and adaptation on a page in your browser, without commands.

    The page is served on this machine alone (127.0.0.1), at an address with a
    random token; nothing is uploaded or loaded from the network. A running job
    goes on when the page is closed. Ctrl-C ends the program and stops the job,
    which continues when it is started again.

    [bold]Example:[/bold] roadseg app folder/of/drives --out overlays
    """
    absent = [package for package in PACKAGES if find_spec(package) is None]
    if absent:
        raise InputError(f"roadseg app needs {' and '.join(absent)}, not installed here", INSTALL)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", "Give a folder with videos.")
    reporter = Reporter(quiet=quiet)
    reporter.say("loading")
    from roadseg.app.server import AppServer
    from roadseg.app.session import Session

    session = Session(folder, out, data=data, run=run)
    server = AppServer(session, port)
    session.begin()
    reporter.result(f"[bold]{escape(server.address)}[/bold]", server.address)
    reporter.say("Open this address in a browser on this machine. Ctrl-C ends the program.")
    if not no_browser and has_screen():
        webbrowser.open(server.address)
    server.run()
    reporter.say("Ended. Finished work is kept.")


def has_screen() -> bool:
    """Return True where a browser has a screen: one for terminals would take the place of this program."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
