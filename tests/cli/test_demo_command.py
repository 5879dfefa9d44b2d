"""`roadseg demo` from end to end, with every budget cut to a few steps."""

import json
from fractions import Fraction

import pytest
from helpers.program import roadseg
from helpers.tiny import ONE_VIEW

from roadseg.jobs import demo


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """The demo's sizes are constants of its module, made for a person; here they are as small as they can be."""
    monkeypatch.setattr(demo, "DRIVE_SEED", 0)  # of textures that other tests have too
    monkeypatch.setattr(demo, "DRIVE_SECONDS", 1.0)
    monkeypatch.setattr(demo, "DRIVE_SIZE", (160, 120))
    monkeypatch.setattr(demo, "DRIVE_RATE", Fraction(6))
    small = {"frames_every": 1 / 3, "size": (160, 120), "crop": (96, 96), "source_count": 2, "pseudo_labels": ONE_VIEW}
    monkeypatch.setattr(demo, "RECIPE", demo.RECIPE | small | {"steps": 2, "batch_size": 2, "workers": 0})


@pytest.mark.slow
def test_the_demo_runs_the_whole_chain_and_a_second_call_finds_it_done(tmp_path):
    done = roadseg("demo", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result["scores"]) == {"before", "after"}
    assert all(0 <= scores["miou"] <= 100 for scores in result["scores"].values())
    assert result["frames"] == 3
    (video,) = result["videos"]
    assert video["duration_seconds"] == pytest.approx(1)
    for label in result["scores"]:
        (overlay,) = (tmp_path / "demo" / "overlay" / label).glob("*.overlay.mp4")
        assert overlay.stat().st_size > 1000
    (joined,) = (tmp_path / "demo" / "overlay").glob("*.comparison.mp4")
    page = (tmp_path / "demo" / "report.html").read_text()
    assert f'src="./overlay/{joined.name}"' in page
    assert 'alt="Image 1: ground truth"' in page and "IoU % against the ground truth of 1 frames" in page
    assert "no ground truth" not in page
    again = roadseg("demo", "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["scores"] == result["scores"]
    assert not list(tmp_path.rglob("*.part"))

    # Of the same video as someone's own, all that is done but for the scores.
    own = roadseg("demo", "--video", video["file"], cwd=tmp_path)
    assert own.returncode == 0, own.stderr
    assert "Share of pixels" in own.stdout
    assert "ground truth" in roadseg("demo", cwd=tmp_path).stdout


@pytest.mark.slow
def test_a_video_that_is_not_there_ends_the_demo_before_anything_is_trained(tmp_path):
    for video, message in (
        ("missing.mp4", "missing.mp4: no such file"),
        ("http://127.0.0.1:1/x.mp4", "127.0.0.1:1/x.mp4"),
    ):
        ended = roadseg("demo", "--video", video, cwd=tmp_path)
        assert ended.returncode == 1
        assert message in ended.stderr
        assert not (tmp_path / "demo" / "run").exists()
