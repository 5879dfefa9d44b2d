"""`roadseg labels`: images with labels for people to correct, or for other programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter, fail
from roadseg.cli.drives import Channel, DriveName, of_drives
from roadseg.cli.options import (
    Count,
    Device,
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
    from roadseg.jobs.labelling import WrittenLabels

NEXT = {
    "png": "next: correct masks/, then roadseg adapt --target IMAGES --target-labels {out} --out RUN",
    "cvat": """\
next:
  1. in CVAT, make a task of the images in images/, its labels pasted from labels.json (Raw)
  2. upload annotations.zip to it as "Segmentation mask 1.1", "Convert masks to polygons" off: polygons fill holes
  3. correct, then export as "Segmentation mask 1.1" to {out}/corrected.zip
  4. roadseg adapt --target IMAGES --target-labels {out}/corrected.zip --out RUN""",
    "fiftyone": 'next, in Python: fiftyone.Dataset.from_dir("{out}", fiftyone.types.FiftyOneDataset)',
    "coco": "",
    "coco-polygons": "",
    "yolo": "next: yolo segment train data={out}/data.yaml model=...",
    "ultralytics": "next: yolo semantic train data={out}/data.yaml model=...",
}
"""Next steps by format."""


def labels(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="Videos, a drive file, a folder of images; or labelled: a folder, CVAT's zip, KIND:ROOT.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder to make.")],
    label_format: Annotated[
        Literal["png", "cvat", "fiftyone", "coco", "coco-polygons", "yolo", "ultralytics"],
        typer.Option(
            *("--format", "-f"), metavar="FORMAT", help="png, cvat, coco, coco-polygons, yolo, ultralytics or fiftyone."
        ),
    ] = "png",
    run: Annotated[Path | None, typer.Option("--run", "-r", metavar="RUN", help="Run, default or indian.")] = None,
    every: Annotated[
        str | None, typer.Option(metavar="TIME", help="A frame every 2s or 500ms. Default: ten of each video.")
    ] = None,
    count: Count = None,
    scene_change: SceneChange = False,
    min_change: MinChange = 2.0,
    max_size: MaxSize = None,
    track: Track = None,
    drive: DriveName = None,
    channel: Channel = None,
    frame_rate: FrameRate = None,
    start: Start = None,
    duration: Duration = None,
    device: Device = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Write images with predicted labels, to be corrected; or convert labels.

    `roadseg adapt --target-labels` learns from png and from what CVAT exports.

    [bold]Example:[/bold] roadseg labels drive.mp4 --format cvat --out to-correct
    """
    refuse_several_ways(every, count, scene_change)
    step, rate = parse_duration(every) if every else None, parse_rate(frame_rate) if frame_rate else None
    from roadseg.jobs.labelling import write_labels

    reporter = Reporter(quiet=quiet, as_json=as_json)
    with reporter.bars() as bars:
        written = write_labels(
            of_drives(reporter, sources, drive, channel),
            out,
            label_format,
            run=run,
            every=step,
            count=count,
            scene_change=scene_change,
            min_change=min_change,
            max_size=max_size,
            track=parse_track(track),
            frame_rate=rate,
            start=parse_time(start) if start else 0,
            duration=parse_time(duration) if duration else None,
            device=device,
            on_frame=lambda video, done, total: bars.show(f"reading {video.name}", done, total),
            on_label=lambda done, total: bars.show("labelling", done, total),
        )
    for notice in written.notices:
        reporter.warn(notice)
    for failure in written.failures:
        fail(failure.error.cause, failure.error.remedy)
    reporter.result(_shown(written), written.as_dict())
    if written.failures:
        raise typer.Exit(1)


def _shown(written: "WrittenLabels") -> str:
    """Return a text with the facts and the next steps."""
    images = "1 image" if written.images == 1 else f"{written.images} images"
    facts = f"{images}, {len(written.label_space)} classes, labels {written.origin}"
    hint = NEXT[written.format].format(out=written.out)
    return f"[bold]{escape(str(written.out))}[/bold]: {escape(facts)}" + (f"\n{escape(hint)}" if hint else "")
