"""`roadseg evaluate`: score a run on a labelled data set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from roadseg.cli.console import Debug, Json, Quiet, Reporter
from roadseg.cli.options import Device, parse_size

if TYPE_CHECKING:
    from roadseg.evaluation.evaluate import Evaluation


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder of `roadseg adapt`.")],
    dataset: Annotated[str, typer.Argument(help="Kind of data set: streets or camvid.")],
    root: Annotated[Path, typer.Argument(help="Its folder.")],
    split: Annotated[str, typer.Option(help="Split to score; default: val, where the set has splits.")] = "",
    size: Annotated[str | None, typer.Option(help="Input size WxH; default: the one the run was trained for.")] = None,
    device: Device = "auto",
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Score a run: IoU a class and mean IoU in percent, over the classes that the run and the data set share.

    [bold]Example:[/bold] roadseg evaluate runs/my-roads camvid data/camvid --split val
    """
    from roadseg.datasets.catalogue import open_dataset
    from roadseg.evaluation.evaluate import evaluate as score
    from roadseg.evaluation.evaluate import network_predictor
    from roadseg.models.weights import load_model
    from roadseg.runtime import start

    reporter = Reporter(quiet=quiet, as_json=as_json)
    images = open_dataset(dataset, root, split)
    network, card = load_model(run)
    runtime = start(device)
    with reporter.bars("images") as bars:
        evaluation = score(
            network_predictor(runtime.place(network), runtime),
            card.label_space,
            images,
            input_size=parse_size(size) if size else card.input_size,
            on_progress=lambda done, total: bars.show("evaluating", done, total),
        )
    reporter.result(iou_table(evaluation, str(run)), {"run": str(run), **evaluation.as_dict()})


def iou_table(evaluation: "Evaluation", title: str) -> Table:
    """IoU a class and the mean, in percent; a dash for a class that the truth never shows."""
    table = Table(title=f"{title} on {evaluation.dataset}, {evaluation.images} images", title_justify="left")
    table.add_column("class")
    table.add_column("IoU %", justify="right")
    for name, value in zip(evaluation.classes, evaluation.iou, strict=True):
        table.add_row(name, "-" if value != value else f"{value:.1f}")
    table.add_section()
    table.add_row("mean", f"{evaluation.miou:.1f}", style="bold")
    return table
