"""`roadseg compare`: runs side by side, beside what was published, on a data set, or on a video."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, Quiet, Reporter
from roadseg.cli.options import Device, Engine, Flip, InputSize, Smooth, parse_size
from roadseg.cli.tables import SUFFIXES, check_suffix, shown, write_tables
from roadseg.errors import InputError

if TYPE_CHECKING:
    from roadseg.evaluation.comparison.runs import Run
    from roadseg.inference.engines import EngineName
    from roadseg.runtime import DeviceName

PICTURES = 4
"""Shown of a data set, where nobody says how many."""


def compare(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="RUN", help="Run folders, files of weights, or `default`.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="PATH", help="FILE.md, .csv, .json; for --dataset and --video a folder."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="KIND:ROOT", help="Score them on it, and draw what they see.")
    ] = None,
    pictures: Annotated[int, typer.Option(min=1, metavar="N", help="For --dataset: how many to draw.")] = PICTURES,
    video: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw 2 to 4 runs on it, side by side.")] = None,
    input_size: InputSize = None,
    flip: Flip = False,
    smooth: Smooth = False,
    device: Device = "auto",
    engine: Engine = "auto",
    published: Annotated[
        bool, typer.Option("--published", help="List the published rows that a recipe may name.")
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Compare runs: mIoU by method, what differs, sweeps over a key, IoU by class, published rows beside them.

    Those are the scores that finished runs have. --dataset scores runs here: see
    compare.html in DIR, with pictures, and comparison.png, .md and .json beside it.
    --video writes NAME.comparison.mp4.

    [bold]Example:[/bold] roadseg compare runs/source-only runs/multi-level --out table.md
    [bold]Example:[/bold] roadseg compare default runs/mine --dataset camvid:data/camvid -o DIR
    [bold]Example:[/bold] roadseg compare default runs/mine --video drive.mp4 --out DIR
    """
    if published == bool(runs):
        raise typer.BadParameter("give runs, or --published alone")
    if sum((dataset is not None, video is not None, published)) > 1:
        raise typer.BadParameter("give one of --dataset, --video and --published")
    reporter = Reporter(quiet=quiet, as_json=as_json)
    size = parse_size(input_size) if input_size else None
    if dataset is not None:
        if engine != "auto":
            raise typer.BadParameter("it goes with --video: scores are torch's", param_hint="--engine")
        compare_on_dataset(
            reporter, runs or [], dataset, _folder(out), pictures, size, device, flip=flip, smooth=smooth
        )
    elif video is not None:
        if pictures != PICTURES:
            raise typer.BadParameter("it goes with --dataset", param_hint="--pictures")
        compare_on_video(reporter, runs or [], video, _folder(out), size, device, engine, flip=flip, smooth=smooth)
    else:
        if size or flip or smooth or device != "auto" or engine != "auto" or pictures != PICTURES:
            raise typer.BadParameter("how runs see pictures is for --dataset or --video")
        check_suffix(out)
        if published:
            from roadseg.evaluation.comparison.method_tables import published_table
            from roadseg.training.published import published_rows

            rows = list(published_rows().values())
            report(reporter, [published_table(rows)], [row.as_dict() for row in rows], out)
        else:
            compare_runs(reporter, readable(reporter, runs or []), out)


def _folder(out: Path | None) -> Path:
    if out is None or out.suffix in SUFFIXES or out.is_file():
        raise typer.BadParameter("give a folder for the results", param_hint="--out")
    return out


def compare_on_dataset(
    reporter: Reporter,
    runs: list[Path],
    dataset: str,
    out: Path,
    pictures: int,
    input_size: tuple[int, int] | None,
    device: "DeviceName",
    *,
    flip: bool,
    smooth: bool,
) -> None:
    """Score runs on a labelled data set, and write a page, a picture and tables of that into `out`."""
    from roadseg.datasets.catalogue import open_dataset
    from roadseg.evaluation.comparison.groups import named_runs
    from roadseg.evaluation.comparison.scoreboard import score_runs
    from roadseg.inference.smoothing import WEIGHT
    from roadseg.models.tta import TTA
    from roadseg.report.comparison_files import write_comparison
    from roadseg.runtime import start

    with reporter.bars("pictures") as bars:
        board = score_runs(
            named_runs(runs),
            open_dataset(dataset),
            pictures,
            start(device),
            input_size=input_size,
            tta=TTA(flip),
            smoothing=WEIGHT if smooth else 0.0,
            on_progress=lambda name, done, total: bars.show(escape(name), done, total),
        )
    options = {"Data set": dataset}
    options |= {"Views": "each picture and its mirror image"} if flip else {}
    options |= {"Smoothing": f"weight of the past {WEIGHT}"} if smooth else {}
    page = write_comparison(board, out, options)
    reporter.result(shown([board.table()]), {"out": str(out), "flip": flip, "smooth": smooth, **board.as_dict()})
    reporter.say(f"to look at in a browser: {escape(str(page))}")


def compare_on_video(
    reporter: Reporter,
    runs: list[Path],
    video: Path,
    out: Path,
    input_size: tuple[int, int] | None,
    device: "DeviceName",
    engine: "EngineName",
    *,
    flip: bool,
    smooth: bool,
) -> None:
    """Write a video into `out` with what each run sees on a pane of its own."""
    from roadseg.evaluation.comparison.groups import named_runs
    from roadseg.inference.engines import load_segmenter
    from roadseg.inference.smoothing import WEIGHT
    from roadseg.models.tta import TTA
    from roadseg.overlay.side_by_side import check_number
    from roadseg.overlay.side_by_side import compare_on_video as draw

    named = named_runs(runs)
    check_number(len(named))
    segmenters = {
        name: load_segmenter(path, device=device, engine=engine, input_size=input_size) for name, path in named.items()
    }
    started = time.perf_counter()
    try:
        with reporter.bars("frames") as bars:
            result = draw(
                video,
                segmenters,
                out,
                tta=TTA(flip),
                smoothing=WEIGHT if smooth else 0.0,
                on_progress=lambda done, total: bars.show(escape(video.name), done, total),
            )
    except KeyboardInterrupt:
        reporter.say("stopped: nothing is kept, the same command begins again")
        raise
    seconds = time.perf_counter() - started
    events = [f"{name.replace('_', ' ')}: {value:g}" for name, value in result.decoder_events.items() if value]
    for notice in [*([", ".join(events)] if events else []), *result.notices]:
        reporter.warn(f"{video}: {notice}")
    record = {"video": str(video), "runs": {name: str(path) for name, path in named.items()}, **result.as_dict()}
    reporter.result(
        f"{escape(str(result.path))}: {result.frames} frames of {result.width}x{result.height}, "
        f"{result.frames / seconds:.0f} frames/s",
        {**record, "flip": flip, "smooth": smooth, "wall_seconds": round(seconds, 2)},
    )


def readable(reporter: Reporter, paths: list[Path]) -> "list[Run]":
    """The runs that can be compared; the others are warned of, with what to do.

    Raises:
        InputError: none can.
    """
    from roadseg.evaluation.comparison.runs import read_run

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
    from roadseg.evaluation.comparison.groups import compare as side_by_side
    from roadseg.evaluation.comparison.method_tables import comparison_tables

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
