"""`roadseg stats` as people use it."""

import csv
import errno
import json
from pathlib import Path

import pytest
from helpers.drive_clips import TheUpperHalfIsSky, make_drive

from roadseg.overlay.job import overlay_video


@pytest.fixture
def out(tmp_path):
    for name in ("a", "b"):
        overlay_video(make_drive(tmp_path / f"{name}.mp4"), TheUpperHalfIsSky(), tmp_path / "out" / name)
    return tmp_path / "out"


def test_tables_on_the_terminal(roadseg, out, capsys):
    assert roadseg("stats", out) == 0
    shown = capsys.readouterr().out
    assert "2 videos, 1.0 s, 10 frames" in shown
    assert "Road" in shown and "50.0" in shown
    assert "By time of day" not in shown


def test_json_and_files(roadseg, out, tmp_path, capsys):
    for suffix in (".md", ".csv", ".json"):
        assert roadseg("stats", out / "a", out / "b", "--out", tmp_path / f"all{suffix}", "--json") == 0
        document = json.loads(capsys.readouterr().out)
    assert (document["label_space"], document["frames"], document["half_done"]) == ("camvid-11", 10, 0)
    assert document["seconds"] == pytest.approx(1)
    sky = document["classes"][0]
    assert (sky["name"], sky["share"], sky["seconds"]) == ("Sky", 0.5, pytest.approx(1))
    assert [video["frames"] for video in document["videos"]] == [5, 5]
    assert json.loads((tmp_path / "all.json").read_text()) == document
    assert "| Sky | 50.0 | 1.0 | 10 | 0.0 |" in (tmp_path / "all.md").read_text()
    rows = list(csv.DictReader((tmp_path / "all.csv").read_text().splitlines()))
    assert len(rows) == 3 * 12 and {len(row) for row in rows} == {12}
    assert list(rows[0].values()) == ["all", "", "", "", "1", "10", "Sky", "0.5", "1", "10", "0", ""]
    assert [(row["name"], row["share"]) for row in rows if row["group"] == "video" and row["class"] == "Road"] == [
        ("a/a", "0.5"),
        ("b/b", "0.5"),
    ]


@pytest.mark.slow
def test_a_long_list_of_videos_is_cut_on_a_narrow_terminal_alone(roadseg, tmp_path, capsys, monkeypatch):
    clip, out = make_drive(tmp_path / "clip.mp4", (1,)), tmp_path / "out"
    monkeypatch.setenv("COLUMNS", "60")
    for number in range(22):
        overlay_video(clip, TheUpperHalfIsSky(), out / f"drives of the day with number {number}")
    assert roadseg("stats", out, "--out", tmp_path / "all.md") == 0
    shown = capsys.readouterr().out
    assert "... and 2 more" in shown and "21 videos counted more than once" in shown
    assert sum(row.endswith("50.0 50.0") for row in map(str.rstrip, shown.splitlines())) == 20
    written = (tmp_path / "all.md").read_text()
    assert "... and" not in written and written.count("/clip | ") == 22


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["."], 1, "no finished results"),
        (["no"], 1, "no: no such folder"),
        ([".", "--out", "all.txt"], 2, "end it in .md, .csv or .json"),
        ([".", "--utc-offset", "-08:00"], 1, "no finished results"),
        ([".", "--utc-offset", "India"], 2, "write for example +05:30"),
        ([".", "--utc-offset", "+15"], 2, "write for example +05:30"),
        ([], 2, "DIR"),
    ],
)
def test_mistakes_are_told_in_a_line(roadseg, tmp_path, monkeypatch, capsys, arguments, code, expected):
    monkeypatch.chdir(tmp_path)
    assert roadseg("stats", *arguments) == code
    captured = capsys.readouterr()
    assert captured.out == "" and expected in captured.err and "Traceback" not in captured.err


def test_a_name_that_no_disk_has_is_an_error_in_two_lines(roadseg, capsys):
    assert roadseg("stats", "a" * 300) == 1
    assert capsys.readouterr().err == (
        f"error: {'a' * 50}…{'a' * 30}: the name is too long for this disk\n       Check the path.\n"
    )


def test_a_folder_whose_parent_is_closed_is_an_error_in_two_lines(roadseg, monkeypatch, capsys):
    def closed(path, **_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", closed)  # root passes closed folders
    assert roadseg("stats", "closed/out") == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == "error: closed/out: cannot be used (Permission denied)" and "permissions" in second
