"""`roadseg synth`: render synthetic streets with their label maps."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, Quiet, Reporter
from roadseg.cli.options import parse_rate, parse_size

SHEET = "contact_sheet.png"
SHEET_STREETS = 12


def synth(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for images/, labels/ and dataset.toml.")],
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, metavar="N", help="Streets; 400 by default.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Another seed, other streets.")] = 0,
    size: Annotated[str, typer.Option(metavar="WxH", help="Of the pictures, in pixels.")] = "480x360",
    look: Annotated[
        Literal["game", "target", "both"],
        typer.Option(metavar="LOOK", help="game: clean; target: hazy dashcam; both: the same streets in each."),
    ] = "game",
    scenes: Annotated[
        str | None, typer.Option(metavar="NAME=WEIGHT,..", help="european, indian, highway, night; a mix by default.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--drive", metavar="SECONDS", help="One drive as a clip, instead of streets.")
    ] = None,
    frame_rate: Annotated[
        str | None, typer.Option(metavar="HZ", help="Frames a second of a drive; 15 by default.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, metavar="N", help="Processes; one a core by default.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Render streets with pixel-exact labels (Cityscapes train ids) as PNG, which keeps the pictures exact.

    An interrupted call can be repeated and goes on. With --drive, label map n belongs to frame n of drive.mp4.

    [bold]Examples:[/bold]
      roadseg synth streets --count 2000 --scenes european=0.7,indian=0.3
      roadseg synth drive --drive 20 --look target --seed 7
    """
    if seconds is None and frame_rate is not None:
        raise typer.BadParameter("it goes with --drive", param_hint="--frame-rate")
    if seconds is not None and (count is not None or workers is not None):
        raise typer.BadParameter("--count and --workers are for streets, not for a drive", param_hint="--drive")
    if seconds is not None and look == "both":
        raise typer.BadParameter("a drive has one look: game or target", param_hint="--look")
    pixels, rate = parse_size(size), parse_rate(frame_rate) if frame_rate else Fraction(15)

    from roadseg.datasets.rendered import render_dataset, render_drive
    from roadseg.streets.drive import frame_count
    from roadseg.streets.looks import LOOKS, Look
    from roadseg.streets.presets import DEFAULT_SCENES, mixture, parse_scenes

    mixed = parse_scenes(scenes) if scenes is not None else mixture(DEFAULT_SCENES)
    reporter = Reporter(quiet=quiet, as_json=as_json)
    folders: dict[Look, Path] = {one: out / one for one in LOOKS} if look == "both" else {look: out}
    try:
        with reporter.bars("pictures") as bars:
            if seconds is None:
                count = count or 400
                for one, folder in folders.items():
                    render_dataset(
                        folder, count=count, seed=seed, size=pixels, look=one, scenes=mixed,
                        shared=look == "both", workers=workers,
                        on_progress=lambda done, total: bars.show("rendering", done, total),
                    )  # fmt: skip
            else:
                count = frame_count(seconds, rate)
                (one,) = folders
                render_drive(
                    out, seed=seed, seconds=seconds, size=pixels, look=one, frame_rate=rate, scenes=mixed,
                    on_progress=lambda done, total: bars.show("driving", done, total),
                )  # fmt: skip
    except KeyboardInterrupt:
        reporter.say("stopped: what is rendered is kept, the same command goes on")
        raise
    for folder in folders.values():
        _write_sheet(folder, count)
    result = {
        "out": str(out), "count": count, "seed": seed, "size": list(pixels), "look": look, "scenes": mixed,
        "drive": seconds,
    }  # fmt: skip
    shown = " and ".join(map(str, folders.values()))
    reporter.result(f"{escape(shown)}: {count} pictures with label maps; see {SHEET}", result)


def _write_sheet(out: Path, count: int) -> None:
    """Show pictures from all over the set with their label maps."""
    import cv2
    import numpy as np

    from roadseg.datasets.rendered import image_path, label_path
    from roadseg.files import write_png
    from roadseg.streets.contact_sheet import contact_sheet

    pairs = []
    for index in np.linspace(0, count - 1, min(count, SHEET_STREETS)).astype(int).tolist():
        image = cv2.imread(str(image_path(out, index)), cv2.IMREAD_COLOR_RGB)
        label = cv2.imread(str(label_path(out, index)), cv2.IMREAD_UNCHANGED)
        pairs.append((np.asarray(image, np.uint8), np.asarray(label, np.uint8)))
    write_png(out / SHEET, contact_sheet(pairs))
