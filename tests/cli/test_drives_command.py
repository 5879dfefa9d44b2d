"""`roadseg drives`."""

import json

import pytest
from helpers.card import write_clip
from helpers.drive_clips import make_drive


@pytest.fixture
def card(tmp_path):
    for name in ("20240814_083000_NF", "20240814_083000_NR", "20240814_083200_NF"):
        write_clip(tmp_path / "card" / f"{name}.mp4")
    (tmp_path / "card" / "20240814_083100_NF.mp4").touch()
    return tmp_path / "card"


def test_a_table_with_notices_and_a_drive_file(roadseg, card, capsys):
    assert roadseg("drives", card, "--out", card / "drives.json") == 0
    shown = capsys.readouterr()
    assert "2024-08-14_08-30-00" in shown.out and "front 2, rear 1" in shown.out and "3:00" in shown.out
    assert "warning: 20240814_083100_NF.mp4: the file is empty" in shown.err
    assert "gap of 60 s after 20240814_083000_NF.mp4 (front)" in shown.err
    assert roadseg("drives", card / "drives.json", "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["drives"][0]["channels"]["front"][1]["start_s"] == 120


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--out", "drives.csv"], "end it in .json"),
        (["--gap", "soon"], "is not a duration"),
    ],
)
def test_wrong_usage(roadseg, card, capsys, arguments, text):
    assert roadseg("drives", card, *arguments) == 2
    assert text in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_a_folder_that_is_not_there(roadseg, tmp_path, capsys):
    assert roadseg("drives", tmp_path / "none") == 1
    assert capsys.readouterr().err.splitlines()[0].endswith("none: no such file")


def test_commands_take_a_drive_file(roadseg, tmp_path, capsys):
    for name in ("20240814_083000_NF", "20240814_083000_NR", "20240814_083010_NR", "20240814_093000_NF"):
        make_drive(tmp_path / "card" / f"{name}.mp4")
    file, out = tmp_path / "drives.json", tmp_path / "frames"
    assert roadseg("drives", tmp_path / "card", "--out", file, "--quiet") == 0
    assert roadseg("frames", file, "--channel", "rear", "--out", out) == 0
    shown = capsys.readouterr()
    assert "images of 2 videos" in shown.out
    assert "2024-08-14_09-30-00: no channel rear, left out; --channel chooses of front" in shown.err
    assert roadseg("frames", file, "--drive", "none", "--out", out) == 1
    assert "There are: 2024-08-14_08-30-00" in capsys.readouterr().err
    for command in ("frames", "overlay"):
        assert roadseg(command, tmp_path / "card", "--channel", "rear", "--out", out) == 2
        assert "--channel needs a drive file" in " ".join(capsys.readouterr().err.replace("│", " ").split())
