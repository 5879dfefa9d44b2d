"""Stages of an overlay are measured on the same work and add up."""

import json
from pathlib import Path

import pytest
from helpers.clips import make_clip

from roadseg.bench.video import Setting, VideoCost, measure_video
from roadseg.cli.main import main


@pytest.fixture
def clip(tmp_path):
    return make_clip(tmp_path / "clip.mp4", size=(96, 64), pts=range(30), noise=True).path


@pytest.mark.slow
def test_all_that_scripts_read_is_measured(clip, monkeypatch, capsys):
    arguments = ["roadseg", "bench", str(clip), "--input-size", "64x48", "--rounds", "1", "--json", "--quiet"]
    progress = []

    def measured(*given, on_progress, **options):
        return measure_video(*given, on_progress=lambda *now: progress.append(now), **options)

    monkeypatch.setattr("roadseg.bench.video.measure_video", measured)
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert progress == [(0, 2, "overlay"), (1, 2, "stages")]
    cost = json.loads(capsys.readouterr().out)
    assert list(cost["stage_core_ms"]) == ["decode", "prepare", "segment", "draw", "encode"]
    assert all(value > 0 for value in cost["stage_core_ms"].values())
    assert (cost["frames"], cost["size"], cost["input_size"]) == (30, [96, 64], [64, 48])
    bounds = {"processors": 1000 * cost["cores"] / sum(cost["stage_core_ms"].values())}
    bounds |= {stage: 1000 / milliseconds for stage, milliseconds in cost["stage_ms"].items()}
    assert cost["bound_fps"] == pytest.approx(bounds[cost["limit"]], rel=0.05)
    assert cost["bound_fps"] <= 1.05 * min(bounds.values())
    assert cost["ratio_to_bound"] == pytest.approx(cost["fps"] / cost["bound_fps"], abs=0.01)
    assert 100 < cost["peak_rss_mb"] < 5000


@pytest.mark.slow
def test_stages_on_a_device_are_measured(clip, monkeypatch):
    monkeypatch.setattr("roadseg.bench.video.draws_on_device", lambda segmenter: True)
    cost = measure_video(Setting(clip, Path("default"), "cpu", (64, 48)), rounds=1)
    assert list(cost.stage_core_ms) == list(cost.stage_ms) == ["decode", "device", "encode"]
    assert min(cost.stage_ms.values()) > 0


@pytest.mark.parametrize(("encode_ms", "limit", "bound"), [(2.0, "processors", 250), (8.0, "encode", 125)])
def test_the_bound_is_that_of_all_processors_or_of_the_slowest_stage(encode_ms, limit, bound):
    cost = VideoCost(
        *("fast", (64, 48), 30, (96, 64)),
        cores=4,
        fps=100.0,
        stage_core_ms={"decode": 4.0, "device": 2.0, "encode": 10.0},
        stage_ms={"decode": 1.0, "device": 3.0, "encode": encode_ms},
        peak_rss_mb=500.0,
    )
    assert (cost.limit, cost.bound_fps, cost.ratio_to_bound) == (limit, bound, 100 / bound)


@pytest.mark.parametrize("arguments", [[], ["clip.mp4", "--engines", "camvid:data"]])
def test_one_thing_is_measured_at_a_time(arguments, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["roadseg", "bench", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2 and "give one thing to measure" in capsys.readouterr().err
