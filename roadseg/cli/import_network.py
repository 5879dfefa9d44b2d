"""`roadseg import`: a network of another program, or published weights, as a run folder."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter
from roadseg.cli.options import InputSize, parse_size


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="ONNX file, folder of transformers, hf:ORG/NAME of the hub, or with --recipe published weights.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="Run folder to make.")],
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="SPACE", help="Classes: cityscapes-19, ..., or a TOML file. Default: those that the file names."
        ),
    ] = None,
    normalization: Annotated[
        Literal["imagenet", "0..1", "-1..1", "none", "caffe-bgr"] | None,
        typer.Option(help="Scaling of pixels. Default: what the file says, else imagenet."),
    ] = None,
    mean: Annotated[
        str | None, typer.Option(metavar="R,G,B", help="Instead: means, on the scale of 0..1 or 0..255.")
    ] = None,
    std: Annotated[str | None, typer.Option(metavar="R,G,B", help="Standard deviations, on the same scale.")] = None,
    input_size: InputSize = None,
    output: Annotated[
        str | None, typer.Option(metavar="NAME", help="Output to take. Default: the first map of the classes.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(metavar="RECIPE", help="Recipe that describes a published file of weights.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Import a network of another program.

    The file may take float or uint8 images, NCHW or NHWC, and give scores,
    probabilities or labels at any stride. No code of it is run. It is tried on
    rendered streets at once, beside the default weights: look at trial.png.
    Published weights of the paper's networks become a run like those of adapt.

    [bold]Example:[/bold] roadseg import pidnet.onnx --labels cityscapes-19 --out runs/pidnet
    [bold]Example:[/bold] roadseg import segformer-b0-cityscapes/ --out runs/segformer
    [bold]Example:[/bold] roadseg import hf:nvidia/segformer-b0-finetuned-cityscapes-1024-1024 --out runs/segformer
    [bold]Example:[/bold] roadseg import gta5.pth --recipe gta5_cityscapes_multi_level --out runs/gta5
    """
    reporter = Reporter(quiet=quiet, as_json=as_json)
    if recipe is not None:
        if any(given is not None for given in (labels, normalization, mean, std, input_size, output)):
            raise typer.BadParameter("--recipe names classes, scaling and size: leave the other options out")
        _published(reporter, file, out, recipe)
        return
    with reporter.bars() as bars:
        from roadseg.jobs.import_network import import_network

        imported = import_network(
            file,
            out,
            labels=labels,
            normalization=normalization,
            mean=_numbers(mean),
            std=_numbers(std),
            input_size=parse_size(input_size) if input_size else None,
            output=output,
            on_progress=bars.show,
        )
    for notice in imported.notices:
        reporter.warn(notice)
    width, height = imported.input_size
    shape = f"up to {width}x{height}" if imported.any_size else f"{width}x{height}"
    summary = (
        f"[bold]{escape(str(out))}[/bold]: {len(imported.classes)} classes, {imported.answer} at stride "
        f"{imported.label_stride:g}, images {shape}, normalization {escape(imported.normalization)}\n"
    )
    if imported.agreement is not None and imported.accuracy is not None:
        summary += (
            f"on rendered streets {100 * imported.agreement:.0f} % of its labels are those of default, "
            f"{100 * imported.accuracy:.0f} % are right\n"
        )
    summary += f"look: {escape(str(imported.picture))}\nnext: roadseg overlay VIDEO --run {escape(str(out))} --out out"
    reporter.result(summary, imported.as_dict())


def _published(reporter: Reporter, file: Path, out: Path, recipe: Path) -> None:
    from roadseg.jobs.import_weights import import_weights

    imported = import_weights(file, out, recipe=recipe)
    width, height = imported.input_size
    unused = f"{len(imported.unused)} tensors have no effect: {', '.join(imported.unused)}\n" if imported.unused else ""
    reporter.result(
        f"[bold]{escape(str(out))}[/bold]: {imported.model} with {imported.levels} "
        f"{'heads' if imported.levels > 1 else 'head'}, {escape(imported.labels)}, images up to {width}x{height}\n"
        f"{imported.loaded} tensors loaded from {escape(imported.origin)}, none missing\n"
        f"{escape(unused)}next: roadseg overlay VIDEO --run {escape(str(out))} --out out",
        imported.as_dict(),
    )


def _numbers(text: str | None) -> tuple[float, ...] | None:
    """Read `0.485,0.456,0.406` as numbers; None where nothing is given.

    Raises:
        typer.BadParameter: it is not written so.
    """
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} are not three numbers; write for example 0.485,0.456,0.406") from None
