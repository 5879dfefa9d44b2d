"""`roadseg quantize`: a run whose network calculates in int8."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter
from roadseg.cli.options import Run


def quantize(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="Run folder to make.")],
    run: Run = Path("default"),
    frames: Annotated[
        str | None,
        typer.Option(
            metavar="FRAMES", help="Images for calibration: a folder, or KIND:ROOT. Default: rendered streets."
        ),
    ] = None,
    images: Annotated[int, typer.Option(metavar="N", help="Largest number of images, evenly spread.")] = 100,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Quantize a trained network to int8, for processors with VNNI or AMX.

    Labels are compared with those of float32 on one image in ten, which the
    calibration does not see, and processor times on this machine are shown.
    The folder works as that of `roadseg import`; its network.onnx is for other
    programs too: RGB uint8 images (N, H, W, 3) in, class scores out.

    [bold]Example:[/bold] roadseg quantize --run runs/my-roads --frames data/frames --out runs/my-roads-int8
    """
    reporter = Reporter(quiet=quiet, as_json=as_json)
    with reporter.bars() as bars:
        bars.show("exporting", 0, None)
        from roadseg.jobs.quantize import quantize as job

        made = job(run, out, frames=frames, count=images, on_progress=bars.show)
    for notice in made.notices:
        reporter.warn(notice)
    width, height = made.input_size
    reporter.result(
        f"[bold]{escape(str(out))}[/bold]: {made.bytes / 1e6:.1f} MB, calibrated on {made.calibrated_on} images\n"
        f"{100 * made.agreement:.2f} % of the pixels of {made.compared_on} other images have the label of float32; "
        f"here, by {made.engine}, {100 * made.agreement_here:.2f} %\n"
        f"{made.core_ms:.1f} core-ms an image of {width}x{height} here, {made.float_core_ms:.1f} before\n"
        f"next: roadseg evaluate {escape(str(out))} KIND:ROOT",
        made.as_dict(),
    )
