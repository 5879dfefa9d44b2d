"""`roadseg overlay`: segment videos."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

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
from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter
from roadseg.cli.drives import Channel, DriveName, of_drives
from roadseg.cli.fetch import VIDEOS, fetched, is_address
from roadseg.cli.options import (
    AdaptBatchNorm,
    BatchNormPrior,
    BatchNormScenes,
    BatchNormSections,
    BatchSize,
    Device,
    Duration,
    Engine,
    Flip,
    FrameRate,
    InputSize,
    Run,
    Scales,
    Smooth,
    Start,
    Threads,
    Track,
    given_on_command_line,
    parse_duration,
    parse_length,
    parse_rate,
    parse_scales,
    parse_shard,
    parse_size,
    parse_time,
    parse_track,
)
from roadseg.cli.overlay_images import overlay_images, refuse_video_options
from roadseg.cli.overlay_live import Port, Show, is_live, overlay_live
from roadseg.cli.overlay_options import (
    Confidence,
    Container,
    Encoder,
    MakeGif,
    Masks,
    Overwrite,
    Ray,
    RayCpus,
    RayGpuShare,
    Shard,
)
from roadseg.cli.overlay_results import Notices, OverlayBars, report_gif, report_result, show_results
from roadseg.cli.position import Gps, GpsOffset, NoPosition, PlaceLine, TrimEnds, chosen_gps
from roadseg.errors import one_line

if TYPE_CHECKING:
    from roadseg.overlay.failures import Failure
    from roadseg.overlay.summary import OverlaySummary


def overlay(
    context: typer.Context,
    videos: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="Videos, images, folders of either, 'patterns/**/*.mp4', @LISTS, URLs, a drive file; a camera (0), rtsp://...",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR|FILE",
            help="Folder for results; for one video also the overlay itself, e.g. clip.mp4.",
        ),
    ] = Path("out"),
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
    drive: DriveName = None,
    channel: Channel = None,
    join: Annotated[
        bool, typer.Option("--join", help="With a drive file: also join the overlays of each drive to one video.")
    ] = False,
    container: Container = "mp4",
    encoder: Encoder = "x264",
    frame_rate: FrameRate = None,
    start: Start = None,
    duration: Duration = None,
    every: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Draw on a frame every 2s or 500ms, shown until the next: a quick look."),
    ] = None,
    gps: Gps = "auto",
    gps_offset: GpsOffset = None,
    no_position: NoPosition = False,
    trim_ends: TrimEnds = "",
    place_line: PlaceLine = False,
    flip: Flip = False,
    scales: Scales = "1",
    smooth: Smooth = False,
    adapt_bn: AdaptBatchNorm = False,
    bn_prior: BatchNormPrior = PRIOR,
    bn_scenes: BatchNormScenes = "",
    bn_sections: BatchNormSections = False,
    mask: Annotated[
        str | None,
        typer.Option(
            metavar="auto|PNG", help="Leave out bonnet and stamps: auto finds them, a PNG of yours has them white."
        ),
    ] = None,
    masks: Masks = None,
    confidence: Confidence = False,
    gif: MakeGif = False,
    show: Show = False,
    port: Port = None,
    device: Device = "auto",
    engine: Engine = "auto",
    shard: Shard = None,
    ray: Ray = None,
    ray_cpus: RayCpus = 1,
    ray_gpu_share: RayGpuShare = 1.0,
    overwrite: Overwrite = False,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Segment videos or images: write coloured overlays, statistics and report pages.

    For each video it writes NAME.overlay.mp4, NAME.frames.parquet,
    NAME.summary.json and NAME.report.html, a page for the browser; for each
    image NAME.overlay.jpg or .png, and images.csv for all of them. Videos at
    URLs are fetched to data/videos. Sub-folders of a folder are kept.

    Finished videos are skipped and an interrupted one continues: run the same
    command again. A broken video does not stop the others; DIR/failures.jsonl
    lists what failed.

    With a drive file of `roadseg drives`, results go to DIR/DRIVE, with one page
    for each drive. A camera (0 for the first) or a stream is shown live; --show
    does the same with a video. Many machines share the work by --shard or --ray;
    videos, runs and results are then on storage that all of them reach.

    [bold]Example:[/bold] roadseg overlay drive.mp4 --run runs/my-roads --out overlays
    [bold]Example:[/bold] roadseg overlay drive.mp4 --start 1:30 --duration 20 --out clip.mp4
    [bold]Example:[/bold] roadseg overlay folder/of/drives --out overlays --shard 1/8
    [bold]Example:[/bold] roadseg overlay folder/of/drives --out overlays --ray local
    """
    if ray is not None and shard is not None:
        raise typer.BadParameter("--ray and --shard exclude each other: Ray gives every video to one of its workers")
    if "container" in given_on_command_line(context) and out.suffix in {".mp4", ".mkv"} - {f".{container}"}:
        raise typer.BadParameter(f"--out {out} is no {container}: leave out --container, since the name decides")
    reporter = Reporter(quiet=quiet, as_json=as_json)
    options: dict[str, Any] = {
        "input_size": parse_size(input_size) if input_size else None,
        "smooth": smooth,
        "mask": mask,
        "masks": masks,
        "confidence": confidence,
        "gif": gif,
        "gps": chosen_gps(gps, no_position=no_position),
        "gps_offset": gps_offset,
        "trim_ends": parse_length(trim_ends) if trim_ends else 0.0,
        "place_line": place_line,
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
        "start": parse_time(start) if start else 0,
        "duration": parse_time(duration) if duration else None,
        "every": parse_duration(every) if every else None,
        "device": device,
        "engine": engine,
        "shard": parse_shard(shard) if shard else None,
        "ray": ray,
        "ray_cpus": ray_cpus,
        "ray_gpu_share": ray_gpu_share,
        "ray_verbose": debug,
        "overwrite": overwrite,
        "join": join,
    }
    if is_live(videos, show=show, port=port):
        overlay_live(context, reporter, videos, run, port, options)
        return
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
    clips = of_drives(reporter, videos, drive, channel)
    pages: list[Path] = []
    notices = Notices(reporter)
    try:
        with reporter.bars("videos" if ray else "frames") as bars:
            shown = OverlayBars(bars, on_ray=ray is not None)

            def on_result(result: "OverlaySummary | Failure") -> None:
                shown.one_ended()
                report_result(reporter, notices, result)

            results = overlay_videos(
                *(clips, out, run),
                **options,
                on_progress=shown,
                on_result=on_result,
                on_gif=lambda gif: report_gif(reporter, gif),
                on_page=pages.append,
                on_joined=lambda video: reporter.say(f"joined: {escape(one_line(str(video)))}"),
                on_warning=reporter.warn,
            )
    except KeyboardInterrupt:
        reporter.say("Stopped. Run the same command again to continue.")
        raise
    notices.end()
    if pages:
        reporter.say(f"open in a browser: {escape(one_line(str(pages[-1])))}")
    if not results:
        reporter.say(f"nothing to do: fewer videos than shards, none of them in shard {shard}")
    show_results(reporter, results, out, options["shard"], pages)
    if missed:
        raise typer.Exit(1)
