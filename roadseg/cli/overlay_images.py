"""`roadseg overlay` for images."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape
from rich.table import Table

from roadseg.cli.console import Reporter, fail
from roadseg.cli.options import given_besides
from roadseg.errors import one_line

if TYPE_CHECKING:
    from roadseg.jobs.overlay_images import ImageFailure, ImageOverlay

TAKEN = (
    *("input_size", "flip", "scales", "device", "engine", "overwrite"),
    *("opacity", "style", "fit_edges", "palette", "classes", "legend", "side_by_side", "height", "title", "blur"),
)
"""Options of the job, as the command has them."""
ALLOWED = (*TAKEN, "videos", "out", "run", "threads", "quiet", "as_json", "debug")
"""Parameters of the command that may be given for images."""
TOP_CLASSES = 8
"""Rows of the table at the end; the file of shares has all."""


def refuse_video_options(context: typer.Context) -> None:
    """Stop where an option was given that images do not have.

    Raises:
        typer.BadParameter: one was.
    """
    if wrong := given_besides(context, ALLOWED):
        raise typer.BadParameter(f"{wrong[0]} is for videos: leave it out for images")


def overlay_images(reporter: Reporter, images: list[str], out: Path, run: Path, options: Mapping[str, Any]) -> None:
    """Draw on images with a progress bar and show the results; exit with 1 if one failed."""
    from roadseg.jobs import overlay_images as job

    taken = {name: options[name] for name in TAKEN}
    with reporter.bars("images") as bars:

        def on_result(result: "ImageOverlay | ImageFailure", done: int, total: int) -> None:
            bars.show("overlay", done, total)
            if isinstance(result, job.ImageFailure):
                fail(result.error.cause, result.error.remedy)

        results = job.overlay_images(images, out, run, **taken, on_result=on_result, on_warning=reporter.warn)
    drawn = [result for result in results if isinstance(result, job.ImageOverlay)]
    if drawn or reporter.as_json:
        table = _classes_table(drawn, out) if drawn else ""
        reporter.result(table, {"out": str(out), "images": [_as_dict(result) for result in results]})
    if len(drawn) < len(results):
        raise typer.Exit(1)


def _classes_table(drawn: "list[ImageOverlay]", out: Path) -> Table:
    """Return a table of the classes that take up most of the images, on average."""
    from roadseg.jobs.overlay_images import TABLE

    where = str(drawn[0].overlay) if len(drawn) == 1 else f"{out}: *.overlay.jpg or .png, {TABLE}"
    table = Table(
        title="1 image" if len(drawn) == 1 else f"{len(drawn)} images",
        title_justify="left",
        caption=escape(one_line(f"results in {where}")),
        caption_justify="left",
    )
    table.add_column("class")
    table.add_column("of the image %", justify="right")
    shares = {name: sum(one.shares[name] for one in drawn) / len(drawn) for name in drawn[0].shares}
    for name in sorted(shares, key=lambda name: -shares[name])[:TOP_CLASSES]:
        if shares[name]:
            table.add_row(name, f"{100 * shares[name]:.1f}")
    return table


def _as_dict(result: "ImageOverlay | ImageFailure") -> dict[str, Any]:
    from roadseg.jobs.overlay_images import ImageFailure

    if isinstance(result, ImageFailure):
        error = result.error
        return {"image": str(result.image), "status": "failed", "cause": error.cause, "remedy": error.remedy}
    return {
        "image": str(result.image),
        "status": "done",
        "overlay": str(result.overlay),
        "size_px": list(result.size),
        "fractions": result.shares,
    }
