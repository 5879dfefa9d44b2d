"""`roadseg overlay`: draw what a run sees on videos, and count it."""

import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from roadseg.cli.console import Bars, Debug, Json, Quiet, Reporter, fail
from roadseg.cli.options import (
    DEFAULT_PRIOR,
    AdaptBatchNorm,
    BatchNormPrior,
    BatchNormScenes,
    BatchSize,
    Device,
    Engine,
    Flip,
    InputSize,
    Scales,
    Smooth,
    parse_rate,
    parse_scales,
    parse_shard,
    parse_size,
)
from roadseg.errors import RoadsegError

if TYPE_CHECKING:
    from roadseg.overlay.job import Failure
    from roadseg.overlay.summary import OverlayFiles, OverlaySummary
    from roadseg.overlay.tasks import Task

TOP_CLASSES = 8
"""Rows of the table at the end; the summary files have all classes."""
TOP_VIDEOS = 20
"""Rows of the table of videos; `--json` has all."""


def overlay(
    videos: Annotated[
        list[str],
        typer.Argument(metavar="VIDEO", help="Videos, folders of videos, 'patterns/**/*.mp4', @LISTS of paths."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the results.")],
    run: Annotated[
        Path, typer.Option("--run", "-r", metavar="RUN", help="Run folder of `roadseg adapt`; default: what ships.")
    ] = Path("default"),
    opacity: Annotated[float, typer.Option(min=0, max=1, metavar="0..1", help="Weight of the class colours.")] = 0.5,
    no_legend: Annotated[bool, typer.Option("--no-legend", help="Leave the class names out.")] = False,
    input_size: InputSize = None,
    batch_size: BatchSize = None,
    frame_rate: Annotated[
        str | None, typer.Option(metavar="HZ", help="For streams without timestamps, e.g. raw H.264.")
    ] = None,
    flip: Flip = False,
    scales: Scales = "1",
    smooth: Smooth = False,
    adapt_bn: AdaptBatchNorm = False,
    bn_prior: BatchNormPrior = DEFAULT_PRIOR,
    bn_scenes: BatchNormScenes = "",
    mask: Annotated[
        str | None,
        typer.Option(metavar="auto|PNG", help="Leave out the bonnet, stamps: found, or white in a picture of yours."),
    ] = None,
    device: Device = "auto",
    engine: Engine = "auto",
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Do every N-th video, from the I-th on: one of N jobs.")
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Work on a Ray cluster: local (this machine), auto (running), HOST:PORT."),
    ] = None,
    ray_cpus: Annotated[int, typer.Option(min=1, metavar="N", help="For --ray: processors of each worker.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Draw labels on videos and count classes.

    Writes NAME.overlay.mp4, NAME.frames.parquet, NAME.summary.json and, to look
    at all of it in a browser, NAME.report.html. What is done is skipped, and what
    was cut off goes on: just repeat the call. A broken video does not stop the
    others; DIR/failures.jsonl lists what failed. Sub-folders of a folder of videos
    are kept.
    For many machines there is --shard, or --ray, with videos, runs and results on
    storage that they share.

    [bold]Example:[/bold] roadseg overlay drive.mp4 --run runs/my-roads --out overlays
    [bold]Example:[/bold] roadseg overlay folder/of/drives --out overlays --shard 1/8
    [bold]Example:[/bold] roadseg overlay folder/of/drives --out overlays --ray local
    """
    if ray is not None and shard is not None:
        raise typer.BadParameter("--ray and --shard exclude each other: Ray gives every video to one of its workers")
    from roadseg.adaptation.batch_norm import BatchNormAdaptation
    from roadseg.inference.engines import load_segmenter
    from roadseg.inference.smoothing import WEIGHT
    from roadseg.models.tta import TTA
    from roadseg.overlay.fleet import failure_record, overlay_fleet
    from roadseg.overlay.job import Failure
    from roadseg.overlay.masking import AUTO, read_mask
    from roadseg.overlay.ray_jobs import overlay_on_ray
    from roadseg.overlay.summary import OverlayOptions
    from roadseg.overlay.tasks import Shard, check_names, find_tasks

    reporter = Reporter(quiet=quiet, as_json=as_json)
    options = OverlayOptions(
        opacity=opacity,
        legend=not no_legend,
        batch_size=batch_size,
        frame_rate=parse_rate(frame_rate) if frame_rate else None,
        overwrite=overwrite,
        tta=TTA(flip, parse_scales(scales)),
        smoothing=WEIGHT if smooth else 0.0,
        batch_norm=BatchNormAdaptation(bn_prior, bn_scenes) if adapt_bn else None,
        mask=AUTO if mask == AUTO else read_mask(Path(mask)) if mask is not None else None,
    )
    part = Shard(*parse_shard(shard)) if shard else None
    tasks = find_tasks(videos, out)
    files = {str(task.video): task.files for task in tasks}
    check_names(tasks)
    size = parse_size(input_size) if input_size else None
    load = partial(load_segmenter, run, device=device, engine=engine, input_size=size)
    results: list[OverlaySummary | Failure] = []
    reports: list[Path] = []
    try:
        with reporter.bars("videos" if ray else "frames") as bars:
            show: _Progress | _RayProgress
            if ray is None:
                show = _Progress(bars, part.of(tasks) if part else tasks)
                found = overlay_fleet(tasks, load(), out, options, shard=part, on_progress=show)
            else:
                show = _RayProgress(bars, len(tasks))
                found = overlay_on_ray(
                    *(tasks, load, out, options),
                    address=ray,
                    device=device,
                    cpus=ray_cpus,
                    verbose=debug,
                    on_progress=show,
                )
            with closing(found):
                for result in found:
                    results.append(result)
                    show.one_ended()
                    _tell(reporter, result)
                    if not isinstance(result, Failure):
                        reports += _report(reporter, files[result.video], again=not result.skipped)
    except KeyboardInterrupt:
        reporter.say("stopped: what is finished is kept, the same command goes on there")
        raise
    if reports:
        reporter.say(f"to look at in a browser: {escape(str(_index(reporter, out) or reports[-1]))}")
    summaries = [result for result in results if not isinstance(result, Failure)]
    if not results:
        reporter.say(f"nothing to do: {len(tasks)} videos in all, none of them in shard {shard}")
    if summaries or as_json or len(results) > 1:
        tables = [_videos_table(results)] if len(results) > 1 else []
        tables += [_classes_table(summaries, out)] if summaries else []
        reporter.result(Group(*tables), {"out": str(out), "videos": [_as_dict(result) for result in results]})
    if len(summaries) < len(results):
        if len(results) > 1:
            record = failure_record(out, part)
            fail(f"{len(results) - len(summaries)} of {len(results)} videos failed", f"{record} says which and why.")
        raise typer.Exit(1)


class _Progress:
    """Shows one video after the other as a bar with its speed."""

    def __init__(self, bars: Bars, tasks: "list[Task]") -> None:
        self._bars = bars
        self._places = {task.video: f" ({place}/{len(tasks)})" for place, task in enumerate(tasks, start=1)}
        self._video: Path | None = None
        self._before = 0
        self._task = ""
        self._started = 0.0

    def __call__(self, video: Path, done: int, total: int | None) -> None:
        if video != self._video:
            self._video, self._before = video, done - 1
            name = video.name if len(video.name) <= 32 else "…" + video.name[-31:]
            self._task = escape(name + (self._places[video] if len(self._places) > 1 else ""))
            self._started = time.perf_counter()
        seconds, new = time.perf_counter() - self._started, done - self._before - 1
        self._bars.show(self._task, done, total, f"{new / seconds:.0f} frames/s" if new else "")

    def one_ended(self) -> None:
        """Take away the bar of the video that has just ended, well or not."""
        self._bars.hide(self._task)


class _RayProgress:
    """Shows all videos as one bar with the speed of all workers together."""

    def __init__(self, bars: Bars, videos: int) -> None:
        self._bars = bars
        self._videos = videos
        self._ended = 0
        self._started: float | None = None
        self._note = "Ray starts"
        self._show()

    def __call__(self, workers: int, frames: int) -> None:
        if self._started is None and frames:
            self._started, self._before = time.perf_counter(), frames
        seconds = time.perf_counter() - self._started if self._started else 0.0
        speed = f", {(frames - self._before) / seconds:.0f} frames/s" if seconds else ""
        self._note = f"{workers} worker{'' if workers == 1 else 's'}{speed}"
        self._show()

    def one_ended(self) -> None:
        """Count a video that has just ended, well or not."""
        self._ended += 1
        self._show()

    def _show(self) -> None:
        self._bars.show("overlay", self._ended, self._videos, self._note)


def _tell(reporter: Reporter, result: "OverlaySummary | Failure") -> None:
    """A line for a video that has just ended, and its warnings."""
    from roadseg.overlay.job import Failure

    if isinstance(result, Failure):
        fail(result.error.cause, result.error.remedy)
        return
    done = (
        "done before, skipped (--overwrite does it again)"
        if result.skipped
        else f"{result.frames} frames in {result.wall_seconds:.1f} s, {result.frames_per_second:.0f} frames/s"
    )
    if result.frames_resumed and not result.skipped:
        done += f", of which {result.frames_resumed} were done before"
    masked = f", {100 * result.masked_share:.1f} % masked" if result.masked_share else ""
    reporter.say(f"{escape(result.video)}: {done}{masked}")
    if result.skipped:
        return
    events = [f"{name.replace('_', ' ')}: {value:g}" for name, value in result.decoder_events.items() if value]
    for notice in [*([", ".join(events)] if events else []), *result.notices]:
        reporter.warn(f"{result.video}: {notice}")


def _report(reporter: Reporter, files: "OverlayFiles", *, again: bool) -> list[Path]:
    """Write the page of a video, unless it is there and need not be written again; results are good without it."""
    from roadseg.report.pages import report_path, write_report

    page = report_path(files)
    if page.exists() and not again:
        return []
    try:
        return [write_report(files)]
    except (RoadsegError, OSError) as error:
        page.unlink(missing_ok=True)  # of earlier results, which these have replaced
        reporter.warn(f"no report: {error}")
        return []


def _index(reporter: Reporter, out: Path) -> Path | None:
    """Write the page of the whole folder, if it has several videos."""
    from roadseg.report.pages import write_index

    try:
        return write_index(out)
    except (RoadsegError, OSError) as error:
        reporter.warn(f"no page of all videos: {error}")
        return None


def _videos_table(results: "list[OverlaySummary | Failure]") -> Table:
    """What became of each video, failures first."""
    from roadseg.overlay.job import Failure

    table = Table(title="videos", title_justify="left", caption_justify="left")
    table.add_column("video", overflow="fold")
    for heading in ("frames", "s", "frames/s"):
        table.add_column(heading, justify="right")
    table.add_column("status")
    for result in sorted(results, key=lambda result: not isinstance(result, Failure))[:TOP_VIDEOS]:
        if isinstance(result, Failure):
            table.add_row(escape(str(result.video)), "", "", "", "failed", style="red")
            continue
        facts = str(result.frames), f"{result.duration_seconds:.1f}", f"{result.frames_per_second:.0f}"
        table.add_row(escape(result.video), *facts, "skipped" if result.skipped else "done")
    if len(results) > TOP_VIDEOS:
        table.caption = f"... and {len(results) - TOP_VIDEOS} more"
    return table


def _classes_table(summaries: "list[OverlaySummary]", out: Path) -> Table:
    """The classes that take up most of the picture, over all videos, each counted for as long as it lasts."""
    seconds = sum(summary.duration_seconds for summary in summaries)
    shares: dict[str, float] = {}
    shown: dict[str, float] = {}
    for summary in summaries:
        for entry in summary.classes:
            shares[entry.name] = shares.get(entry.name, 0.0) + entry.share * summary.duration_seconds / seconds
            shown[entry.name] = shown.get(entry.name, 0.0) + entry.seconds
    videos = "1 video" if len(summaries) == 1 else f"{len(summaries)} videos"
    table = Table(
        title=f"{videos}, {seconds:.1f} s",
        title_justify="left",
        caption=f"results in {escape(str(out))}: *.overlay.mp4, *.frames.parquet, *.summary.json, *.report.html",
        caption_justify="left",
    )
    table.add_column("class")
    table.add_column("of the picture %", justify="right")
    table.add_column("seen for s", justify="right")
    for name in sorted(shares, key=lambda name: -shares[name])[:TOP_CLASSES]:
        if shares[name]:
            table.add_row(name, f"{100 * shares[name]:.1f}", f"{shown[name]:.1f}")
    return table


def _as_dict(result: "OverlaySummary | Failure") -> dict[str, Any]:
    from roadseg.overlay.job import Failure

    if isinstance(result, Failure):
        return {"video": str(result.video), "status": "failed", "cause": result.error.cause}
    return {"status": "skipped" if result.skipped else "done", **result.model_dump(mode="json")}
