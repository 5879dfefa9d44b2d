"""Terminal output of a run in progress."""

import io
import json
import threading

import pytest
from rich.console import Console

from roadseg.adaptation.loss_verdicts import LossKind, judge_all
from roadseg.cli.console import Reporter
from roadseg.cli.log_lines import LogLines
from roadseg.cli.progress import training_progress
from roadseg.training.meter import Report

KINDS = {
    "segmentation/main": LossKind("classifier", answers=19),
    "discriminator/main": LossKind("discriminator"),
    "discriminator/auxiliary": LossKind("discriminator"),
}


@pytest.fixture(autouse=True)
def a_line_each_time(monkeypatch):
    monkeypatch.setattr("roadseg.cli.log_lines.LINE_SECONDS", 0.0)


def said(capsys, losses, *, steps=500):
    """Output of a run with these losses of both discriminators, by step."""
    points = {name: [] for name in KINDS}
    with training_progress(Reporter(), steps) as watcher:
        for step, (main, auxiliary) in losses.items():
            values = {"segmentation/main": 0.5, "discriminator/main": main, "discriminator/auxiliary": auxiliary}
            for name, value in values.items():
                points[name].append((step, value))
            watcher.on_report(Report(step, values, 0.25, 0.1, 0, judge_all(points, KINDS)))
    return capsys.readouterr().err.splitlines()


def test_lines_say_what_losses_are_worth_and_nothing_of_it_in_the_first_steps(capsys):
    first, second = said(capsys, {150: (0.693, 0.693), 300: (0.4, 0.1)})
    assert first == (
        "training 150/500, 0:00; segmentation 0.500  discriminator 0.693  discriminator/auxiliary 0.693  0.25 s a step"
    )
    assert "discriminator 0.400 (healthy)  discriminator/auxiliary 0.100 (strong)" in second


def test_lines_say_that_discriminators_learn_alone_and_how_strongly_they_pull(capsys):
    ratio, kinds = "gradient-ratio/main", {"gradient-ratio/main": LossKind("gradient-ratio")}
    with training_progress(Reporter(), 500) as watcher:
        watcher.on_report(Report(100, {"discriminator/main": 0.6}, 0.2, 0.0, 0, warming_up=True))
        watcher.on_report(Report(300, {ratio: 0.012}, 0.2, 0.0, 0, judge_all({ratio: [(300, 0.012)]}, kinds)))
    warmup, pull = capsys.readouterr().err.splitlines()
    assert warmup == "training 100/500, 0:00; warm-up  discriminator 0.600  0.20 s a step"
    assert pull == "training 300/500, 0:00, 0:00 left; gradient-ratio 0.012 (starved)  0.20 s a step"


def test_a_discriminator_that_teaches_nothing_is_warned_of_once(capsys):
    lines = said(capsys, dict.fromkeys(range(210, 500, 10), (0.693, 0.4)) | {500: (0.693, 0.0)})
    warnings = [line for line in lines if line.startswith("warning")]
    assert len(warnings) == 1
    assert "step 210: discriminator/main 0.693, mean of the last steps: guessing." in warnings[0]
    assert "discriminator_learning_rate" in warnings[0]
    assert sum("(guessing)" in line for line in lines) == 30
    assert "discriminator/auxiliary" in said(capsys, {300: (0.4, 0.01)})[-1]


def test_a_log_gets_a_line_every_half_a_minute_with_times(capsys, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("roadseg.cli.log_lines.LINE_SECONDS", 30.0)
    monkeypatch.setattr("roadseg.cli.log_lines.time.monotonic", lambda: now[0])
    with Reporter().bars("frames") as bars:
        for done in range(0, 5000, 10):
            bars.show("a [b].mp4", done, 36_000)
            now[0] += 1
        now[0] += 30
        bars.show("reading", 7, None, "no end in sight")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "a [b].mp4 300/36000 frames, 0:30, 59:30 left"
    assert lines[-2] == "a [b].mp4 4800/36000 frames, 8:00, 52:00 left"
    assert lines[-1] == "reading 7 frames, 0:00; no end in sight"
    assert len(lines) == 17
    with Reporter(quiet=True).bars() as bars:
        now[0] += 30
        bars.show("reading", 7, None)
    assert not capsys.readouterr().err


def test_quiet_says_nothing(capsys):
    with training_progress(Reporter(quiet=True), 500) as watcher:
        watcher.on_warning("no page")
    assert capsys.readouterr().err == ""


def test_notes_do_not_push_bars_aside():
    reporter = Reporter()
    shown = io.StringIO()
    reporter._err = Console(file=shown, force_terminal=True, width=80, soft_wrap=True, color_system=None)
    with reporter.bars() as bars:
        bars.show("training", 10, 500, "segmentation 0.500  discriminator 0.400 (healthy)")
        bars._progress.refresh()
    lines = shown.getvalue().splitlines()
    assert any("training" in line and "10/500" in line and "ETA" in line for line in lines)
    assert any(line.strip().endswith("discriminator 0.400 (healthy)") and "training" not in line for line in lines)


@pytest.mark.timeout(60)
def test_a_log_gets_lines_while_a_task_is_silent_and_between_tasks(monkeypatch):
    monkeypatch.setattr("roadseg.cli.log_lines.SILENT_SECONDS", 0.01)
    said, silent, between = [], threading.Event(), threading.Event()

    def say(line):
        said.append(line)
        (silent if line.task == "training" else between).set()

    with LogLines(say, "steps") as lines:
        lines.show("training", 1, 500, "slow")
        assert silent.wait(30)
        lines.show("training", 500, 500)
        assert between.wait(30)
    told = len(said)
    assert any(str(line).startswith("training 1/500 steps, 0:0") and str(line).endswith("; slow") for line in said)
    assert str(said[-1]).startswith("at work, 0:")
    assert len(said) == told  # nobody speaks after the end


def test_a_rate_is_that_of_this_call(capsys, monkeypatch):
    """A run that goes on at step 400 tells the time left from its own steps."""
    now = [0.0]
    monkeypatch.setattr("roadseg.cli.log_lines.time.monotonic", lambda: now[0])
    with Reporter().bars() as bars:
        bars.show("training", 400, 500)
        now[0] = 50
        bars.show("training", 450, 500)
    assert capsys.readouterr().err.splitlines()[-1] == "training 450/500, 0:50, 0:50 left"


def test_a_log_as_json_has_an_object_a_line(roadseg, capsys, tmp_path):
    assert roadseg("compare", "--published", "--out", tmp_path / "rows.md", "--log-format", "json", "--json") == 0
    shown = capsys.readouterr()
    assert len(json.loads(shown.out)) > 10
    (record,) = map(json.loads, shown.err.splitlines())
    assert record.pop("time").endswith("+00:00")
    assert record == {"level": "info", "event": "message", "message": f"written: {tmp_path / 'rows.md'}"}

    reporter = Reporter()
    reporter.warn("no [page]")
    with reporter.bars("frames") as bars:
        bars.show("a [b].mp4", 7, None, "slow")
    warning, progress = map(json.loads, capsys.readouterr().err.splitlines())
    assert (warning["level"], warning["message"]) == ("warning", "no [page]")
    assert progress["event"] == "progress"
    keys = ("task", "done", "total", "unit", "left_seconds", "note")
    assert [progress[key] for key in keys] == ["a [b].mp4", 7, None, "frames", None, "slow"]

    assert roadseg("stats", tmp_path / "none", "--log-format", "json") == 1
    (error,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert (error["level"], error["event"]) == ("error", "error") and error["message"] and error["remedy"]
    assert roadseg("stats", tmp_path / "none") == 1
    assert capsys.readouterr().err.startswith("error: ")
