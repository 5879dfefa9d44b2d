"""`roadseg synth`: render synthetic streets with their label maps."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter
from roadseg.cli.options import parse_rate, parse_size


def synth(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for images/, labels/ and dataset.toml.")],
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, metavar="N", help="Number of streets. Default: 400.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Another seed gives other streets.")] = 0,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the images in pixels.")] = "480x360",
    look: Annotated[
        Literal["game", "target", "both"],
        typer.Option(help="game: clean. target: hazy dashcam. both: the same streets in each look."),
    ] = "game",
    scenes: Annotated[
        str | None,
        typer.Option(metavar="NAME=WEIGHT,..", help="Mix of european, indian, highway, night. Default: all four."),
    ] = None,
    drive: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Render one drive as a video, instead of streets.")
    ] = None,
    frame_rate: Annotated[
        str | None, typer.Option(metavar="HZ", help="Frames per second of a drive. Default: 15.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Number of processes. Default: one per CPU.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Render streets with pixel-exact labels (train ids of indian-20: Cityscapes and the autorickshaw) as lossless PNG.

    An interrupted call can be repeated: finished images are kept.
    With --drive, label map n belongs to frame n of drive.mp4.

    [bold]Examples:[/bold]
      roadseg synth streets --count 2000 --scenes european=0.7,indian=0.3
      roadseg synth drive --drive 20 --look target --seed 7
    """
    if drive is None and frame_rate is not None:
        raise typer.BadParameter("give it together with --drive", param_hint="--frame-rate")
    if drive is not None and (count is not None or workers is not None):
        raise typer.BadParameter("--count and --workers are for streets, not for a drive", param_hint="--drive")
    if drive is not None and look == "both":
        raise typer.BadParameter("a drive has one look: game or target", param_hint="--look")
    pixels, rate = parse_size(size), parse_rate(frame_rate or "15")

    from roadseg.datasets.rendered import render_streets
    from roadseg.streets.presets import DEFAULT_SCENES

    reporter = Reporter(quiet=quiet, as_json=as_json)
    try:
        with reporter.bars("images") as bars:
            rendered = render_streets(
                out,
                count=count or 400,
                seed=seed,
                size=pixels,
                look=look,
                scenes=DEFAULT_SCENES if scenes is None else scenes,
                drive=drive,
                frame_rate=rate,
                workers=workers,
                on_progress=lambda done, total: bars.show("rendering", done, total),
            )
    except KeyboardInterrupt:
        reporter.say("Stopped. Run the same command again to continue.")
        raise
    result = {
        "out": str(out), "count": rendered.count, "seed": seed, "size": list(pixels), "look": look,
        "scenes": rendered.scenes, "drive": drive, "sheets": [str(sheet) for sheet in rendered.sheets],
    }  # fmt: skip
    sheets = " and ".join(str(sheet) for sheet in rendered.sheets)
    reporter.result(
        f"{rendered.count} images with label maps in {escape(str(out))}; overview: {escape(sheets)}", result
    )
