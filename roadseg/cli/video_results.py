"""Terminal output of `roadseg run` and `roadseg demo` on videos: stages as they start, then the changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from roadseg.cli.console import Reporter
from roadseg.cli.progress import training_callbacks

if TYPE_CHECKING:
    from roadseg.jobs.before_after import BeforeAfter
    from roadseg.jobs.video_run import StageCallbacks

SHOWN_CLASSES = 8
"""Rows of the table of class shares; the report has all classes."""


@contextmanager
def stage_progress(reporter: Reporter, steps: int) -> Iterator["StageCallbacks"]:
    """Yield callbacks that number the stages of a job with `steps` training steps and show their progress."""
    from roadseg.jobs.video_run import StageCallbacks

    begun = 0

    def on_stage(what: str) -> None:
        nonlocal begun
        begun += 1
        reporter.say(f"[bold]{begun}.[/bold] {escape(what)}")

    try:
        with reporter.bars() as bars:
            yield StageCallbacks(
                on_stage=on_stage,
                on_progress=lambda task, done, total: bars.show(task, done, total),
                on_warning=reporter.warn,
                training=training_callbacks(reporter, bars, steps),
            )
    except KeyboardInterrupt:
        reporter.say("Stopped. Run the same command again to continue.")
        raise


def shares_table(result: "BeforeAfter") -> Table:
    """Return a table of the classes with the largest share of pixels, over all videos."""
    return _before_after_table(
        "Share of pixels %",
        {
            name: (100 * before, 100 * after)
            for name, (before, after) in list(result.shares(result.drawn).items())[:SHOWN_CLASSES]
        },
    )


def scores_table(result: "BeforeAfter") -> Table:
    """Return a table of IoU by class that the truth shows, and the mean."""
    images = next(iter(result.scores.values()))["images"]
    return _before_after_table(f"IoU % on the ground truth, {images} frames", result.iou)


def _before_after_table(title: str, rows: dict[str, tuple[float, float]]) -> Table:
    """Return a table with a row for each class: before, after, change; the mean is bold."""
    table = Table("class", title=title)
    for heading in ("before", "after", "change"):
        table.add_column(heading, justify="right")
    for name, (before, after) in rows.items():
        style = "bold" if name == "mean" else ""
        table.add_row(name, f"{before:.1f}", f"{after:.1f}", f"{after - before:+z.1f}", style=style)
    return table


def say_where(reporter: Reporter, result: "BeforeAfter", folder: Path) -> None:
    """Print the paths of the results."""
    from roadseg.jobs.video_run import VideoFolder

    made = VideoFolder(folder)
    for line in (
        f"adapted to {result.frames} unlabelled frames",
        f"overlays, before and after: {folder / 'overlay'}",
        f"another video: roadseg overlay VIDEO --run {made.run.path} --out out",
        f"open in a browser: {made.report}",
    ):
        reporter.say(escape(line))
