"""`roadseg frames`: extract frames of videos as images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter, fail
from roadseg.cli.drives import Channel, DriveName, of_drives
from roadseg.cli.options import (
    Count,
    Duration,
    FrameRate,
    MaxSize,
    MinChange,
    SceneChange,
    Start,
    Threads,
    Track,
    parse_duration,
    parse_rate,
    parse_time,
    parse_track,
    refuse_several_ways,
)

if TYPE_CHECKING:
    from roadseg.video.extract import Extraction


def frames(
    videos: Annotated[list[str], typer.Argument(metavar="VIDEO", help="Videos, folders, patterns, @lists, drives.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the images.")] = Path(
        "data/frames"
    ),
    every: Annotated[
        str | None, typer.Option(metavar="TIME", help="Take a frame every 2s or 500ms. Default: 1s.")
    ] = None,
    count: Count = None,
    scene_change: SceneChange = False,
    min_change: MinChange = 2.0,
    format: Annotated[Literal["jpg", "png"], typer.Option(help="Image format; png is lossless.")] = "jpg",
    max_size: MaxSize = None,
    track: Track = None,
    drive: DriveName = None,
    channel: Channel = None,
    frame_rate: FrameRate = None,
    start: Start = None,
    duration: Duration = None,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Extract frames of videos: DIR/NAME-HASH/*.jpg, listed with their times in DIR/frames.parquet.

    While the car stands still, one image is kept (--min-change 0 keeps all).
    Finished videos are kept. A broken video does not stop the others.

    [bold]Example:[/bold] roadseg frames drive.mp4 --every 500ms --out data/frames
    """
    from roadseg.video.extract import extract_frames

    refuse_several_ways(every, count, scene_change)
    reporter = Reporter(quiet=quiet, as_json=as_json)
    with reporter.bars("frames") as bars:
        extraction = extract_frames(
            of_drives(reporter, videos, drive, channel),
            out,
            every=parse_duration(every) if every else None,
            count=count,
            scene_change=scene_change,
            min_change=min_change,
            format=format,
            max_size=max_size,
            track=parse_track(track),
            frame_rate=parse_rate(frame_rate) if frame_rate else None,
            start=parse_time(start) if start else 0,
            duration=parse_time(duration) if duration else None,
            on_progress=lambda video, done, total: bars.show(video.name, done, total),
        )
    for video in extraction.videos:
        for warning in video.warnings:
            reporter.warn(f"{video.video}: {warning}")
    for failure in extraction.failures:
        fail(failure.error.cause, failure.error.remedy)
    reporter.result(_summary(extraction), _as_dict(extraction))
    if extraction.failures:
        raise typer.Exit(1)


def _summary(extraction: "Extraction") -> str:
    """Return one line for each video, and one with the total."""
    from roadseg.video.find import video_count

    lines = []
    for video in extraction.videos:
        facts = ["already there"] if video.reused else []
        facts += [f"{video.duplicates} near-duplicates dropped"] if video.duplicates else []
        lines.append(f"{video.images:6}  {escape(str(video.folder))}" + (f"  ({', '.join(facts)})" if facts else ""))
    failed = f", {len(extraction.failures)} failed" if extraction.failures else ""
    lines.append(f"{extraction.images:6}  images of {video_count(len(extraction.videos))}{failed}")
    return "\n".join(lines)


def _as_dict(extraction: "Extraction") -> dict[str, Any]:
    return {
        "index": str(extraction.index),
        "images": extraction.images,
        "videos": [
            {
                "video": str(video.video),
                "folder": str(video.folder),
                "images": video.images,
                "near_duplicates": video.duplicates,
                "reused": video.reused,
                "events": video.events,
            }
            for video in extraction.videos
        ],
        "failures": [
            {"video": str(failure.video), "cause": failure.error.cause, "remedy": failure.error.remedy}
            for failure in extraction.failures
        ],
    }
