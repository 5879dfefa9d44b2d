"""`roadseg compare`: runs side by side, and beside what was published."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

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
    grid: Annotated[
        Path | None, typer.Option(help="Draw what each run sees: FILE.png, of pictures from the data set --on.")
    ] = None,
    dataset: Annotated[str | None, typer.Option("--on", help="Labelled data set of --grid: KIND:ROOT[:SPLIT].")] = None,
    pictures: Annotated[int, typer.Option(min=1, help="Rows of --grid.")] = 4,
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
    if (grid is None) != (dataset is None) or (grid is not None and grid.suffix != ".png"):
        raise typer.BadParameter("--grid FILE.png and --on KIND:ROOT go together")
    reporter = Reporter(quiet=quiet, as_json=as_json)
    if published:
        from roadseg.comparison.tables import published_table
        from roadseg.evaluation.published import published_rows

        rows = list(published_rows().values())
        report(reporter, [published_table(rows)], [row.as_dict() for row in rows], out)
    else:
        finished = readable(reporter, runs or [])
        compare_runs(reporter, finished, out)
        if grid is not None and dataset is not None:
            draw_grid(reporter, finished, dataset, pictures, grid)


def draw_grid(reporter: Reporter, runs: "list[Run]", dataset: str, count: int, path: Path) -> None:
    """Write the picture grid of finished runs, one of each group of seeds."""
    from roadseg.comparison.groups import compare as side_by_side
    from roadseg.comparison.pictures import picture_grid, write_png
    from roadseg.datasets.catalogue import open_described
    from roadseg.scoring import load_run

    groups = [group for comparison in side_by_side(runs) for group in comparison.groups]
    images = open_described(dataset, "val")
    with reporter.bars("pictures") as bars:
        drawn = picture_grid(
            {group.label: load_run(group.runs[0].path) for group in groups},
            images,
            count,
            on_progress=lambda done, total: bars.show("labelling", done, total),
        )
    write_png(path, drawn)
    reporter.say(f"written: {escape(str(path))}")


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
        reporter.say(f"written: {escape(str(out))}")
    reporter.result(shown(tables), data)
