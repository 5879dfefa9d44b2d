"""A training step by part and the memory it keeps, beside the same step in plain code.

    python benchmarks/training_step.py [--model fast|resnet101|vgg16] [--precision NAME] [--device NAME] [--steps N]

The step is multi-level adaptation with one image per domain and 19 classes, on random images: fast at 480x272, the
others at 321x161. Plain code is float32, NCHW, with batch norm as a layer of its own. Both kinds of step are made in
turn, and the fastest of each counts, so that other work on the machine matters little.
"""

import argparse

from rich.console import Console
from rich.table import Table
from training.cost import TrainingCost, measure_training
from training.setting import SIZES


def training_table(cost: TrainingCost) -> Table:
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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=SIZES, default="fast")
    parser.add_argument("--precision", choices=("float32", "tf32", "bfloat16"), default="float32")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--steps", type=int, default=5)
    options = parser.parse_args()
    cost = measure_training(options.model, device=options.device, precision=options.precision, steps=options.steps)
    print(f"{cost.model} at {cost.size[0]}x{cost.size[1]} on {cost.device}; ours in {cost.precision}")
    Console().print(training_table(cost))


if __name__ == "__main__":
    main()
