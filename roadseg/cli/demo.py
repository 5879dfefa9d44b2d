"""`roadseg demo`: the whole chain, on built-in data or on your own video."""

from pathlib import Path
from typing import Annotated

import typer

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter
from roadseg.cli.options import Threads
from roadseg.cli.video_results import say_where, scores_table, shares_table, stage_progress


def demo(
    video: Annotated[str | None, typer.Option(help="Path or http(s) address of your own dashcam video.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for all results.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Seed of the adaptation.")] = 0,
    data: Annotated[Path, typer.Option(help="Folder for rendered streets.")] = Path("data"),
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Run the whole chain on one video, in minutes on a laptop: fetch, frames, adapt, overlays before and after.

    Without --video it renders a drive, whose true labels are known, so it ends
    with scores. After Ctrl-C, the same command continues.

    [bold]Example:[/bold] roadseg demo --video my-drive.mp4 --out my-demo
    """
    from roadseg.jobs.demo import RECIPE
    from roadseg.jobs.demo import demo as run_demo

    reporter = Reporter(quiet=quiet, as_json=as_json)
    with stage_progress(reporter, RECIPE["steps"]) as callbacks:
        result = run_demo(out, video, seed=seed, data=data, callbacks=callbacks)
    reporter.result(
        scores_table(result) if result.scores else shares_table(result), {"out": str(out), **result.as_dict()}
    )
    say_where(reporter, result, out)
