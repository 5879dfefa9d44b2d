"""Progress of a training run on a terminal: bars, log lines and verdicts on losses."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape

from roadseg.cli.console import Bars, Reporter

if TYPE_CHECKING:
    from roadseg.adaptation.loss_verdicts import Judgement
    from roadseg.training.callbacks import Callbacks
    from roadseg.training.meter import Report

TOO_EARLY = "too early to tell"
"""Verdict on losses that the terminal does not show."""


@contextmanager
def training_progress(reporter: Reporter, steps: int) -> Iterator["Callbacks"]:
    """Yield callbacks that show a run of `steps` steps on the reporter's terminal, or log it line by line."""
    with reporter.bars() as bars:
        yield training_callbacks(reporter, bars, steps)


def training_callbacks(reporter: Reporter, bars: Bars, steps: int) -> "Callbacks":
    """Return callbacks that show a run of `steps` steps on existing bars."""
    from roadseg.training.callbacks import Callbacks

    warned: set[tuple[str, str]] = set()
    note = ""

    def on_step(step: int) -> None:
        bars.show("training", step, steps, note)

    def on_report(report: "Report") -> None:
        nonlocal note
        note = _training_note(report)
        bars.show("training", report.step, steps, note)
        for name, judgement in report.health.items():
            if judgement.alarming and (name, judgement.verdict) not in warned:
                warned.add((name, judgement.verdict))  # once: the note repeats the verdict
                reporter.warn(f"step {report.step}: {verdict_line(name, judgement)}")

    return Callbacks(
        on_start=lambda message: reporter.say(escape(message)),
        on_warning=reporter.warn,
        on_download=lambda done, total: bars.show("downloading weights", done, total or None),
        on_render=lambda done, total: bars.show("rendering streets", done, total),
        on_count=lambda done, total: bars.show("counting classes", done, total),
        on_label=lambda done, total: bars.show("labelling the target", done, total),
        on_step=on_step,
        on_report=on_report,
        on_evaluate=lambda done, total: bars.show("evaluating", done, total),
    )


def _training_note(report: "Report") -> str:
    """Return one line on the last steps: losses of the main level, and those with a verdict."""
    losses = [
        f"{name.removesuffix('/main')} {value:.3f}{_verdict(report.health.get(name))}"
        for name, value in report.losses.items()
        if name.endswith("/main") or name in report.health
    ]
    warmup = ["warm-up"] if report.warming_up else []
    return "  ".join([*warmup, *losses, f"{report.seconds_a_step:.2f} s a step"])


def _verdict(judgement: "Judgement | None") -> str:
    return "" if judgement is None or judgement.verdict == TOO_EARLY else f" ({judgement.verdict})"


def verdict_line(name: str, judgement: "Judgement") -> str:
    """Return verdict and advice on one loss as one line."""
    return f"{name} {judgement.loss:.3f}, mean of the last steps: {judgement.verdict}. {judgement.advice}"
