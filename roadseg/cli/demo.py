"""`roadseg demo`: the whole chain, on built-in data or on a video of yours."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from roadseg.cli.adapt import training_note
from roadseg.cli.console import Debug, Json, Quiet, Reporter

if TYPE_CHECKING:
    from roadseg.demo import DemoResult

SHOWN_CLASSES = 8
"""Rows of the table of class shares."""


def demo(
    video: Annotated[str | None, typer.Option(help="Path or http(s) address of your own dashcam video.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for everything that is made.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Seed of the training runs.")] = 0,
    data: Annotated[Path, typer.Option(help="Where rendered streets are kept.")] = Path("data"),
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Fetch, extract, train, adapt, evaluate and overlay: the whole chain in minutes on a laptop's CPU.

    Without --video it adapts to a rendered drive, which comes with ground truth. After Ctrl-C the same command goes on.

    [bold]Example:[/bold] roadseg demo --video my-drive.mp4 --out my-demo
    """
    from roadseg.demo import DemoWatcher
    from roadseg.demo import demo as run_demo

    reporter = Reporter(quiet=quiet, as_json=as_json)
    stages = 0

    def on_stage(what: str) -> None:
        nonlocal stages
        stages += 1
        reporter.say(f"[bold]{stages}.[/bold] {escape(what)}")

    try:
        with reporter.bars() as bars:
            watcher = DemoWatcher(
                on_stage=on_stage,
                on_progress=bars.show,
                on_report=lambda report, steps: bars.show("training", report.step, steps, training_note(report)),
            )
            result = run_demo(out, video, seed=seed, data=data, watcher=watcher)
    except KeyboardInterrupt:
        reporter.say("stopped: what is done is kept, the same command goes on")
        raise
    reporter.result(_table(result), _as_dict(result))
    for line in _where(result):
        reporter.say(escape(line))


def _table(result: "DemoResult") -> Table:
    """IoU before and after where there is truth, class shares before and after where there is none."""
    names = list(result.overlays)
    if result.scores:
        table = Table(title=f"IoU % on the drive's ground truth, {result.scores[names[0]].images} frames")
        rows = {
            name: [float(result.scores[method].iou[i]) for method in names]
            for i, name in enumerate(result.scores[names[0]].classes)
        }
        rows = {name: values for name, values in rows.items() if all(value == value for value in values)}
        rows["mean"] = [result.scores[method].miou for method in names]
    else:
        table = Table(title="Share of the picture %")
        shares = {method: {c.name: 100 * c.share for c in result.overlays[method].classes} for method in names}
        largest = sorted(shares[names[-1]], key=lambda name: -shares[names[-1]][name])[:SHOWN_CLASSES]
        rows = {name: [shares[method][name] for method in names] for name in largest}
    table.add_column("class")
    for name in names:
        table.add_column(name, justify="right")
    table.add_column("change", justify="right")
    for name, (before, after) in rows.items():
        style = "bold" if name == "mean" else ""
        table.add_row(name, f"{before:.1f}", f"{after:.1f}", f"{after - before:+.1f}", style=style)
    return table


def _where(result: "DemoResult") -> list[str]:
    lines = [f"adapted to {result.frames} unlabelled frames of {result.video}"]
    lines += [
        f"{method:12} {result.out / 'overlay' / method}/{result.video.stem}.overlay.mp4" for method in result.overlays
    ]
    last = list(result.overlays)[-1]
    lines.append(f"your own video: roadseg overlay VIDEO --run {result.out / 'runs' / last} --out out")
    return lines


def _as_dict(result: "DemoResult") -> dict[str, Any]:
    return {
        "out": str(result.out),
        "video": str(result.video),
        "frames": result.frames,
        "scores": {method: evaluation.as_dict() for method, evaluation in result.scores.items()},
        "runs": {method: str(result.out / "runs" / method) for method in result.overlays},
        "overlays": {method: summary.model_dump(mode="json") for method, summary in result.overlays.items()},
    }
