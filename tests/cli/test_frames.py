"""`roadseg frames` as a program: its outputs and exit codes."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from helpers.program import roadseg

from roadseg.cli.options import parse_duration, parse_time
from roadseg.video.frame import Frame
from roadseg.video.writer import VideoWriter


@pytest.fixture(scope="module")
def drive(tmp_path_factory) -> Path:
    """Two seconds at 25 Hz that grow brighter."""
    path = tmp_path_factory.mktemp("videos") / "drive.mp4"
    return write(path)


def write(path: Path) -> Path:
    texture = np.random.default_rng(0).integers(0, 60, (48, 64, 3))
    with VideoWriter(path, width=64, height=48, time_base=Fraction(1, 25)) as video:
        for index in range(50):
            image = (texture + 3 * index).astype(np.uint8)
            video.write(Frame.from_rgb(image, index=index, pts=index, time_base=Fraction(1, 25), duration=1))
    return path


def images_in(out: Path) -> list[str]:
    return sorted(path.name for path in out.rglob("*.*g") if path.parent != out)


def test_default_is_one_frame_a_second_in_data_frames(drive, tmp_path):
    done = roadseg("frames", drive, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert images_in(tmp_path / "data/frames") == ["000000.jpg", "000025.jpg"]
    first, count = done.stdout.splitlines()
    assert first.startswith("     2  data/frames/drive-")
    assert count == "     2  images of 1 video"
    assert len(pq.read_table(tmp_path / "data/frames/frames.parquet")) == 2


def test_folders_patterns_and_lists_of_videos(drive, tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text(f"{drive}\n")
    for given in (drive.parent, drive.parent / "*.mp4", listed, f"@{listed}"):
        done = roadseg("frames", given, "--out", tmp_path / "out", "--count", 3, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        assert [video["video"] for video in json.loads(done.stdout)["videos"]] == [str(drive)]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (["--every", "500ms"], {4}),
        (["--count", "7"], {7}),
        (["--scene-change", "--format", "png"], range(3, 40)),
    ],
)
def test_ways_to_choose(drive, tmp_path, options, numbers):
    done = roadseg("frames", drive, "--out", tmp_path, *options, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    assert printed["images"] == len(images_in(tmp_path)) == len(pq.read_table(printed["index"]))
    assert printed["images"] in numbers


def test_broken_videos_are_printed_and_the_others_go_on(drive, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_text("no video")
    done = roadseg("frames", broken, drive, "--out", tmp_path / "out", "--json")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith(f"error: {broken}: not a video")
    printed = json.loads(done.stdout)
    assert [failure["video"] for failure in printed["failures"]] == [str(broken)]
    assert [video["video"] for video in printed["videos"]] == [str(drive)]


def test_nothing_but_broken_videos_is_an_error(tmp_path):
    done = roadseg("frames", tmp_path / "missing.mp4", "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [f"error: {tmp_path / 'missing.mp4'}: no such file", "       Check the path."]


def test_damage_is_warned_of(tmp_path):
    cut = write(tmp_path / "cut.mkv")
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size * 4 // 5])
    done = roadseg("frames", cut, "--out", tmp_path / "out")
    assert done.returncode == 0
    assert done.stderr.startswith(f"warning: {cut}: truncated seconds: ")
    quiet = roadseg("frames", cut, "--out", tmp_path / "again", "--quiet")
    assert quiet.stderr == ""


@pytest.mark.real_data
def test_frame_rate_of_raw_streams(real_data, tmp_path):
    raw = real_data / "video/odd/enst_video.h264"
    done = roadseg("frames", raw, "--out", tmp_path / "25", "--min-change", "0", "--json")
    assert json.loads(done.stdout)["images"] == 7, "173 frames"
    done = roadseg("frames", raw, "--out", tmp_path / "10", "--min-change", "0", "--frame-rate", "10", "--json")
    assert json.loads(done.stdout)["images"] == 18
    assert "25 frames a second assumed" in roadseg("frames", raw, "--out", tmp_path / "again").stderr


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--every", "1", "--count", "3"], "only one of"),
        (["--every", "soon"], "'soon' is not a duration"),
        (["--count", "0"], "greater than or equal to 1"),
    ],
)
def test_wrong_usage(drive, tmp_path, options, complaint):
    done = roadseg("frames", drive, "--out", tmp_path / "out", *options)
    assert done.returncode == 2
    assert complaint in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()


def test_help_fits_a_screen(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = roadseg("frames", "--help")
    assert len(done.stdout.splitlines()) <= 47
    assert "roadseg frames drive.mp4" in done.stdout


@pytest.mark.parametrize(
    ("text", "seconds"), [("2", 2), ("0.5", 0.5), ("1s", 1), ("500ms", 0.5), ("1.5 s", 1.5), ("2min", 120)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("90", 90), ("1:30", 90), ("01:01:01.5", 3661.5), ("500ms", 0.5), ("2min", 120), (" 7 s", 7)],
)
def test_times(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1:2:3:4", "1:", "x", "1h"])
def test_what_is_no_time(text):
    with pytest.raises(typer.BadParameter, match="is not a time"):
        parse_time(text)


@pytest.mark.parametrize("text", ["", "0", "0ms", "-1", "1h", "s", "1 2"])
def test_what_is_no_duration(text):
    with pytest.raises(typer.BadParameter):
        parse_duration(text)
