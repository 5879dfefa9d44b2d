"""`roadseg overlay --ray` on a real cluster of this machine, as a separate program."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers import program
from helpers.drive_clips import make_drive

from roadseg.cores import usable_cores
from roadseg.video.reader import VideoReader

VIDEOS = 8
OF_CIRCUMSTANCE = ("frames_resumed", "wall_seconds", "frames_per_second", "stages")
"""Keys that may differ between two summaries of the same job."""


@pytest.fixture(scope="module")
def drives(tmp_path_factory):
    """A folder of drives of which no two are equal, and a file that is none."""
    folder = tmp_path_factory.mktemp("drives")
    for number in range(VIDEOS):
        make_drive(folder / f"{'ab'[number % 2]}" / f"{number}.mp4", durations=(1, 2) * (30 + number))
    (folder / "b" / "bad.mp4").write_text("no video")
    return folder


@pytest.fixture(scope="module")
def serial(run, drives, tmp_path_factory):
    """Results of one process for the drives."""
    out = tmp_path_factory.mktemp("serial")
    assert program.roadseg("overlay", drives, "--run", run, "--out", out, "-q").returncode == 1
    return out


class Call:
    """A call on a cluster; all processes of the cluster are in the session that the call leads."""

    def __init__(self, *arguments, cwd):
        command = [sys.executable, "-m", "roadseg", "overlay", *map(str, arguments), "--ray", "local"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, cwd=cwd, start_new_session=True, **pipes)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid, _ in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.process.communicate()

    def end(self):
        """(exit code, stdout, stderr), once the call has ended by itself and the cluster with it."""
        stdout, stderr = self.process.communicate(timeout=150)
        deadline = time.monotonic() + 10
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert self.processes() == []
        return self.process.returncode, stdout, stderr

    def processes(self):
        """(process id, name) of all that are alive."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                pid, rest = path.read_text().split(" (", 1)
            except (FileNotFoundError, ProcessLookupError):
                continue
            name, state = rest.rsplit(") ", 1)
            state, _, _, session, *_ = state.split()
            if int(session) == self.process.pid and state != "Z":
                found.append((int(pid), name))
        return found

    def a_worker_in_the_middle(self, out):
        """Process id of a worker, once one of them has written a part of its results."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.process.communicate()[1]
            if list(out.rglob("*.part")):
                workers = [pid for pid, name in self.processes() if name.startswith("ray::_Worker.ov")]
                if workers:
                    return workers[0]
            time.sleep(0.02)
        pytest.fail("no worker has begun")


def assert_equal(out, serial):
    """Frames, tables and summaries are those of the one process."""
    summaries = sorted(path.relative_to(serial) for path in serial.rglob("*.summary.json"))
    assert len(summaries) == VIDEOS
    assert sorted(path.relative_to(out) for path in out.rglob("*.summary.json")) == summaries
    for name in summaries:
        ours, theirs = (json.loads((folder / name).read_text()) for folder in (out, serial))
        ours, theirs = ({k: v for k, v in each.items() if k not in OF_CIRCUMSTANCE} for each in (ours, theirs))
        assert ours == theirs
        stem = str(name).removesuffix(".summary.json")
        ours, theirs = (pq.read_table(folder / f"{stem}.frames.parquet") for folder in (out, serial))
        assert ours.equals(theirs)
        with VideoReader(out / f"{stem}.overlay.mp4") as ours, VideoReader(serial / f"{stem}.overlay.mp4") as theirs:
            for one, other in zip(ours, theirs, strict=True):
                assert one.pts == other.pts
                # Not to the bit: x264 encodes the same small frames to slightly different bytes now and then.
                assert all(mean_difference(getattr(one, plane), getattr(other, plane)) < 1 for plane in "yuv")


def mean_difference(one, other):
    """Mean absolute difference of two planes, in levels."""
    return np.abs(one.astype(int) - other).mean()


def failed(out):
    return [json.loads(line)["video"] for line in (out / "failures.jsonl").read_text().splitlines()]


@pytest.mark.extra("ray")
@pytest.mark.slow
def test_interrupted_and_with_a_killed_worker_the_results_are_those_of_one_process(run, drives, serial, tmp_path):
    """Ctrl-C ends the first call, of one worker; the second, of several, goes on and loses one of them."""
    out, arguments = tmp_path / "out", (drives, "--run", run, "--out", "out")
    with Call(*arguments, "--ray-cpus", usable_cores(), cwd=tmp_path) as call:
        call.a_worker_in_the_middle(out)
        os.killpg(call.process.pid, signal.SIGINT)  # as a terminal does
        code, stdout, stderr = call.end()
    assert (code, stdout) == (130, "")
    assert "Run the same command again" in stderr and "Traceback" not in stderr
    assert len(list(out.rglob("*.summary.json"))) < VIDEOS

    with Call(*arguments, "--json", cwd=tmp_path) as call:
        os.kill(call.a_worker_in_the_middle(out), signal.SIGKILL)
        code, stdout, stderr = call.end()
    assert code == 1, stderr
    videos = json.loads(stdout)["videos"]
    assert sorted(Path(one["video"]) for one in videos) == sorted(drives.rglob("*.mp4"))
    assert [one["status"] for one in videos].count("failed") == 1
    assert failed(out) == [str(drives / "b" / "bad.mp4")]
    assert stderr.splitlines() == [
        f"error: {drives}/b/bad.mp4: not a video that can be read (Invalid data found when processing input)",
        "       Check that it plays elsewhere; copy or download it again if it does not.",
        f"error: 1 of {VIDEOS + 1} videos failed",
        "       out/failures.jsonl says which and why.",
    ]
    assert not list(out.rglob("*.part")) and not list(out.rglob(".ray-*"))
    assert_equal(out, serial)


@pytest.mark.extra("ray")
@pytest.mark.slow
def test_sigterm_ends_a_call_as_ctrl_c_does(run, drives, tmp_path):
    """Sent to the call alone, as `kill` and batch systems do; the workers end with it."""
    with Call(drives, "--run", run, "--out", "out", cwd=tmp_path) as call:
        call.a_worker_in_the_middle(tmp_path / "out")
        call.process.terminate()
        code, stdout, stderr = call.end()
    assert (code, stdout) == (143, "")
    said = [line for line in stderr.splitlines() if "frames/s" not in line and "bad.mp4" not in line]
    said = [line for line in said if not line.startswith("       ")]
    assert said == ["Stopped. Run the same command again to continue.", "error: terminated"]
    assert not list((tmp_path / "out").rglob(".ray-*"))


@pytest.mark.extra("ray")
@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--ray", "nonsense"], 1, "no Ray cluster to work on (not an address)"),
        (["--ray", "127.0.0.1:1"], 1, "no Ray cluster to work on (Connection refused)"),
        (["--ray", "local", "--shard", "1/2"], 2, "exclude each other"),
        (["--ray", "local", "--ray-cpus", "0"], 2, "--ray-cpus"),
    ],
)
def test_mistakes_are_told_before_ray_starts(roadseg, tmp_path, capsys, arguments, code, expected):
    assert roadseg("overlay", tmp_path / "clip.mp4", "--out", tmp_path / "out", *arguments) == code
    assert expected in capsys.readouterr().err


def test_without_ray_the_extra_is_named(roadseg, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert roadseg("overlay", tmp_path / "clip.mp4", "--out", tmp_path / "out", "--ray", "local") == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: Ray is not installed",
        "       Install it: pip install 'roadseg[ray]'",
    ]
