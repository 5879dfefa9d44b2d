"""`roadseg compare`: runs side by side, and beside what was published."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadseg.cli.console import Debug, Json, Quiet, Reporter
from roadseg.cli.tables import check_suffix, shown, write_tables
from roadseg.errors import InputError

if TYPE_CHECKING:
    from roadseg.comparison.runs import Run


def compare(
    runs: Annotated[list[Path] | None, typer.Argument(help="Run folders; seeds of one setting share a row.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", callback=check_suffix, help="Save to FILE.md, .csv or .json.")
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="List the published rows that a recipe may name.")
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Compare runs: mIoU by method, what differs, sweeps over a key, IoU by class, the published rows beside them.

    A run is set against the row that its recipe names by the key `published`.

    [bold]Example:[/bold] roadseg compare runs/source-only runs/multi-level --out comparison.md
    """
    if published == bool(runs):
        raise typer.BadParameter("give run folders, or --published alone")
    reporter = Reporter(quiet=quiet, as_json=as_json)
    if published:
        from roadseg.comparison.tables import published_table
        from roadseg.evaluation.published import published_rows

        rows = list(published_rows().values())
        report(reporter, [published_table(rows)], [row.as_dict() for row in rows], out)
    else:
        compare_runs(reporter, readable(reporter, runs or []), out)


def readable(reporter: Reporter, paths: list[Path]) -> "list[Run]":
    """The runs that can be compared; the others are warned of, with what to do.

    Raises:
        InputError: none can.
    """
    from roadseg.comparison.runs import read_run

    runs = []
    failures = []
    for path in paths:
        try:
            runs.append(read_run(path))
        except InputError as error:
            failures.append(error)
    if not runs:
        raise failures[0]
    for failure in failures:
        reporter.warn(f"left out: {failure.cause}. {failure.remedy}")
    return runs


def compare_runs(reporter: Reporter, runs: "list[Run]", out: Path | None = None) -> None:
    """Print the tables of finished runs and, with `out`, save them."""
    from roadseg.comparison.groups import compare as side_by_side
    from roadseg.comparison.tables import comparison_tables

    comparisons = side_by_side(runs)
    if len(comparisons) > 1:
        names = ", ".join(
            f"{one.dataset} ({one.images} images, {len(one.groups[0].iou)} classes)" for one in comparisons
        )
        reporter.warn(f"these runs were scored on different data sets, which are not to be compared: {names}")
    tables = [table for comparison in comparisons for table in comparison_tables(comparison)]
    report(reporter, tables, {"comparisons": [comparison.as_dict() for comparison in comparisons]}, out)


def report(reporter: Reporter, tables: list[Any], data: Any, out: Path | None) -> None:
    """Print tables, or `data` with `--json`, and save them to `out`, if there is one."""
    if out is not None:
        write_tables(out, tables, data)
        reporter.say(f"written: {out}")
    reporter.result(shown(tables), data)
