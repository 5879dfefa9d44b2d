"""`roadseg export`: results for other programs."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, Quiet, Reporter
from roadseg.cli.options import InputSize, parse_size


def export(
    file_format: Annotated[Literal["onnx"], typer.Option("--format", metavar="NAME", help="onnx: the network.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")],
    run: Annotated[
        Path, typer.Option("--run", "-r", metavar="RUN", help="Run folder of `roadseg adapt`; default: what ships.")
    ] = Path("default"),
    input_size: InputSize = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write the network of a run for programs that know nothing of roadseg.

    ONNX: pictures (N, height, width, 3) RGB uint8 in, label maps uint8 of half
    the size out, for any N; all between is inside. Classes, colours and sizes
    are in the metadata. The file is written if ONNX Runtime gives torch's labels.

    [bold]Example:[/bold] roadseg export --format onnx --run runs/my-roads --out my-roads.onnx
    """
    reporter = Reporter(quiet=quiet, as_json=as_json)
    with reporter.bars() as bars:
        bars.show(f"exporting {file_format}", 0, None)
        from roadseg.inference.onnx_model import export_onnx

        written = export_onnx(run, out, input_size=parse_size(input_size) if input_size else None)
    (width, height), (label_width, label_height) = written.input_size, written.label_size
    summary = (
        f"[bold]{escape(str(out))}[/bold]: {written.bytes / 1e6:.1f} MB, opset {written.opset}\n"
        f"images (N, {height}, {width}, 3) uint8 RGB -> labels (N, {label_height}, {label_width}) uint8, "
        f"{len(written.classes)} classes\n"
        f"the labels of torch in {100 * written.agreement:.2f} % of the pixels of rendered streets"
    )
    reporter.result(summary, written.as_dict())
