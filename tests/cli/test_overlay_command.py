"""`roadseg overlay` as people use it, with a real network of random weights."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest

from roadseg.cli.main import main
from roadseg.errors import OutputError
from roadseg.files import write_png
from roadseg.video.encoders import ENCODERS, Encoder
from roadseg.video.frame import Frame
from roadseg.video.reader import VideoReader
from roadseg.video.writer import VideoWriter

TORCH = ("--engine", "torch")
"""An engine that needs no compilation; the first tests and those of processes take the default."""
SEGMENT_FRAMES = 50
RESULTS = ["frames.parquet", "overlay.mp4", "report.html", "summary.json"]


def make_video(path, frames=6):
    path.parent.mkdir(parents=True, exist_ok=True)
    time_base = Fraction(1, 25)
    noise = np.random.default_rng(0).integers(0, 256, (96, 160, 3), np.uint8)
    with VideoWriter(path, width=160, height=96, time_base=time_base) as writer:
        for index in range(frames):
            rgb = np.roll(noise, index, axis=1)
            writer.write(Frame.from_rgb(rgb, index=index, pts=index, time_base=time_base, duration=1))
    return path


@pytest.fixture
def roadseg(monkeypatch, capsys):
    """Call the program in this process: (exit code, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["roadseg", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return call


def results(folder):
    """Names of all that is in the folder but its locks."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def names(*videos):
    """Names of all results of videos in a folder."""
    pages = ["plotly.min.js", *(["index.html"] if len(videos) > 1 else [])]
    return sorted([*(f"{video}.{kind}" for video in videos for kind in RESULTS), *pages])


def test_a_part_by_its_times(roadseg, run, tmp_path):
    clip, out = make_video(tmp_path / "clip.mp4"), tmp_path / "out"
    part = "--start", "0:00.08", "--duration", "120ms", "--every", "80ms"
    code, printed, _ = roadseg("overlay", clip, "--run", run, "--out", out, "--json", *part)
    video = json.loads(printed)["videos"][0]
    assert (code, video["begins_seconds"], video["frames"]) == (0, 0.08, 2)
    assert video["duration_seconds"] == pytest.approx(0.12)
    code, _, told = roadseg("overlay", clip, "--run", run, "--out", tmp_path / "late", "--start", "1:30")
    assert code == 1
    assert f"error: {clip}: no frame begins from 1:30 on, it ends at 0:00.24\n       Choose another --start" in told
    assert not list((tmp_path / "late").glob("clip*"))


def test_videos_become_overlays_and_a_table(roadseg, run, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    one, other = make_video(tmp_path / "one.mp4"), make_video(tmp_path / "other.mkv", frames=9)
    out = tmp_path / "out"
    code, stdout, stderr = roadseg("overlay", one, other, one, "--run", run, "--out", out)
    assert code == 0
    assert results(out) == names("one", "other")
    assert f"{one}: 6 frames in" in stderr and f"{other}: 9 frames in" in stderr
    assert "2 videos, 0.6 s" in stdout
    assert re.search(rf"{re.escape(str(other))}\W+9\W+0\.4\W+\d+\W+done", stdout)
    assert str(out) in stdout and "*.overlay.mp4" in stdout
    with VideoReader(out / "other.overlay.mp4") as video:
        assert len(list(video)) == 9


@pytest.mark.slow
def test_a_video_is_all_it_takes(roadseg, tmp_path, monkeypatch):
    """The default weights are found from any folder."""
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "drive.mp4")
    code, _, _ = roadseg("overlay", "drive.mp4", "--out", "out")
    assert code == 0
    assert results(tmp_path / "out") == names("drive")


def test_json_is_one_document_and_nothing_else(roadseg, run, tmp_path):
    clip, out = make_video(tmp_path / "clip.mp4"), tmp_path / "out"
    code, stdout, stderr = roadseg("overlay", clip, tmp_path / "no.mp4", "--run", run, "--out", out, *TORCH, "--json")
    done, failed = json.loads(stdout)["videos"]
    assert code == 1
    assert done == {"status": "done", **json.loads((out / "clip.summary.json").read_text())}
    assert failed == {
        "video": str(tmp_path / "no.mp4"),
        "track": None,
        "status": "failed",
        "cause": f"{tmp_path}/no.mp4: no such file",
        "remedy": "Check the path.",
    }
    assert stderr.splitlines()[-2] == "error: 1 of 2 videos failed"


def test_quiet_leaves_errors_and_the_table(roadseg, run, tmp_path):
    clip, out = make_video(tmp_path / "clip.mp4"), tmp_path / "out"
    code, stdout, stderr = roadseg("overlay", clip, "--run", run, "--out", out, *TORCH, "-q")
    assert (code, stderr) == (0, "")
    assert "of the frame %" in stdout


@pytest.mark.slow
def test_a_page_that_cannot_be_written_fails_no_overlay(roadseg, run, tmp_path, monkeypatch):
    """And none is left of earlier results; the next call makes up for it."""
    clip, out = make_video(tmp_path / "clip.mp4"), tmp_path / "out"
    page, call = out / "clip.report.html", ("overlay", clip, "--run", run, "--out", out, *TORCH)
    out.mkdir()
    page.write_text("of earlier results")

    def full(*_):
        raise OutputError("no space left on the disk", "Free some space.")

    with monkeypatch.context() as patch:
        patch.setattr("roadseg.report.pages.write_report", full)
        code, _, stderr = roadseg(*call)
    assert code == 0
    assert "warning: no report: no space left on the disk; Free some space\n" in stderr and "browser" not in stderr
    assert not page.exists() and (out / "clip.summary.json").exists()
    code, _, stderr = roadseg(*call)
    assert code == 0
    assert "skipped" in stderr and f"open in a browser: {page}" in stderr
    assert results(out) == names("clip")
    written = page.stat().st_mtime_ns
    assert "browser" not in roadseg(*call)[2] and page.stat().st_mtime_ns == written


@pytest.mark.slow
def test_what_was_done_is_skipped_unless_overwritten(roadseg, run, tmp_path):
    clip, out = make_video(tmp_path / "clip.mp4"), tmp_path / "out"
    call = ("overlay", clip, "--run", run, "--out", out, *TORCH)
    roadseg(*call)
    assert "done before, skipped" in roadseg(*call)[2]
    assert "6 frames in" in roadseg(*call, "--overwrite")[2]
    code, _, stderr = roadseg(*call, "--opacity", 0.8)
    assert code == 1
    assert "made with another choice of --opacity" in stderr and "--overwrite" in stderr


@pytest.mark.slow
def test_options_of_test_time_change_labels_and_are_recorded(roadseg, run, tmp_path, monkeypatch):
    """Blank images stand in for the source images, whose rendering takes long."""
    monkeypatch.setattr(
        "roadseg.datasets.source_images.source_images",
        lambda source, size, count, scenes: np.zeros((2, *size[::-1], 3), np.uint8),
    )
    clip, tables = make_video(tmp_path / "clip.mp4"), []
    for number, options in enumerate(([], ["--flip", "--scales", "0.5,1"], ["--adapt-bn", "--bn-prior", 8])):
        out = tmp_path / str(number)
        assert roadseg("overlay", clip, "--run", run, "--out", out, *TORCH, *options)[0] == 0
        summary = json.loads((out / "clip.summary.json").read_text())
        tables.append([entry["share"] for entry in summary["classes"]])
    assert tables[0] != tables[1] != tables[2] != tables[0]
    assert summary["job"]["batch_norm_prior"] == 8


def test_a_mask_is_said_and_recorded(roadseg, run, tmp_path):
    clip, out, mask = make_video(tmp_path / "clip.mp4"), tmp_path / "out", tmp_path / "mask.png"
    write_png(mask, np.repeat(np.array([[0], [0], [0], [255]], np.uint8), 6, axis=1))
    code, _, stderr = roadseg("overlay", clip, "--run", run, "--out", out, *TORCH, "--mask", mask)
    assert code == 0
    assert ", 25.0 % masked" in stderr and "the mask of 6x4 pixels was stretched" in stderr
    assert json.loads((out / "clip.summary.json").read_text())["job"]["mask"].startswith("sha256:")
    code, _, stderr = roadseg("overlay", clip, "--run", run, "--out", out, *TORCH, "--mask", "auto", "--overwrite")
    assert code == 0
    assert "warning: " in stderr and "clip.mp4: no mask: only " in stderr
    assert results(out) == names("clip")


def test_one_broken_video_stops_no_other(roadseg, run, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    text, empty = tmp_path / "text.mp4", tmp_path / "empty.mp4"
    text.write_text("no video")
    empty.touch()
    clip, out = make_video(tmp_path / "clip.mp4"), tmp_path / "out"
    code, stdout, stderr = roadseg("overlay", text, empty, clip, "--run", run, "--out", out, *TORCH)
    assert code == 1
    assert results(out) == sorted(["failures.jsonl", *names("clip")])
    assert f"error: {text}: not a video" in stderr
    assert f"error: {empty}: the file is empty" in stderr
    *_, count, where = stderr.splitlines()
    assert count == "error: 2 of 3 videos failed" and f"{out}/failures.jsonl" in where
    rows = [line for line in stdout.splitlines() if ".mp4 " in line]
    assert [("failed" in row, "done" in row) for row in rows] == [(True, False), (True, False), (False, True)]


def test_folders_patterns_and_lists(roadseg, run, tmp_path):
    """Sub-folders are kept; results beside their videos are not taken for videos."""
    drives = tmp_path / "drives"
    for name in ("a/1.mp4", "b/1.mp4"):
        make_video(drives / name, frames=2)
    (drives / "list.txt").write_text("# first\na/1.mp4\n")
    call = (f"{drives}/**/1.mp4", drives / "list.txt", f"@{drives}/list.txt", "--run", run, "--out", drives, *TORCH)
    assert roadseg("overlay", drives, *call)[0] == 0
    made = [name for name in names("1") if name != "plotly.min.js"]  # once, in the folder of all
    assert results(drives / "a") == results(drives / "b") == sorted(["1.mp4", *made])
    assert (drives / "plotly.min.js").is_file()
    code, stdout, stderr = roadseg("overlay", *call)
    assert code == 0
    assert stderr.count("done before, skipped") == 2 and stdout.count(" skipped ") == 2


def test_a_long_table_of_videos_is_cut(roadseg, run, tmp_path):
    (tmp_path / "list.txt").write_text("\n".join(f"no{number}.mp4" for number in range(25)))
    code, stdout, stderr = roadseg("overlay", tmp_path / "list.txt", "--run", run, "--out", tmp_path / "out")
    assert code == 1
    assert stdout.count(" failed ") == 20 and "... and 5 more" in stdout
    assert len((tmp_path / "out" / "failures.jsonl").read_text().splitlines()) == 25
    assert "25 of 25 videos failed" in stderr


def test_shards_divide_the_videos(roadseg, run, tmp_path):
    drives, out = tmp_path / "drives", tmp_path / "out"
    for name in "abc":
        make_video(drives / f"{name}.mp4")
    call = ("overlay", drives, "--run", run, "--out", out, *TORCH, "--json", "--shard")
    parts = [roadseg(*call, part) for part in ("1/2", "2/2")]
    assert [code for code, _, _ in parts] == [0, 0]
    done = [[(one["video"], one["status"]) for one in json.loads(stdout)["videos"]] for _, stdout, _ in parts]
    assert done == [[(str(drives / f"{name}.mp4"), "done") for name in part] for part in ("ac", "b")]
    assert results(out) == names("a", "b", "c")


def test_a_shard_without_a_video_is_no_error(roadseg, run, tmp_path):
    clip, out = make_video(tmp_path / "clip.mp4"), tmp_path / "out"
    code, stdout, stderr = roadseg("overlay", clip, "--run", run, "--out", out, "--shard", "2/2")
    assert (code, stdout, results(out)) == (0, "", [])
    assert "none of them in shard 2/2" in stderr


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["clip.mp4", "--out", "out", "--run", "nowhere"], 1, "no trained model here"),
        (["no.mp4", "--out", "out"], 1, "no.mp4: no such file"),
        (["clip.mp4", "--out", "clip.mp4"], 1, "its result clip.mp4 would replace the video clip.mp4"),
        (["clip.mp4", "--out", "out", "--opacity", "2"], 2, "--opacity"),
        (["clip.mp4", "--out", "out", "--batch-size", "0"], 2, "--batch-size"),
        (["clip.mp4", "--out", "out", "--frame-rate", "0"], 2, "not a frame rate"),
        (["clip.mp4", "--out", "out", "--device", "gpu"], 2, "--device"),
        (["clip.mp4", "--out", "out", "--scales", "1,3"], 1, "scale 3 is outside"),
        (["clip.mp4", "--out", "out", "--scales", ""], 2, "not scales"),
        (["clip.mp4", "--out", "out", "--scales", "half"], 2, "not scales"),
        (["clip.mp4", "--out", "out", "--adapt-bn"], 1, "that the network was trained on"),
        (["clip.mp4", "--out", "out", "--bn-sections"], 1, "Give --adapt-bn"),
        (["clip.mp4", "--out", "out", "--shard", "0/2"], 2, "not a part of a whole"),
        (["clip.mp4", "--out", "out", "--shard", "3/2"], 2, "not a part of a whole"),
        (["clip.mp4", "--out", "out", "--shard", "1"], 2, "not a part of a whole"),
        (["clip.mp4", "--out", "out", "--mask", "no.png"], 1, "no.png: this mask cannot be read"),
        (["clip.mp4", "--out", "out", "--mask", "clip.mp4"], 1, "clip.mp4: cannot be read as a mask (not an image)"),
        (["clip.mp4", "no/*.mp4", "--out", "out"], 1, "no/*.mp4: matches no video"),
        (["clip.mp4", "@no.txt", "--out", "out"], 1, "no.txt: this list of videos cannot be read"),
        (["--out", "out"], 2, "SOURCE"),
    ],
)
def test_mistakes_are_told_in_a_line(roadseg, run, tmp_path, monkeypatch, arguments, code, expected):
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "clip.mp4")
    given = arguments if "--run" in arguments else [*arguments, "--run", run]
    got, stdout, stderr = roadseg("overlay", *given)
    assert (got, stdout) == (code, "")
    assert expected in stderr
    assert "Traceback" not in stderr


def test_an_encoder_that_does_not_work_is_told_in_two_lines(roadseg, run, tmp_path, monkeypatch):
    lossy = Encoder("mpeg4", {"skip_threshold": "1000000", "skip_factor": "1000000"}, "qmax")
    monkeypatch.setitem(ENCODERS, "nvenc", lossy)
    clip, out = make_video(tmp_path / "clip.mp4"), tmp_path / "out"
    code, stdout, stderr = roadseg("overlay", clip, "--out", out, "--run", run, "--encoder", "nvenc")
    assert (code, stdout, out.exists()) == (1, "", False)
    cause, remedy = stderr.strip().splitlines()
    assert cause.endswith("nvenc cannot encode videos here: of 6 frames 1 came back")
    assert remedy.endswith("Use --encoder x264, which runs on every CPU.")


@pytest.fixture
def long_clip(tmp_path):
    return make_video(tmp_path / "long.mp4", frames=10 * SEGMENT_FRAMES)


SHORT_SEGMENTS = f"""
import signal
from roadseg.cli.main import main
from roadseg.overlay import encoding, job, parts
signal.signal(signal.SIGINT, signal.default_int_handler)
encoding.SEGMENT_FRAMES = job.SEGMENT_FRAMES = parts.SEGMENT_FRAMES = {SEGMENT_FRAMES}
main()
"""
"""The program, with segments cut to a fifth, so that much is left to do when the first is finished.

It listens to Ctrl-C even if the tests run in the background of a shell, where it is ignored.
"""


def start(clip, run, out):
    """Start `roadseg overlay` in its own process and wait until it is in the middle of its work."""
    call = [sys.executable, "-c", SHORT_SEGMENTS, "overlay", clip, "--run", run, "--out", out]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first_segment = out / ".long.parts" / "000000.parquet"
    deadline = time.monotonic() + 120
    while not first_segment.exists() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    return process


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_ctrl_c_leaves_nothing_half_done_and_the_same_command_goes_on(roadseg, run, long_clip, tmp_path, monkeypatch):
    out = tmp_path / "out"
    process = start(long_clip, run, out)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Run the same command again" in stderr and "Traceback" not in stderr
    assert results(out) == [] and (out / ".long.parts").is_dir()
    for module in ("encoding", "job", "parts"):
        monkeypatch.setattr(f"roadseg.overlay.{module}.SEGMENT_FRAMES", SEGMENT_FRAMES)
    code, _, stderr = roadseg("overlay", long_clip, "--run", run, "--out", out)
    assert code == 0 and re.search(r"500 frames in .*, of which \d+ were done before", stderr)
    assert results(out) == names("long")


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_killed_run_can_be_repeated(roadseg, run, long_clip, tmp_path):
    out = tmp_path / "out"
    process = start(long_clip, run, out)
    process.send_signal(signal.SIGSTOP)  # it holds its locks and cannot finish, however slow this machine is
    try:
        code, _, stderr = roadseg("overlay", long_clip, "--run", run, "--out", out)
        assert code == 1 and "failures.jsonl: another roadseg process is writing here" in stderr
        code, _, stderr = roadseg("overlay", long_clip, "--run", run, "--out", out, "--shard", "1/1")
        assert code == 1 and "long.overlay.mp4: another roadseg process is writing here" in stderr
    finally:
        process.kill()
        process.communicate(timeout=60)
    assert results(out) == ["failures-1-of-1.jsonl"]
    short = make_video(long_clip)
    code, _, stderr = roadseg("overlay", short, "--run", run, "--out", out, *TORCH)
    assert code == 0, stderr
    assert results(out) == sorted(["failures-1-of-1.jsonl", *names("long")])


@pytest.mark.slow
def test_a_full_disk_is_told_and_leaves_nothing(roadseg, run, tmp_path):
    disk, clip = tmp_path / "disk", make_video(tmp_path / "clip.mp4", frames=200)
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk is not permitted here")
    try:
        code, _, stderr = roadseg("overlay", clip, "--run", run, "--out", disk, *TORCH)
        assert code == 1
        assert "no space left on the disk" in stderr and "Free some space" in stderr
        assert results(disk) == ["failures.jsonl"]
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_must_not_be_written_to(roadseg, run, tmp_path):
    clip, out = make_video(tmp_path / "clip.mp4"), tmp_path / "out"
    out.mkdir(mode=0o500)
    code, _, stderr = roadseg("overlay", clip, "--run", run, "--out", out, *TORCH)
    assert code == 1
    assert "not possible to write here" in stderr
