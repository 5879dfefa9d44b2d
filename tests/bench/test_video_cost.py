"""What is measured of an overlay is measured on the same work, and adds up."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.clips import make_clip

from roadseg.bench.plain_video import plain_loop
from roadseg.bench.video import measure_video
from roadseg.cli.main import main
from roadseg.errors import VideoError
from roadseg.inference.engines import load_segmenter
from roadseg.models.weights import load_model
from roadseg.overlay.job import overlay_video
from roadseg.overlay.summary import OverlayFiles, OverlayOptions
from roadseg.runtime import start
from roadseg.video.reader import VideoReader

DEFAULT = Path("default")
SIZE = (64, 48)


@pytest.fixture
def clip(tmp_path):
    return make_clip(tmp_path / "clip.mp4", size=(96, 64), pts=range(30), noise=True).path


def test_the_plain_loop_draws_the_same_labels(clip, tmp_path):
    network, card = load_model(DEFAULT)
    fps = plain_loop(clip, tmp_path / "plain.mp4", network.eval(), card.label_space, SIZE, start("cpu"))
    assert fps > 0
    segmenter = load_segmenter(DEFAULT, device="cpu", precision="float32", input_size=SIZE)
    overlay_video(clip, segmenter, tmp_path / "out", OverlayOptions(legend=False))
    with (
        VideoReader(tmp_path / "plain.mp4") as plain,
        VideoReader(OverlayFiles.of(clip, tmp_path / "out").overlay) as ours,
    ):
        pairs = list(zip(plain, ours, strict=True))
    assert len(pairs) == 30
    away = [np.abs(one.to_rgb().astype(int) - other.to_rgb()).mean() for one, other in pairs]
    assert np.mean(away) < 12


def test_a_video_that_opencv_cannot_read_is_an_error(tmp_path):
    network, card = load_model(DEFAULT)
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with pytest.raises(VideoError, match="OpenCV cannot read it"):
        plain_loop(text, tmp_path / "plain.mp4", network, card.label_space, SIZE, start("cpu"))


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
    assert progress == [(0, 3, "overlay"), (1, 3, "plain loop"), (2, 3, "stages")]
    cost = json.loads(capsys.readouterr().out)
    assert list(cost["stage_core_ms"]) == ["decode", "prepare", "segment", "draw", "encode"]
    assert all(value > 0 for value in cost["stage_core_ms"].values())
    assert (cost["frames"], cost["size"], cost["input_size"]) == (30, [96, 64], [64, 48])
    assert cost["bound_fps"] == pytest.approx(1000 * cost["cores"] / sum(cost["stage_core_ms"].values()), rel=0.02)
    assert cost["ratio_to_bound"] == pytest.approx(cost["fps"] / cost["bound_fps"], abs=0.01)
    assert cost["ratio_to_plain_loop"] == pytest.approx(cost["fps"] / cost["plain_loop_fps"], abs=0.01)
    assert 100 < cost["peak_rss_mb"] < 5000


@pytest.mark.parametrize("arguments", [[], ["clip.mp4", "--train"]])
def test_one_thing_is_measured_at_a_time(arguments, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["roadseg", "bench", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2 and "say what to measure" in capsys.readouterr().err
