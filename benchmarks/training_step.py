"""A training step by part and the memory it keeps, beside the same step in plain code.

    python benchmarks/training_step.py [--model NAME] [--size WxH] [--precision NAME] [--device NAME] [--steps N]
        [--core-time]

NAME is a network, or hf:FOLDER for a backbone of transformers, whose weights are not needed. The step is multi-level
adaptation with one image per domain and 19 classes, on random images: resnet101 and vgg16 at 321x161, others at
480x272. Plain code is float32, NCHW, with batch norm as a layer of its own. Both kinds of step are made in
turn, and the fastest of each counts, so that other work on the machine matters little.
"""

import argparse
import time

from rich.console import Console
from rich.table import Table
from training.cost import TrainingCost, measure_training


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
    parser.add_argument("--model", default="fast")
    parser.add_argument("--size", type=lambda text: tuple(map(int, text.split("x"))))
    parser.add_argument("--precision", choices=("float32", "tf32", "bfloat16"), default="float32")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--core-time", action="store_true", help="processor time of all threads, for busy machines")
    options = parser.parse_args()
    cost = measure_training(
        options.model,
        device=options.device,
        precision=options.precision,
        steps=options.steps,
        size=options.size,
        clock=time.process_time if options.core_time else time.perf_counter,
    )
    print(f"{cost.model} at {cost.size[0]}x{cost.size[1]} on {cost.device}; ours in {cost.precision}")
    Console().print(training_table(cost))


if __name__ == "__main__":
    main()
