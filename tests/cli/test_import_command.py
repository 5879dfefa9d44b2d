"""`roadseg import` as people use it: a file of another program labels a video, and is scored and compared."""

import json

import pytest
from helpers.clips import make_clip
from helpers.foreign_networks import CLASSES, nearest_colour
from helpers.tiny import write_streets

pytestmark = [pytest.mark.extra("onnx", "onnxruntime"), pytest.mark.slow]


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    monkeypatch.setattr("roadseg.jobs.import_network.STREETS", 1)
    (tmp_path / "mine.toml").write_text(f"classes = {json.dumps(CLASSES)}\n")
    return nearest_colour(tmp_path / "nearest.onnx")


def test_from_a_foreign_file_to_a_labelled_video(roadseg, foreign, tmp_path, capsys):
    run = tmp_path / "run"
    options = ("--labels", tmp_path / "mine.toml", "--input-size", "96x64", "--normalization", "imagenet")
    assert roadseg("import", foreign, "--out", run, *options) == 0
    shown = capsys.readouterr()
    assert "4 classes, scores at stride 4, images up to 96x64, normalization imagenet" in shown.out
    assert "are those of default" in shown.out and "roadseg overlay VIDEO" in shown.out
    assert (run / "trial.png").stat().st_size > 10_000

    clip = make_clip(tmp_path / "drive.mp4", size=(96, 64)).path
    assert roadseg("overlay", clip, "--run", run, "--out", tmp_path / "out", "--smooth", "--device", "cpu") == 0
    (summary,) = (tmp_path / "out").glob("*.summary.json")
    assert json.loads(summary.read_text())["job"]["segmenter"].startswith("nearest.onnx ")
    assert list((tmp_path / "out").glob("*.report.html"))

    write_streets(tmp_path / "streets", 2)
    streets = f"streets:{tmp_path / 'streets'}"
    capsys.readouterr()
    assert roadseg("evaluate", run, streets, "--device", "cpu", "--json") == 0
    scores = json.loads(capsys.readouterr().out)
    assert {name for name, value in scores["iou"].items() if value is not None} <= {*CLASSES}
    assert scores["engine"].endswith("full size")
    assert roadseg("labels", tmp_path / "streets" / "images", "--run", run, "--out", tmp_path / "labels") == 0
    assert list((tmp_path / "labels").rglob("*.png"))

    write_streets(tmp_path / "night", 6, night=True)
    write_streets(tmp_path / "day", 6)
    domains = ("--source", tmp_path / "day", "--target", tmp_path / "night", "--neighbours", "2")
    capsys.readouterr()
    assert roadseg("retrieve", "--run", run, *domains, "--out", tmp_path / "near", "--device", "cpu", "--json") == 0
    found = json.loads(capsys.readouterr().out)["run"]
    assert "layout" in found and "features" not in found
    assert roadseg("retrieve", "--run", run, *domains, "--out", tmp_path / "near", "--device", "cpu", "--json") == 0
    assert json.loads(capsys.readouterr().out)["run"]["reused"] == {"source": 6, "target": 6}
    assert {grid.name for grid in (tmp_path / "near").glob("*.png")} == {
        "layout.source_to_target.png",
        "layout.target_to_source.png",
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--labels", "cityscapes-19"), "no output is a map of the 19 classes"),
        (("--labels", "cityscapes"), "unknown label space"),
        ((), "does not name its classes"),
        (("--labels", "mine.toml", "--mean", "1,2,3"), "in part or twice"),
    ],
)
def test_mistakes_take_two_lines(options, said, roadseg, foreign, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert roadseg("import", foreign, "--out", tmp_path / "run", "--input-size", "96x64", *options) == 1
    message = capsys.readouterr().err
    assert said in message.replace("\n       ", " ") and "Traceback" not in message
    assert not (tmp_path / "run").exists()


def test_numbers_that_are_none(roadseg, foreign, tmp_path, capsys):
    assert roadseg("import", foreign, "--out", tmp_path / "run", "--mean", "a,b,c", "--std", "1,1,1") == 2
    assert "three numbers" in capsys.readouterr().err


def test_what_needs_weights_of_roadseg_takes_two_lines(roadseg, foreign, tmp_path, capsys):
    options = ("--labels", tmp_path / "mine.toml", "--input-size", "96x64")
    assert roadseg("import", foreign, "--out", tmp_path / "run", *options, "--quiet") == 0
    capsys.readouterr()
    assert roadseg("export", "--run", tmp_path / "run", "--format", "onnx", "--out", tmp_path / "again.onnx") == 1
    assert "neither be trained nor exported" in capsys.readouterr().err
