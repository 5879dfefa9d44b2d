"""The demo as a stranger runs it, with every budget cut to a few steps."""

import json
import subprocess
import sys

import pytest

# The demo's sizes are constants of its module, sized for a person; a test shrinks them and runs the same program.
SHORT = """
from fractions import Fraction
from roadseg.jobs import demo
demo.DRIVE_SECONDS, demo.DRIVE_SIZE, demo.DRIVE_RATE = 2.0, (160, 120), Fraction(6)
demo.RECIPE |= {"frames_every": 1 / 3, "size": (160, 120), "crop": (96, 96), "source_count": 6}
demo.RECIPE |= {"steps": 3, "batch_size": 2, "workers": 0}
from roadseg.cli.main import main
main()
"""


def run_demo(*arguments, cwd):
    command = [sys.executable, "-c", SHORT, "demo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=280, check=False)


@pytest.mark.slow
def test_the_demo_runs_the_whole_chain_and_a_second_call_finds_it_done(tmp_path):
    done = run_demo("--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result["scores"]) == {"before", "after"}
    assert all(0 <= scores["miou"] <= 100 for scores in result["scores"].values())
    assert result["frames"] == 6
    (video,) = result["videos"]
    assert video["duration_seconds"] == 2
    for label in result["scores"]:
        (overlay,) = (tmp_path / "demo" / "overlay" / label).glob("*.overlay.mp4")
        assert overlay.stat().st_size > 1000
    again = run_demo("--json", cwd=tmp_path)
    assert json.loads(again.stdout)["scores"] == result["scores"]
    assert not list(tmp_path.rglob("*.part"))

    own = run_demo("--video", video["file"], "--out", "own", cwd=tmp_path)
    assert own.returncode == 0, own.stderr
    assert "Share of pixels" in own.stdout


def test_a_video_that_is_not_there_ends_the_demo_before_anything_is_trained(tmp_path):
    for video, message in (
        ("missing.mp4", "missing.mp4: no such file"),
        ("http://127.0.0.1:1/x.mp4", "127.0.0.1:1/x.mp4"),
    ):
        ended = run_demo("--video", video, cwd=tmp_path)
        assert ended.returncode == 1
        assert message in ended.stderr
        assert not (tmp_path / "demo" / "run").exists()
