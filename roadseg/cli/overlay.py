"""`roadseg overlay`: segment videos."""

import time
import traceback
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from roadseg.adaptation.defaults import PRIOR
from roadseg.cli.appearance import (
    Blur,
    Classes,
    FitEdges,
    Height,
    Legend,
    Opacity,
    Palette,
    SideBySide,
    Style,
    Title,
    parse_names,
)
from roadseg.cli.console import Bars, Debug, Json, Quiet, Reporter, debug_wanted, fail
from roadseg.cli.fetch import VIDEOS, fetched, is_address
from roadseg.cli.options import (
    AdaptBatchNorm,
    BatchNormPrior,
    BatchNormScenes,
    BatchNormSections,
    BatchSize,
    Device,
    Engine,
    Flip,
    FrameRate,
    InputSize,
    Run,
    Scales,
    Smooth,
    Threads,
    Track,
    parse_rate,
    parse_scales,
    parse_shard,
    parse_size,
    parse_track,
)
from roadseg.cli.overlay_images import overlay_images, refuse_video_options
from roadseg.errors import one_line

if TYPE_CHECKING:
    from roadseg.jobs.overlay import OverlayProgress
    from roadseg.overlay.failures import Failure
    from roadseg.overlay.summary import OverlaySummary

TOP_CLASSES = 8
"""Rows of the table at the end; the summary files have all classes."""
TOP_VIDEOS = 20
"""Rows of the table of videos; `--json` has all."""


def overlay(
    context: typer.Context,
    videos: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE", help="Videos, images, folders of either, 'patterns/**/*.mp4', @LISTS of videos, URLs."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the results.")] = Path("out"),
    run: Run = Path("default"),
    opacity: Opacity = 0.5,
    style: Style = "fill",
    fit_edges: FitEdges = False,
    palette: Palette = "cityscapes",
    classes: Classes = "",
    legend: Legend = "below",
    side_by_side: SideBySide = False,
    height: Height = None,
    title: Title = "",
    blur: Blur = "",
    input_size: InputSize = None,
    batch_size: BatchSize = None,
    track: Track = None,
    container: Annotated[
        Literal["mp4", "mkv"], typer.Option(help="Format of the overlay. mkv keeps sound that MP4 needs as AAC.")
    ] = "mp4",
    encoder: Annotated[
        Literal["x264", "nvenc"], typer.Option(help="x264 on the CPU, or the encoder of NVIDIA's graphics cards.")
    ] = "x264",
    frame_rate: FrameRate = None,
    flip: Flip = False,
    scales: Scales = "1",
    smooth: Smooth = False,
    adapt_bn: AdaptBatchNorm = False,
    bn_prior: BatchNormPrior = PRIOR,
    bn_scenes: BatchNormScenes = "",
    bn_sections: BatchNormSections = False,
    mask: Annotated[
        str | None,
        typer.Option(metavar="auto|PNG", help="Leave out the bonnet and stamps: found, or white in your PNG file."),
    ] = None,
    masks: Annotated[
        Literal["png", "npz", "mp4"] | None, typer.Option(help="Keep the label map of each frame too, lossless.")
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
    ray_gpu_share: Annotated[
        float, typer.Option(min=0.01, max=1, metavar="SHARE", help="For --ray: part of a GPU for each worker.")
    ] = 1.0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results.")] = False,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Segment videos or images: write coloured overlays, statistics and report pages.

    Of a video, writes NAME.overlay.mp4, NAME.frames.parquet, NAME.summary.json and
    NAME.report.html, a page for the browser; of an image, NAME.overlay.jpg or .png,
    and of all images images.csv. Videos at URLs are fetched to data/videos.
    Finished videos are skipped and an interrupted one continues: run the same
    command again. A broken video does not stop the others; DIR/failures.jsonl lists
    what failed. Sub-folders of a folder are kept.
    For many machines there is --shard, or --ray, with videos, runs and results on
    storage that they share.

    [bold]Example:[/bold] roadseg overlay drive.mp4 --run runs/my-roads --out overlays
    [bold]Example:[/bold] roadseg overlay folder/of/drives --out overlays --shard 1/8
    [bold]Example:[/bold] roadseg overlay folder/of/drives --out overlays --ray local
    """
    if ray is not None and shard is not None:
        raise typer.BadParameter("--ray and --shard exclude each other: Ray gives every video to one of its workers")
    reporter = Reporter(quiet=quiet, as_json=as_json)
    options: dict[str, Any] = {
        "input_size": parse_size(input_size) if input_size else None,
        "smooth": smooth,
        "mask": mask,
        "masks": masks,
        "flip": flip,
        "scales": parse_scales(scales),
        "adapt_bn": adapt_bn,
        "bn_prior": bn_prior,
        "bn_scenes": bn_scenes,
        "bn_sections": bn_sections,
        "opacity": opacity,
        "style": style,
        "fit_edges": fit_edges,
        "palette": palette,
        "classes": parse_names(classes),
        "legend": legend,
        "side_by_side": side_by_side,
        "height": height,
        "title": title,
        "blur": parse_names(blur),
        "batch_size": batch_size,
        "track": parse_track(track),
        "container": container,
        "encoder": encoder,
        "frame_rate": parse_rate(frame_rate) if frame_rate else None,
        "device": device,
        "engine": engine,
        "shard": parse_shard(shard) if shard else None,
        "ray": ray,
        "ray_cpus": ray_cpus,
        "ray_gpu_share": ray_gpu_share,
        "ray_verbose": debug,
        "overwrite": overwrite,
    }
    from roadseg.jobs.overlay import overlay_videos
    from roadseg.jobs.overlay_images import holds_images

    if images := [source for source in videos if holds_images(source)]:
        if len(images) < len(videos):
            raise typer.BadParameter("images and videos are drawn on by two calls: give one kind at a time")
        refuse_video_options(context)
        overlay_images(reporter, images, out, run, options)
        return
    urls = [source for source in videos if is_address(source)]
    videos = [source for source in videos if source not in urls]
    missed = 0
    if urls:
        report = fetched(reporter, urls, VIDEOS, debug=debug)
        missed = report.count("failed")
        videos += map(str, report.files)
        if not videos:
            raise typer.Exit(1)
    pages: list[Path] = []
    try:
        with reporter.bars("videos" if ray else "frames") as bars:
            shown = _Progress(bars, on_ray=ray is not None)

            def on_result(result: "OverlaySummary | Failure") -> None:
                shown.one_ended()
                _report_result(reporter, result)

            results = overlay_videos(
                *(videos, out, run),
                **options,
                on_progress=shown,
                on_result=on_result,
                on_page=pages.append,
                on_warning=reporter.warn,
            )
    except KeyboardInterrupt:
        reporter.say("Stopped. Run the same command again to continue.")
        raise
    if pages:
        reporter.say(f"to look at in a browser: {escape(one_line(str(pages[-1])))}")
    if not results:
        reporter.say(f"nothing to do: fewer videos than shards, none of them in shard {shard}")
    _show_results(reporter, results, out, options["shard"], pages)
    if missed:
        raise typer.Exit(1)


class _Progress:
    """Progress bars: one video after the other with its speed; of a Ray cluster, all videos in one bar."""

    def __init__(self, bars: Bars, *, on_ray: bool) -> None:
        self._bars = bars
        self._on_ray = on_ray
        self._ended = 0
        self._videos: int | None = None
        self._task = ""
        self._started: float | None = None
        self._before = 0
        if on_ray:
            self._show_ray("Ray starts")

    def __call__(self, progress: "OverlayProgress") -> None:
        """Show progress."""
        self._videos = progress.videos
        if self._on_ray:
            workers = f"{progress.workers} worker{'' if progress.workers == 1 else 's'}"
            speed = self._speed(progress.frames) if progress.frames else ""
            self._show_ray(f"{workers}, {speed}" if speed else workers)
            return
        assert progress.video is not None
        name = progress.video.name if len(progress.video.name) <= 32 else "…" + progress.video.name[-31:]
        task = escape(name + (f" ({progress.number}/{progress.videos})" if progress.videos > 1 else ""))
        if task != self._task:
            self._task, self._started = task, None
        self._bars.show(task, progress.frames, progress.frames_in_all, self._speed(progress.frames))

    def one_ended(self) -> None:
        """Count a video that has just ended, well or not, and take its bar away."""
        self._ended += 1
        if self._on_ray:
            self._show_ray("")
        else:
            self._bars.hide(self._task)

    def _speed(self, frames: int) -> str:
        """Return the frames per second since the first call for this bar."""
        if self._started is None:
            self._started, self._before = time.perf_counter(), frames
            return ""
        return f"{(frames - self._before) / (time.perf_counter() - self._started):.0f} frames/s"

    def _show_ray(self, note: str) -> None:
        self._bars.show("overlay", self._ended, self._videos, note)


def _report_result(reporter: Reporter, result: "OverlaySummary | Failure") -> None:
    """Print a line for a video that has just ended, and its warnings."""
    from roadseg.overlay.failures import Failure

    if isinstance(result, Failure):
        which = f" (track {result.track})" if result.track else ""
        fail(result.error.cause + which, result.error.remedy)
        if debug_wanted():
            traceback.print_exception(result.error)
        return
    done = (
        "done before, skipped (--overwrite does it again)"
        if result.skipped
        else f"{result.frames} frames in {result.wall_seconds:.1f} s, {result.frames_per_second:.0f} frames/s"
    )
    if result.frames_resumed and not result.skipped:
        done += f", of which {result.frames_resumed} were done before"
    masked = f", {100 * result.masked_share:.1f} % masked" if result.masked_share else ""
    reporter.say(f"{escape(result.title)}: {done}{masked}")
    if result.skipped:
        return
    events = [f"{name.replace('_', ' ')}: {value:g}" for name, value in result.decoder_events.items() if value]
    for notice in [*([", ".join(events)] if events else []), *result.notices]:
        reporter.warn(f"{result.title}: {notice}")


def _show_results(
    reporter: Reporter,
    results: "list[OverlaySummary | Failure]",
    out: Path,
    shard: tuple[int, int] | None,
    pages: list[Path],
) -> None:
    """Print the tables or the JSON document; exit with 1 if a video failed."""
    from roadseg.overlay.failures import Failure, failure_record
    from roadseg.overlay.tasks import Shard

    summaries = [result for result in results if not isinstance(result, Failure)]
    if summaries or reporter.as_json or len(results) > 1:
        tables = [_videos_table(results)] if len(results) > 1 else []
        tables += [_classes_table(summaries, out, pages)] if summaries else []
        reporter.result(Group(*tables), {"out": str(out), "videos": [_as_dict(result) for result in results]})
    failures = len(results) - len(summaries)
    if failures and len(results) > 1:
        record = failure_record(out, Shard(*shard) if shard else None)
        fail(f"{failures} of {len(results)} videos failed", f"{record} says which and why.")
    if failures:
        raise typer.Exit(1)


def _videos_table(results: "list[OverlaySummary | Failure]") -> Table:
    """Return a table of the videos, failures first."""
    from roadseg.overlay.failures import Failure

    table = Table(title="videos", title_justify="left", caption_justify="left")
    table.add_column("video", overflow="fold")
    for heading in ("frames", "s", "frames/s"):
        table.add_column(heading, justify="right")
    table.add_column("status")
    for result in sorted(results, key=lambda result: not isinstance(result, Failure))[:TOP_VIDEOS]:
        if isinstance(result, Failure):
            table.add_row(escape(result.title), "", "", "", "failed", style="red")
            continue
        facts = str(result.frames), f"{result.duration_seconds:.1f}", f"{result.frames_per_second:.0f}"
        table.add_row(escape(result.title), *facts, "skipped" if result.skipped else "done")
    if len(results) > TOP_VIDEOS:
        table.caption = f"... and {len(results) - TOP_VIDEOS} more"
    return table


def _classes_table(summaries: "list[OverlaySummary]", out: Path, pages: list[Path]) -> Table:
    """Return a table of the classes that take up most of the frames, over all videos, weighted by their duration."""
    from roadseg.overlay.masks import MASKS_SUFFIXES
    from roadseg.overlay.summary import mean_shares
    from roadseg.video.find import video_count

    shares = mean_shares(summaries)
    seconds = sum(summary.duration_seconds for summary in summaries)
    seen: defaultdict[str, float] = defaultdict(float)
    for entry in (entry for summary in summaries for entry in summary.classes):
        seen[entry.name] += entry.seconds
    suffixes = sorted({f".overlay.{summary.job.container}" for summary in summaries})
    suffixes += sorted({MASKS_SUFFIXES[each.job.masks] for each in summaries if each.job.masks is not None})
    suffixes += [".frames.parquet", ".summary.json", ".report.html"]
    if len(summaries) == 1 and pages:  # a page is beside the other results
        where = f"{pages[0].parent / pages[0].name.removesuffix(suffixes[-1])}{suffixes[0]}, {', '.join(suffixes[1:])}"
    else:
        where = f"{out}: {', '.join(f'*{suffix}' for suffix in suffixes)}"
    table = Table(
        title=f"{video_count(len(summaries))}, {seconds:.1f} s",
        title_justify="left",
        caption=escape(one_line(f"results in {where}")),
        caption_justify="left",
    )
    table.add_column("class")
    table.add_column("of the frame %", justify="right")
    table.add_column("seen for s", justify="right")
    for name in sorted(shares, key=lambda name: -shares[name])[:TOP_CLASSES]:
        if shares[name]:
            table.add_row(name, f"{100 * shares[name]:.1f}", f"{seen[name]:.1f}")
    return table


def _as_dict(result: "OverlaySummary | Failure") -> dict[str, Any]:
    from roadseg.overlay.failures import Failure

    if isinstance(result, Failure):
        return {
            "video": str(result.video),
            "track": result.track,
            "status": "failed",
            "cause": result.error.cause,
            "remedy": result.error.remedy,
        }
    return {"status": "skipped" if result.skipped else "done", **result.model_dump(mode="json")}
