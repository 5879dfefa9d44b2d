"""`roadseg bench`: what this machine makes of the work."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from roadseg.cli.console import Debug, Json, Quiet, Reporter
from roadseg.cli.options import Device

if TYPE_CHECKING:
    from roadseg.bench.training import TrainingCost


def bench(
    train: Annotated[bool, typer.Option("--train", help="Measure a training step.")] = False,
    model: Annotated[
        Literal["fast", "resnet101", "vgg16"],
        typer.Option(metavar="NAME", help="fast at 480x272, or resnet101 or vgg16 at 321x161."),
    ] = "fast",
    precision: Annotated[
        Literal["float32", "bfloat16"], typer.Option(metavar="NAME", help="float32 or bfloat16, of our step.")
    ] = "float32",
    steps: Annotated[int, typer.Option(min=1, help="Steps to measure of each kind.")] = 5,
    device: Device = "auto",
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure what work costs on this machine. The one thing measured so far is training: give --train.

    A step of multi-level adaptation (a picture a domain, 19 classes) is timed
    by part, and the memory kept for its backward passes counted, beside the
    same step in plain code: float32, NCHW, batch norm apart. Both are made in
    turn; the fastest of each is shown.

    [bold]Example:[/bold] roadseg bench --train --model resnet101 --precision bfloat16
    """
    if not train:
        raise typer.BadParameter("say what to measure: --train")
    reporter = Reporter(quiet=quiet, as_json=as_json)
    with reporter.bars("steps") as bars:
        bars.show("loading", 0, None)
        from roadseg.bench.training import measure_training

        bars.hide("loading")
        cost = measure_training(
            model,
            device=device,
            precision=precision,
            steps=steps,
            on_progress=lambda done, total: bars.show("measuring", done, total),
        )
    reporter.say(
        f"{cost.model} at {cost.size[0]}x{cost.size[1]} on {cost.device}; ours in {cost.precision}, the fastest of "
        f"{cost.steps} steps of each kind, made in turn"
    )
    reporter.result(_table(cost), cost.as_dict())


def _table(cost: "TrainingCost") -> Table:
    ours, plain = cost.ours, cost.plain
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for column in ("ours", "plain", "ours / plain"):
        table.add_column(column, justify="right")
    for part, value in ours.milliseconds.items():
        other = plain.milliseconds.get(part)
        table.add_row(part, f"{value:.1f} ms", *(("-", "-") if other is None else (f"{other:.1f} ms", "")))
    table.add_section()
    table.add_row(
        "step without data",
        f"{ours.step_milliseconds:.1f} ms",
        f"{plain.step_milliseconds:.1f} ms",
        f"{cost.time_ratio:.2f}",
        style="bold",
    )
    megabytes = [f"{each.saved_bytes / 1e6:.1f} MB" for each in (ours, plain)]
    table.add_row("kept for backward", *megabytes, f"{cost.saved_ratio:.2f}", style="bold")
    if ours.device_bytes and plain.device_bytes:
        allocated = [f"{size / 1e6:.0f} MB" for size in (ours.device_bytes, plain.device_bytes)]
        table.add_row("allocated on device", *allocated, "")
    return table
