"""Help pages: commands in groups, choices shown, nothing behind flags."""

import re

import pytest
from typer.main import get_command

from roadseg.cli.command import ELSEWHERE
from roadseg.cli.main import GROUPS, app

COMMANDS = sorted(get_command(app).commands)


def text(capsys) -> str:
    """Printed text, without frames and escapes, on one line."""
    return re.sub(r"[\s│]+", " ", re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out))


def test_every_command_is_in_a_group(roadseg, capsys):
    assert roadseg("--help") == 0
    shown = capsys.readouterr().out
    assert all(f"\n{group}:\n" in shown for group in GROUPS)
    assert all(re.search(rf"^  {command}  +\S", shown, re.MULTILINE) for command in COMMANDS)
    assert sum(len(commands) for commands in GROUPS.values()) == len(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_a_summary_and_nothing_behind_flags(roadseg, capsys, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "120")
    assert roadseg(command, "--help") == 0
    shown = text(capsys)
    assert "<bool>" not in shown
    assert "Example" in shown


def test_choices_of_a_device_are_shown(roadseg, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert roadseg("overlay", "--help") == 0
    assert "<auto|cpu|cuda|mps>" in text(capsys)


@pytest.mark.parametrize(
    ("word", "here"), [("predict", "overlay VIDEO"), ("Train", "adapt --target"), ("val", "evaluate RUN")]
)
def test_a_command_of_other_programs_is_answered_with_its_name_here(roadseg, capsys, monkeypatch, word, here):
    monkeypatch.setenv("COLUMNS", "120")
    assert roadseg(word, "something") == 2
    told = re.sub(r"[\s│]+", " ", re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().err))
    assert f"No such command '{word}'. Here it is: roadseg {here}" in told


def test_every_such_answer_begins_with_a_command():
    assert {answer.split()[0] for answer in ELSEWHERE.values()} <= set(COMMANDS)
    assert not set(COMMANDS) & set(ELSEWHERE)
