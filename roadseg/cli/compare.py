"""`roadseg compare`: runs side by side, by their scores, on a data set, or on a video."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter
from roadseg.cli.options import (
    Device,
    Duration,
    Flip,
    InputSize,
    Smooth,
    Start,
    Threads,
    given_on_command_line,
    parse_size,
    parse_time,
)
from roadseg.cli.overlay_results import speed_text
from roadseg.cli.tables import SUFFIXES, check_suffix, shown

if TYPE_CHECKING:
    from roadseg.jobs.compare import FinishedRuns
    from roadseg.training.published import PublishedRow

MODES: dict[str, frozenset[str]] = {
    "--dataset": frozenset({"images", "input_size", "flip", "smooth", "device", "engine"}),
    "--video": frozenset({"start", "duration", "input_size", "flip", "smooth", "device", "engine"}),
    "--published": frozenset(),
    "": frozenset(),
}
"""Options of each mode, by the flag that chooses it; without a flag, finished runs are compared by their scores."""


def compare(
    context: typer.Context,
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="RUN", help="Run folders, files of weights, `default`, `indian`.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="PATH", help="FILE.md, .csv, .json; for --dataset and --video a folder."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="KIND:ROOT[:SPLIT]", help="Score the runs on it, and draw their labels.")
    ] = None,
    images: Annotated[int, typer.Option(min=1, metavar="N", help="For --dataset: number of images to draw.")] = 4,
    video: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw 2 to 4 runs on it, side by side.")] = None,
    start: Start = None,
    duration: Duration = None,
    input_size: InputSize = None,
    flip: Flip = False,
    smooth: Smooth = False,
    device: Device = "auto",
    engine: Annotated[
        Literal["exact", "auto", "torch", "openvino"] | None,
        typer.Option(help="As for `evaluate` and `overlay`. Default: exact for --dataset, auto for --video."),
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="List the published results that a recipe may name.")
    ] = False,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Compare runs by method, differing settings and classes, beside published results.

    Without options, runs are compared by the scores that they were saved with.
    --dataset scores them now; DIR gets compare.html, comparison.png, .md, .json.
    --video draws them side by side, in DIR/NAME.comparison.mp4.

    [bold]Example:[/bold] roadseg compare runs/source-only runs/multi-level --out table.md
    [bold]Example:[/bold] roadseg compare default runs/mine --dataset camvid:data/camvid --out DIR
    [bold]Example:[/bold] roadseg compare default runs/mine --video drive.mp4 --duration 20 --out DIR
    """
    if published == bool(runs):
        raise typer.BadParameter("give runs, or --published alone")
    options = _options_of_mode(context)
    if "input_size" in options:
        options["input_size"] = parse_size(options["input_size"])
    options |= {name: parse_time(options[name]) for name in ("start", "duration") if name in options}
    reporter = Reporter(quiet=quiet, as_json=as_json)
    if dataset is not None:
        _compare_on_dataset(reporter, runs or [], dataset, _folder(out), options)
    elif video is not None:
        _compare_on_video(reporter, runs or [], video, _folder(out), options)
    elif published:
        _list_published(reporter, check_suffix(out))
    else:
        from roadseg.jobs.compare import compare_finished

        report_finished(reporter, compare_finished(runs or [], out=check_suffix(out)))
        if out is not None:
            reporter.say(f"written: {escape(str(out))}")


def _options_of_mode(context: typer.Context) -> dict[str, Any]:
    """Return the options that the user gave; jobs have the defaults of the others.

    Raises:
        typer.BadParameter: two modes are chosen, or an option belongs to another mode.
    """
    chosen = [flag for flag in MODES if flag and context.params[flag.removeprefix("--")]]
    if len(chosen) > 1:
        raise typer.BadParameter(f"give only one of {' and '.join(chosen)}")
    mode = chosen[0] if chosen else ""
    given = given_on_command_line(context) & frozenset().union(*MODES.values())
    for name in sorted(given - MODES[mode]):
        flags = [flag for flag, options in MODES.items() if name in options]
        hint = f"--{name.replace('_', '-')}"
        raise typer.BadParameter(f"give it together with {' or '.join(flags)}", param_hint=hint)
    return {name: context.params[name] for name in given}


def _folder(out: Path | None) -> Path:
    if out is None or out.suffix in SUFFIXES or out.is_file():
        raise typer.BadParameter("give a folder for the results", param_hint="--out")
    return out


def _compare_on_dataset(reporter: Reporter, runs: list[Path], dataset: str, out: Path, options: dict[str, Any]) -> None:
    from roadseg.jobs.compare import compare_on_dataset
    from roadseg.report.comparison_files import PAGE

    with reporter.bars("images") as bars:
        board = compare_on_dataset(
            runs,
            dataset,
            out,
            **options,
            on_progress=lambda name, done, total: bars.show(name, done, total),
        )
    asked = {name: options.get(name, False) for name in ("flip", "smooth")}
    reporter.result(shown([board.table()]), {"out": str(out), **asked, **board.as_dict()})
    reporter.say(f"open in a browser: {escape(str(out / PAGE))}")


def _compare_on_video(reporter: Reporter, runs: list[Path], video: Path, out: Path, options: dict[str, Any]) -> None:
    from roadseg.evaluation.comparison.groups import named_runs
    from roadseg.jobs.compare import compare_on_video

    started = time.perf_counter()
    try:
        with reporter.bars("frames") as bars:
            result = compare_on_video(
                runs,
                video,
                out,
                **options,
                on_progress=lambda name, done, total: bars.show(name, done, total),
            )
    except KeyboardInterrupt:
        reporter.say("Stopped. Nothing is kept; the same command starts again.")
        raise
    seconds = time.perf_counter() - started
    events = [f"{name.replace('_', ' ')}: {value:g}" for name, value in result.decoder_events.items() if value]
    for notice in [*([", ".join(events)] if events else []), *result.notices]:
        reporter.warn(f"{video}: {notice}")
    record = {"video": str(video), "runs": {name: str(path) for name, path in named_runs(runs).items()}}
    record |= result.as_dict() | {name: options.get(name, False) for name in ("flip", "smooth")}
    reporter.result(
        f"{escape(str(result.path))}: {result.frames} frames of {result.width}x{result.height}, "
        f"{speed_text(result.frames / seconds)} frames/s",
        record | {"wall_seconds": round(seconds, 2)},
    )


def _list_published(reporter: Reporter, out: Path | None) -> None:
    from roadseg.evaluation.comparison.method_tables import published_table
    from roadseg.evaluation.score_tables import write_tables
    from roadseg.training.published import published_rows

    rows = list(published_rows().values())
    tables, data = [published_table(rows)], [row.as_dict() for row in rows]
    if out is not None:
        write_tables(out, tables, data)
        reporter.say(f"written: {escape(str(out))}")
    lines = ["[bold]mIoU %  id[/bold]"]
    for row in rows:
        lines += [f"{row.miou:6.2f}  {escape(row.id)}", f"        [dim]{escape(_about(row))}[/dim]"]
    reporter.result("\n".join(lines), data)


def _about(row: "PublishedRow") -> str:
    """Return the method and network of a published row, its data sets and its note."""
    return f"{row.method}, network {row.network}, {row.source} to {row.target}" + (f"; {row.note}" if row.note else "")


def report_finished(reporter: Reporter, finished: "FinishedRuns", **more: Any) -> None:
    """Print the tables of finished runs, and warn about runs that are left out or cannot be compared.

    Args:
        reporter: prints.
        finished: the runs.
        more: added to the JSON.
    """
    for error in finished.left_out:
        reporter.warn(f"left out: {error.cause}. {error.remedy}")
    if len(finished.comparisons) > 1:
        names = ", ".join(
            f"{one.dataset} ({one.images} images, {len(one.groups[0].iou)} classes)" for one in finished.comparisons
        )
        reporter.warn(f"the runs were scored on different data sets, whose scores cannot be compared: {names}")
    reporter.result(shown(finished.tables()), finished.as_dict() | more)
