"""`roadseg doctor`: check this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter

if TYPE_CHECKING:
    from roadseg.bench.doctor import Check

MARKS = {"ok": Text("✓", style="green"), "missing": Text("–", style="yellow"), "broken": Text("✗", style="bold red")}


def doctor(
    data: Annotated[Path, typer.Option(help="Folder for downloads and data sets, to check its free space.")] = Path(
        "data"
    ),
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Check this machine: versions, devices, engines, codecs, programs, extras and disk space.

    Exit code 0 if roadseg works here, 1 if something that it needs is broken.
    With --quiet, only what is missing or broken is listed.

    [bold]Example:[/bold] roadseg doctor
    """
    reporter = Reporter(quiet=quiet, as_json=as_json)
    checks: dict[str, list[Check]] = {}
    with reporter.bars() as bars:
        bars.show("loading", 0, None)
        from roadseg.bench.doctor import sections

        bars.hide("loading")
        todo = sections(data)
        for number, (heading, look) in enumerate(todo.items()):
            bars.show("checking", number, len(todo), note=heading)
            checks[heading] = list(look())
        bars.hide("checking")
    broken = [check.name for each in checks.values() for check in each if check.state == "broken"]
    shown = {heading: [check for check in each if check.state != "ok"] for heading, each in checks.items()}
    reporter.result(
        _table(shown if quiet else checks), {"can_work": not broken, "broken": broken, "checks": _as_lists(checks)}
    )
    verdict = f"[red]Broken: {', '.join(broken)}.[/red]" if broken else "[green]roadseg works on this machine.[/green]"
    reporter.say(verdict)
    if broken:
        raise typer.Exit(1)


def _table(checks: "dict[str, list[Check]]") -> Table:
    table = Table(show_header=False, box=None, padding=(0, 1), title_justify="left")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for heading, rows in checks.items():
        if not rows:
            continue
        table.add_row("", Text(heading, style="bold"), "")
        for check in rows:
            found = Text(check.found)
            if check.remedy:
                found.append(f"\n→ {check.remedy}", style="cyan")
            table.add_row(MARKS[check.state], Text(check.name), found)
    return table


def _as_lists(checks: "dict[str, list[Check]]") -> dict[str, list[dict[str, str]]]:
    from dataclasses import asdict

    return {heading: [asdict(check) for check in rows] for heading, rows in checks.items()}
