"""`roadseg export`: a trained network for other programs."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter
from roadseg.cli.options import InputSize, Run, parse_size


def export(
    format: Annotated[Literal["onnx"], typer.Option(help="File format.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="File to write.")],
    run: Run = Path("default"),
    input_size: InputSize = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Export a trained network, e.g. to ONNX.

    Input: images (N, height, width, 3) uint8 RGB for any N. Output: label maps
    uint8 of half the size. Normalisation is part of the graph; classes, colours
    and sizes are in the metadata. Before the file is kept, ONNX Runtime must
    give the same labels as torch.

    [bold]Example:[/bold] roadseg export --format onnx --run runs/my-roads --out my-roads.onnx
    """
    reporter = Reporter(quiet=quiet, as_json=as_json)
    with reporter.bars() as bars:
        bars.show(f"exporting {format}", 0, None)
        from roadseg.inference.onnx_model import export_onnx

        written = export_onnx(run, out, input_size=parse_size(input_size) if input_size else None)
    (width, height), (label_width, label_height) = written.input_size, written.label_size
    summary = (
        f"[bold]{escape(str(out))}[/bold]: {written.bytes / 1e6:.1f} MB, opset {written.opset}\n"
        f"images (N, {height}, {width}, 3) uint8 RGB -> labels (N, {label_height}, {label_width}) uint8, "
        f"{len(written.classes)} classes\n"
        f"same labels as torch in {100 * written.agreement:.2f} % of the pixels of rendered streets"
    )
    reporter.result(summary, written.as_dict())
