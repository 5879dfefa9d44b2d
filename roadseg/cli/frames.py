"""`roadseg frames`: pictures out of videos, for adaptation to the roads they show."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, Quiet, Reporter, fail
from roadseg.cli.options import (
    Count,
    FrameRate,
    MaxSize,
    MinChange,
    SceneChange,
    parse_duration,
    parse_rate,
    refuse_several_ways,
)

if TYPE_CHECKING:
    from roadseg.video.extract import Extracted, Extraction


def frames(
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEO", help="Video files.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the pictures.")] = Path(
        "data/frames"
    ),
    every: Annotated[str | None, typer.Option(metavar="TIME", help="A frame every 2s or 500ms; default 1s.")] = None,
    count: Count = None,
    scene_change: SceneChange = False,
    min_change: MinChange = 2.0,
    picture_format: Annotated[Literal["jpg", "png"], typer.Option("--format", metavar="jpg|png")] = "jpg",
    max_size: MaxSize = None,
    frame_rate: FrameRate = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take pictures out of videos: DIR/NAME-HASH/*.jpg, listed with their times in DIR/frames.parquet.

    While the car stands still, one picture is kept (--min-change 0 keeps all).
    What is done already is reused. A broken video does not stop the others.

    [bold]Example:[/bold] roadseg frames drive.mp4 --every 500ms --out data/frames
    """
    from roadseg.video.extract import extract_frames

    refuse_several_ways(every, count, scene_change)
    if every is None and count is None and not scene_change:
        every = "1s"
    reporter = Reporter(quiet=quiet, as_json=as_json)
    with reporter.bars("frames") as bars:
        extraction = extract_frames(
            videos,
            out,
            every=parse_duration(every) if every else None,
            count=count,
            scene_change=scene_change,
            min_change=min_change,
            picture_format=picture_format,
            max_size=max_size,
            frame_rate=parse_rate(frame_rate) if frame_rate else None,
            on_progress=lambda video, done, total: bars.show(escape(video.name), done, total),
        )
    for video in extraction.videos:
        for warning in _warnings(video):
            reporter.warn(f"{video.video}: {warning}")
    for failure in extraction.failures:
        fail(failure.error.cause, failure.error.remedy)
    reporter.result(_shown(extraction), _as_dict(extraction))
    if extraction.failures:
        raise typer.Exit(1)


def _warnings(video: "Extracted") -> list[str]:
    """What went wrong in reading a video; that its colours had to be guessed is normal and not told."""
    events = dict(video.events)
    notices = [notice for notice in events.pop("notices") if not notice.startswith("colour matrix")]
    counts = [f"{name.replace('_', ' ')}: {value:g}" for name, value in events.items() if value]
    return ([] if video.reused or not counts else [", ".join(counts)]) + ([] if video.reused else notices)


def _shown(extraction: "Extraction") -> str:
    """A line for each video, and one that counts."""
    lines = []
    for video in extraction.videos:
        facts = ["there already"] if video.reused else []
        facts += [f"{video.duplicates} near-duplicates dropped"] if video.duplicates else []
        lines.append(f"{video.pictures:6}  {escape(str(video.folder))}" + (f"  ({', '.join(facts)})" if facts else ""))
    failed = f", {len(extraction.failures)} failed" if extraction.failures else ""
    videos = "1 video" if len(extraction.videos) == 1 else f"{len(extraction.videos)} videos"
    lines.append(f"{extraction.pictures:6}  pictures of {videos}{failed}")
    return "\n".join(lines)


def _as_dict(extraction: "Extraction") -> dict[str, Any]:
    return {
        "index": str(extraction.index),
        "pictures": extraction.pictures,
        "videos": [
            {
                "video": str(video.video),
                "folder": str(video.folder),
                "pictures": video.pictures,
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
