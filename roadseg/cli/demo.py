"""`roadseg demo`: the whole chain, on built-in data or on your own video."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from roadseg.cli.console import Debug, Json, Quiet, Reporter
from roadseg.cli.options import Threads
from roadseg.cli.video_results import before_after_table, say_where, shares_table, stage_progress

if TYPE_CHECKING:
    from roadseg.evaluation.scores import Evaluation


def demo(
    video: Annotated[str | None, typer.Option(help="Path or http(s) address of your own dashcam video.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for all results.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Seed of the adaptation.")] = 0,
    data: Annotated[Path, typer.Option(help="Folder for rendered streets.")] = Path("data"),
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Fetch, extract, adapt, overlay and evaluate: the whole chain in minutes on the CPU of a laptop.

    Without --video it adapts to a rendered drive with ground truth. After Ctrl-C, the same command continues.

    [bold]Example:[/bold] roadseg demo --video my-drive.mp4 --out my-demo
    """
    from roadseg.jobs.demo import RECIPE
    from roadseg.jobs.demo import demo as run_demo

    reporter = Reporter(quiet=quiet, as_json=as_json)
    with stage_progress(reporter, RECIPE["steps"]) as callbacks:
        result = run_demo(out, video, seed=seed, data=data, callbacks=callbacks)
    data_of_result = {
        "out": str(out),
        **result.videos.as_dict(),
        "scores": {label: evaluation.as_dict() for label, evaluation in result.scores.items()},
    }
    reporter.result(_scores_table(result.scores) if result.scores else shares_table(result.videos), data_of_result)
    say_where(reporter, result.videos, result.folder)


def _scores_table(scores: "dict[str, Evaluation]") -> Table:
    """Return IoU by class before and after, for classes that the truth shows, and the mean."""
    before, after = scores.values()
    pairs = zip(before.iou.tolist(), after.iou.tolist(), strict=True)
    rows = {name: pair for name, pair in zip(before.classes, pairs, strict=True) if not any(map(math.isnan, pair))}
    rows["mean"] = (before.miou, after.miou)
    return before_after_table(f"IoU % on the drive's ground truth, {before.images} frames", rows)
