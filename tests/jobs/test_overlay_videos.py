"""Overlays of many videos: failures, their record, pages, shards, options."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers.clips import make_clip
from helpers.drive_clips import TheUpperHalfIsSky, make_drive

from roadseg.errors import InputError, OutputError, UnexpectedError, VideoError
from roadseg.files import held
from roadseg.jobs.overlay import OverlayProgress, overlay_videos
from roadseg.overlay.failures import Failure
from roadseg.positions.options import refuse_as_videos
from roadseg.report.pages import write_reports

pytestmark = pytest.mark.timeout(120)
PAGES = ["index.html", "plotly.min.js"]


def made(out):
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file() and path.name != ".lock")


def results(*names):
    return sorted(
        name + kind for name in names for kind in (".overlay.mp4", ".frames.parquet", ".summary.json", ".report.html")
    )


def test_failures_are_recorded_and_what_failed_before_is_not(tmp_path):
    drives, out = tmp_path / "drives", tmp_path / "out"
    make_drive(drives / "a" / "1.mp4")
    make_drive(drives / "b" / "1.mp4")
    (drives / "b" / "0.mp4").write_text("no video")
    told, pages = [], []
    seen = overlay_videos(
        [drives, tmp_path / "no.mp4"], str(out), TheUpperHalfIsSky(), on_result=told.append, on_page=pages.append
    )
    assert [isinstance(result, Failure) for result in seen] == [False, True, False, True]
    assert told == seen and pages == [out / "a/1.report.html", out / "b/1.report.html", out / "index.html"]
    libraries = ["plotly.min.js"]
    assert '<script src="../plotly.min.js">' in (out / "a/1.report.html").read_text()
    assert made(out) == sorted(["failures.jsonl", "index.html", *libraries, *results("a/1", "b/1")])
    first, second = map(json.loads, (out / "failures.jsonl").read_text().splitlines())
    assert (first["video"], second["video"]) == (str(drives / "b" / "0.mp4"), str(tmp_path / "no.mp4"))
    assert (second["cause"], second["remedy"]) == (f"{tmp_path}/no.mp4: no such file", "Check the path.")
    assert timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(first["time"]) < timedelta(minutes=2)

    seen = overlay_videos(drives, out, TheUpperHalfIsSky())
    assert [not isinstance(result, Failure) and result.skipped for result in seen] == [True, False, True]
    assert len((out / "failures.jsonl").read_text().splitlines()) == 1

    (drives / "b" / "0.mp4").unlink()
    seen = overlay_videos(drives, out, TheUpperHalfIsSky(), on_page=pages.append)
    assert [result.skipped for result in seen] == [True, True]
    assert made(out) == sorted(["index.html", *libraries, *results("a/1", "b/1")]) and len(pages) == 3


def test_one_broken_video_stops_no_other(tmp_path):
    clip, after, out = make_drive(tmp_path / "clip.mp4"), make_drive(tmp_path / "after.mp4"), tmp_path / "out"
    text, empty = tmp_path / "text.mp4", tmp_path / "empty.mp4"
    text.write_text("no video")
    empty.touch()
    seen = overlay_videos([tmp_path / "missing.mp4", text, clip, empty, after], out, TheUpperHalfIsSky())
    assert [isinstance(result, Failure) for result in seen] == [True, True, False, True, False]
    assert all(isinstance(result.error, VideoError) for result in seen if isinstance(result, Failure))
    assert made(out) == sorted(["failures.jsonl", *PAGES, *results("after", "clip")])


def test_two_videos_of_one_name_refuse_each_other_and_no_more(tmp_path):
    one, other = make_drive(tmp_path / "a" / "clip.mp4"), make_drive(tmp_path / "b" / "clip.mkv")
    third, out = make_drive(tmp_path / "third.mp4"), tmp_path / "out"
    seen = overlay_videos([one, other, third], out, TheUpperHalfIsSky())
    assert [Path(each.video).name for each in seen] == ["clip.mp4", "clip.mkv", "third.mp4"]
    assert [isinstance(each, Failure) for each in seen] == [True, True, False]
    assert made(out) == sorted(["failures.jsonl", "plotly.min.js", *results("third")])


class Broken(TheUpperHalfIsSky):
    """Meets a mistake of the program."""

    def segment(self, images, tta=None):
        raise ZeroDivisionError("division by zero\nand more")


def test_any_exception_in_one_video_is_its_failure(tmp_path):
    a, _ = (make_drive(tmp_path / "drives" / "below" / f"{name}.mp4") for name in "ab")
    seen = overlay_videos(tmp_path / "drives", tmp_path / "out", Broken())
    assert [type(each.error) for each in seen] == [UnexpectedError] * 2
    assert seen[0].error.cause == f"{a}: ZeroDivisionError: division by zero"
    assert "--debug" in seen[0].error.remedy and isinstance(seen[0].error.__cause__, ZeroDivisionError)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".lock", "failures.jsonl"]


def test_a_name_that_is_too_long_and_frames_too_small_are_failures_in_words_of_the_video(tmp_path):
    long, good = make_drive(tmp_path / f"{'n' * 238}.mp4"), make_drive(tmp_path / "good.mp4")
    small = make_clip(tmp_path / "small.avi", size=(1, 1), codec="ffv1", pixel_format="bgr0", options={}).path
    out = tmp_path / "out"
    seen = overlay_videos([long, small, good], out, TheUpperHalfIsSky())
    assert [isinstance(each, Failure) for each in seen] == [True, True, False]
    assert "the name is too long" in seen[0].error.cause and len(seen[0].error.cause) < 300
    assert seen[1].error.cause == f"{small}: frames of 1x1 pixels cannot be encoded as H.264"
    assert not list(out.glob(".*.parts"))


def test_a_video_is_never_replaced_by_the_overlay_of_another(tmp_path):
    clip, overlay = make_drive(tmp_path / "clip.mp4"), make_drive(tmp_path / "clip.overlay.mp4")
    before = overlay.read_bytes()
    refused, other = overlay_videos([clip, overlay], tmp_path, TheUpperHalfIsSky())
    assert refused.error.cause == f"{clip}: its result {overlay} would replace the video {overlay}"
    assert other.frames and overlay.read_bytes() == before


def test_progress_names_the_video_and_its_place(tmp_path):
    clips = [make_drive(tmp_path / f"{name}.mp4", durations=(1,) * 3) for name in "ab"]
    told = []
    overlay_videos(clips, tmp_path / "out", TheUpperHalfIsSky(), on_progress=told.append)
    assert told == [OverlayProgress(2, clips[n], n + 1, done, 3, 1) for n in (0, 1) for done in (1, 2, 3)]


def test_options_that_exclude_each_other_are_refused(tmp_path):
    for run, options, cause in (
        (TheUpperHalfIsSky(), {"ray": "local"}, "run: a segmenter, where"),
        (TheUpperHalfIsSky(), {"input_size": (64, 32)}, "run: a segmenter, where"),
        ("default", {"ray": "local", "shard": (1, 2)}, "ray and shard exclude each other"),
        ("default", {"shard": (3, 2)}, "shard 3/2: there is no such part"),
        ("default", {"opacity": 2.0}, "opacity: 2.0, wanted 0 to 1"),
        ("default", {"batch_size": 0}, "batch_size: 0, wanted at least 1"),
        ("default", {"frame_rate": 0}, "frame_rate: 0, wanted above 0"),
    ):
        with pytest.raises(InputError) as caught:
            overlay_videos(tmp_path / "clip.mp4", tmp_path / "out", run, **options)
        assert caught.value.cause.startswith(cause)


def test_files_of_positions_are_no_videos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, remedy in (
        ("track.GPX", "Positions belong to a video: roadseg overlay VIDEO --gps track.GPX"),
        ("GPSData000001.txt", "Positions belong to a video: roadseg overlay VIDEO --gps GPSData000001.txt"),
        ("ride.fit", r"Positions belong to a video, as GPX \(GPSBabel converts\): .* --gps FILE\.gpx"),
    ):
        Path(name).write_text("positions")
        with pytest.raises(InputError, match=f"{name}: not a video\n{remedy}"):
            overlay_videos(["drive.mp4", name], "out", TheUpperHalfIsSky())
    assert not Path("out").exists()
    Path("cards.csv").mkdir()
    Path("drives.csv").touch()
    refuse_as_videos(["cards.csv", "@drives.csv", "no.gpx", "drive.mp4"])  # a folder, a list, what is missing, a video


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode")
def test_a_name_that_is_not_utf8_is_a_failure_with_its_remedy(tmp_path):
    drives, out = tmp_path / "drives", tmp_path / "out"
    make_drive(drives / "good.mp4")
    make_drive(drives / "bad.mp4").rename(drives / os.fsdecode(b"caf\xe9.mp4"))
    seen = overlay_videos(drives, out, TheUpperHalfIsSky())
    assert sorted(isinstance(result, Failure) for result in seen) == [False, True]
    (record,) = map(json.loads, (out / "failures.jsonl").read_text(encoding="utf-8").splitlines())
    assert record["cause"] == f"{drives}/caf\\udce9.mp4: its name is not in UTF-8" and record["remedy"] == "Rename it."
    assert made(out) == sorted(["failures.jsonl", "plotly.min.js", *results("good")])


def test_the_record_is_up_to_date_when_a_call_is_stopped(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "failures.jsonl").write_text("of the last call\n")

    def stop(result):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        overlay_videos([tmp_path / "no.mp4", tmp_path / "nor.mp4"], out, TheUpperHalfIsSky(), on_result=stop)
    assert [json.loads(line)["video"] for line in (out / "failures.jsonl").read_text().splitlines()] == [
        str(tmp_path / "no.mp4")
    ]


def test_a_shard_does_its_part_and_has_its_own_record(tmp_path):
    out, videos = tmp_path / "out", [make_drive(tmp_path / f"{name}.mp4") for name in "abc"] + [tmp_path / "d.mp4"]
    seen = overlay_videos(videos, out, TheUpperHalfIsSky(), shard=(1, 2))
    assert [Path(one.video).name for one in seen] == ["a.mp4", "c.mp4"]
    assert made(out) == sorted([*PAGES, *results("a", "c")])
    assert len(overlay_videos(videos, out, TheUpperHalfIsSky(), shard=(2, 2))) == 2
    assert made(out) == sorted(["failures-2-of-2.jsonl", *PAGES, *results("a", "b", "c")])


def test_all_shards_refuse_equal_names_and_the_same_shard_is_refused(tmp_path):
    out, one, other = tmp_path / "out", tmp_path / "1.mp4", tmp_path / "1.mov"
    for number in (1, 2):
        (refused,) = overlay_videos([one, other], out, TheUpperHalfIsSky(), shard=(number, 2))
        assert "would become" in refused.error.cause
    with held(out / "failures-1-of-2.jsonl"):
        with pytest.raises(OutputError, match=r"failures-1-of-2\.jsonl: another roadseg process is writing here"):
            overlay_videos(one, out, TheUpperHalfIsSky(), shard=(1, 2))
        assert overlay_videos(one, out, TheUpperHalfIsSky(), shard=(2, 2)) == []


@pytest.mark.slow
def test_shards_work_side_by_side_but_never_on_the_same_video(tmp_path):
    """Two processes, each of which waits in the middle of its video for the other to get there."""
    drives, out = tmp_path / "drives", tmp_path / "out"
    make_drive(drives / "a.mp4")
    make_drive(drives / "b.mp4")
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "helpers.shard_process", drives, out, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in (1, 2)
    ]
    try:
        for process in processes:
            assert process.stdout.readline() == "in the middle\n", process.communicate()[1]
        both = overlay_videos(drives, out, TheUpperHalfIsSky())
        assert all("another roadseg process is writing here" in result.error.cause for result in both)
        assert len(both) == 2
        for process in processes:
            process.stdin.write("go on\n")
            process.stdin.flush()
        for name, process in zip("ab", processes, strict=True):
            stdout, stderr = process.communicate(timeout=60)
            assert (process.returncode, stdout) == (0, f"done {drives / name}.mp4\n"), stderr
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert made(out) == sorted(["failures.jsonl", *PAGES, *results("a", "b")])
    again = overlay_videos(drives, out, TheUpperHalfIsSky())
    assert [result.skipped for result in again] == [True, True]


def test_a_class_that_the_network_does_not_know_leaves_no_folder(tmp_path):
    drive = make_drive(tmp_path / "drive.mp4")
    with pytest.raises(InputError, match="blur: no class 'cat' in camvid-11"):
        overlay_videos(drive, tmp_path / "out", TheUpperHalfIsSky(), blur=["cat"])
    assert not (tmp_path / "out").exists()


def test_one_video_may_go_to_a_file(tmp_path):
    drive = make_drive(tmp_path / "drive.mp4")
    for name in ("clip.mp4", "clip.mkv"):
        out = tmp_path / name.replace(".", "_") / name
        (result,) = overlay_videos([drive], out, TheUpperHalfIsSky())
        assert result.chosen_overlay == name
        assert made(out.parent) == sorted(
            [name, "clip.frames.parquet", "clip.summary.json", "clip.report.html", "plotly.min.js"]
        )
        assert f'src="./{name}"' in (out.parent / "clip.report.html").read_text()
        assert overlay_videos(drive, out, TheUpperHalfIsSky())[0].skipped
    (out.parent / "clip.report.html").unlink()
    assert write_reports([out.parent]).written == [out.parent / "clip.report.html"]
    (other,) = overlay_videos(drive, out, TheUpperHalfIsSky(), start=0.2)
    assert "made with another choice of --start" in other.error.cause


def test_a_file_that_is_no_overlay_is_not_replaced_by_one(tmp_path):
    drive, other = make_drive(tmp_path / "drive.mp4"), tmp_path / "other.mp4"
    other.write_bytes(b"precious")
    (result,) = overlay_videos(drive, other, TheUpperHalfIsSky())
    assert "other.mp4: there already, and no overlay with a summary" in result.error.cause
    (itself,) = overlay_videos(drive, drive, TheUpperHalfIsSky(), overwrite=True)
    assert "would replace the video" in itself.error.cause
    assert made(tmp_path) == ["drive.mp4", "other.mp4"] and other.read_bytes() == b"precious"
    assert not isinstance(overlay_videos(drive, other, TheUpperHalfIsSky(), overwrite=True)[0], Failure)


@pytest.mark.parametrize(
    ("given", "out", "told"),
    [
        (["a.mp4", "b.mp4"], "c.mp4", "c.mp4: one file, but there are 2 inputs"),
        (["."], "c.mp4", "c.mp4: one file, but a folder is given"),
        (["a.mp4"], "c.avi", "c.avi: not a name for the overlay of a video\nEnd it in .mp4 or .mkv"),
        (["a.mp4"], "c.png", "c.png: not a name for the overlay of a video"),
    ],
)
def test_one_file_is_for_one_video(tmp_path, monkeypatch, given, out, told):
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.mp4"):
        Path(name).touch()
    with pytest.raises(InputError, match=re.escape(told)):
        overlay_videos(given, out, TheUpperHalfIsSky())
    assert made(tmp_path) == ["a.mp4", "b.mp4"]


def test_a_gif_is_written_beside_the_overlay_and_again_when_that_changes(tmp_path):
    drive, out, made_gifs = make_drive(tmp_path / "drive.mp4"), tmp_path / "out", []
    for _ in range(2):
        overlay_videos(drive, out, TheUpperHalfIsSky(), gif=True, on_gif=made_gifs.append)
    assert [gif.path for gif in made_gifs] == [out / "drive.overlay.gif"]
    overlay_videos(drive, out, TheUpperHalfIsSky(), style="contour", overwrite=True)
    assert not made_gifs[0].path.exists()
    (tmp_path / "x.gif").write_bytes(b"precious")
    with pytest.raises(InputError, match=r"x.gif: there already"):
        overlay_videos(drive, tmp_path / "x.mp4", TheUpperHalfIsSky(), gif=True)
