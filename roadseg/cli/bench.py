"""`roadseg bench`: speed of this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter
from roadseg.cli.options import BatchSize, Device, InputSize, Run, Threads, parse_size

if TYPE_CHECKING:
    from roadseg.bench.engines import EngineComparison
    from roadseg.bench.video import VideoCost
    from roadseg.runtime import DeviceName


def bench(
    video: Annotated[
        Path | None, typer.Argument(metavar="[VIDEO]", help="Measure an overlay of this video.", show_default=False)
    ] = None,
    run: Run = Path("default"),
    input_size: InputSize = None,
    batch_size: BatchSize = None,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="Measure N times and keep the best.")] = 2,
    engines: Annotated[
        str | None, typer.Option(metavar="DATA", help="Compare engines on KIND:ROOT[:SPLIT] instead, labelled.")
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Measure the speed of an overlay on this machine, or compare engines.

    An overlay of VIDEO is measured from end to end, and each stage alone.
    The bound is the speed at which all cores are busy all the time, or that
    of the slowest stage, whichever is lower.

    Engines are compared with torch in float32 on labelled images: time, share
    of pixels with the same label, mIoU. The default engine is marked.

    [bold]Example:[/bold] roadseg bench drive.mp4 --input-size 512x256
    [bold]Example:[/bold] roadseg bench --engines camvid:data/camvid
    """
    reporter = Reporter(quiet=quiet, as_json=as_json)
    if (video is None) == (engines is None):
        raise typer.BadParameter("give one thing to measure: a VIDEO, or --engines DATA")
    size = parse_size(input_size) if input_size else None
    if video is not None:
        _bench_video(reporter, video, run, device, size, batch_size, rounds)
    elif engines is not None:
        _bench_engines(reporter, engines, run, device, size, batch_size, rounds)


def _bench_video(
    reporter: Reporter,
    video: Path,
    run: Path,
    device: "DeviceName",
    input_size: tuple[int, int] | None,
    batch_size: int | None,
    rounds: int,
) -> None:
    from roadseg.bench.video import Setting, measure_video
    from roadseg.overlay.summary import OverlayOptions

    setting = Setting(video, run, device, input_size, OverlayOptions(batch_size=batch_size))
    with reporter.bars("steps") as bars:
        cost = measure_video(
            setting, rounds=rounds, on_progress=lambda done, total, what: bars.show("measuring", done, total, what)
        )
    reporter.say(
        f"{escape(video.name)}: {cost.frames} frames of {cost.size[0]}x{cost.size[1]}; {cost.segmenter} at "
        f"{cost.input_size[0]}x{cost.input_size[1]}; {cost.cores} cores"
    )
    reporter.result(_video_table(cost), cost.as_dict())


def _bench_engines(
    reporter: Reporter,
    dataset: str,
    run: Path,
    device: "DeviceName",
    input_size: tuple[int, int] | None,
    batch_size: int | None,
    rounds: int,
) -> None:
    with reporter.bars("steps") as bars:
        bars.show("loading", 0, None)
        from roadseg.bench.engines import compare_engines
        from roadseg.datasets.catalogue import open_dataset

        bars.hide("loading")
        comparison = compare_engines(
            run,
            open_dataset(dataset),
            device=device,
            input_size=input_size,
            batch_size=batch_size or 4,
            rounds=rounds,
            on_progress=lambda done, total, what: bars.show("comparing", done, total, what),
        )
    reporter.say(
        f"{run} on {escape(comparison.dataset)}, {comparison.images} images at {comparison.input_size[0]}x"
        f"{comparison.input_size[1]}, {comparison.batch_size} at once, on {comparison.device}"
    )
    for notice in comparison.notices:
        reporter.warn(notice)
    reporter.result(_engines_table(comparison), comparison.as_dict())


def _engines_table(comparison: "EngineComparison") -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), caption_justify="left")
    table.caption = "* the default on this machine; agreement is with torch float32"
    for column in ("engine", "precision"):
        table.add_column(column)
    for column in ("start s", "ms per frame", "agreement %", "mIoU %"):
        table.add_column(column, justify="right")
    for each in comparison.engines:
        engine, precision = each.name.split()
        table.add_row(
            engine,
            precision + " *" * each.chosen,
            f"{each.start_seconds:.1f}",
            f"{each.ms_a_frame:.1f}",
            f"{each.agreement:.2f}",
            f"{each.miou:.2f}",
            style="bold" if each.chosen else None,
        )
    return table


def _video_table(cost: "VideoCost") -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), caption_justify="left")
    table.caption = "alone: wall time of the stage by itself"
    table.add_column("ms per frame")
    table.add_column("of a core", justify="right")
    table.add_column("alone", justify="right")
    for stage, milliseconds in cost.stage_core_ms.items():
        table.add_row(stage, f"{milliseconds:.2f}", f"{cost.stage_ms[stage]:.2f}")
    table.add_section()
    table.add_row("from end to end", f"{cost.fps:.1f} fps", "", style="bold")
    table.add_row("bound", f"{cost.bound_fps:.1f} fps", f"by {cost.limit}")
    table.add_row("reached", f"{cost.ratio_to_bound:.2f}", "")
    table.add_row("peak memory", f"{cost.peak_rss_mb:.0f} MB", "")
    return table
