import json

import numpy as np
import pytest
import tomli_w
import torch
from helpers.tiny import RECIPE, write_streets
from helpers.tiny_sets import make_camvid, make_folder

from roadseg.inference.smoothing import WEIGHT
from roadseg.models.build import build_model

KEYS = {**RECIPE, "target": "frames"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A bare file of weights, a recipe that describes it, and a labelled set."""
    root = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    torch.save(build_model("fast", 19).state_dict(), root / "bare.pth")
    (root / "fast.toml").write_text(tomli_w.dumps(KEYS))
    write_streets(root / "streets", 2)
    return root


@pytest.fixture
def evaluate(roadseg, weights):
    return lambda *more: roadseg(
        "evaluate", weights / "bare.pth", f"streets:{weights / 'streets'}", "--device", "cpu", *more
    )


@pytest.mark.slow
def test_bare_weights_are_scored_as_a_recipe_says(evaluate, weights, capsys, tmp_path):
    recipe = ("--recipe", weights / "fast.toml")
    assert evaluate(*recipe, "--json") == 0
    scores = json.loads(capsys.readouterr().out)
    assert (scores["images"], scores["label_space"]) == (2, "indian-20")

    assert evaluate(*recipe, "--out", tmp_path / "scores.md") == 0
    shown = capsys.readouterr()
    assert "tensors loaded" in shown.err
    assert "pixel accuracy" in shown.out
    assert "| road |" in (tmp_path / "scores.md").read_text()

    assert evaluate(*recipe, "--out", tmp_path / "scores.md" / "scores.md") == 1
    assert "pixel accuracy" in capsys.readouterr().out, "scores are not lost with the file"

    assert evaluate(*recipe, "--json", "--classes", "synthia-13") == 0
    assert len(json.loads(capsys.readouterr().out)["iou"]) == 13
    assert evaluate(*recipe, "--json", "--input-size", "64x48", "--resampling", "bicubic") == 0
    assert json.loads(capsys.readouterr().out)["iou"] != scores["iou"]


@pytest.mark.slow
def test_options_of_test_time_are_in_the_record(evaluate, weights, capsys, monkeypatch):
    monkeypatch.setattr(
        "roadseg.datasets.source_images.source_images",
        lambda source, size, count, scenes: np.zeros((2, *size[::-1], 3), np.uint8),
    )
    recipe, records = ("--recipe", weights / "fast.toml", "--json"), []
    for options in ((), ("--flip", "--scales", "1.5,1"), ("--adapt-bn", "--bn-prior", 3)):
        assert evaluate(*recipe, *options) == 0
        records.append(json.loads(capsys.readouterr().out))
    told = [(record["flip"], record["scales"], record["batch_norm_prior"]) for record in records]
    assert told == [(False, [1.0], None), (True, [1.0, 1.5], None), (False, [1.0], 3)]
    plain, averaged, adapted = (record["iou"] for record in records)
    assert plain != averaged != adapted != plain


@pytest.mark.slow
def test_a_run_against_another(evaluate, weights, capsys, tmp_path):
    options = ("--recipe", weights / "fast.toml", "--against", "indian", "--input-size", "96x64", "--threads", 1)
    assert evaluate(*options, "--out", tmp_path / "gain.json") == 0
    shown = capsys.readouterr()
    assert "not scored for both runs: autorickshaw" in shown.err
    assert "gain" in shown.out
    record = json.loads((tmp_path / "gain.json").read_text())
    (row,) = record["against"]["gains"]
    assert (record["against"]["run"], row["images"]) == ("indian", 2)
    assert row["after"] == record["miou"]
    assert row["gain"] == pytest.approx(row["after"] - row["before"], abs=0.01)
    assert next(iter(record["against"]["sets"].values()))["iou"].keys() == record["iou"].keys()


@pytest.mark.slow
def test_a_drive_is_steadier_when_smoothed(roadseg, capsys, tmp_path):
    assert roadseg("synth", tmp_path, "--drive", "0.5", "--size", "96x64", "--quiet") == 0
    records = []
    for options in ((), ("--smooth",), ("--smooth", "--flip")):
        capsys.readouterr()
        assert roadseg("evaluate", "default", f"streets:{tmp_path}", "--input-size", "96x64", "--json", *options) == 0
        records.append(json.loads(capsys.readouterr().out))
    plain, smooth, mirrored = records
    assert smooth["temporal_consistency"] > plain["temporal_consistency"] + 3
    assert (plain["smoothing"], smooth["smoothing"]) == (0, WEIGHT)
    assert mirrored["iou"] != smooth["iou"]


@pytest.mark.slow
def test_what_cannot_be_scored_is_refused_with_a_remedy(evaluate, roadseg, weights, tmp_path, capsys):
    recipe = ("--recipe", weights / "fast.toml")
    for arguments, code, message in (
        ((), 1, "--recipe"),
        (("--recipe", tmp_path / "nowhere.toml"), 1, "no such recipe"),
        ((*recipe, "--classes", "synthia-12"), 1, "unknown label space"),
        ((*recipe, "--input-size", "64"), 2, "WIDTHxHEIGHT"),
        ((*recipe, "--out", "scores.pdf"), 2, ".json"),
        ((*recipe, "--scales", "0.1"), 1, "0.1 is outside"),
        ((*recipe, "--scales", "1;2"), 2, "0.75,1,1.3"),
        ((*recipe, "--bn-prior", "-1"), 2, "--bn-prior"),
        ((*recipe, "--smooth"), 1, "not the frames of one video"),
    ):
        assert evaluate(*arguments) == code
        assert message in capsys.readouterr().err


@pytest.mark.slow
def test_the_engine_is_named(roadseg, weights, capsys):
    data = f"streets:{weights / 'streets'}"
    for engine, size in (("exact", "full size"), ("torch", "half size")):
        assert roadseg("evaluate", "default", data, "--device", "cpu", "--engine", engine, "--json") == 0
        program, named_size = json.loads(capsys.readouterr().out)["engine"].split(", ")
        assert program.startswith("torch") and named_size == size
    assert roadseg("evaluate", "default", data, "--device", "cpu") == 0
    assert "Engine: torch float32, full size." in capsys.readouterr().out


def test_the_older_spelling_of_a_data_set_gets_the_new_one(roadseg, weights, capsys):
    assert roadseg("evaluate", "default", "streets", weights / "streets") == 1
    assert "is not KIND:ROOT or KIND:ROOT:SPLIT" in capsys.readouterr().err


@pytest.mark.slow
def test_several_data_sets_make_one_table_and_one_shows_its_drives(roadseg, weights, tmp_path, capsys):
    camvid = make_camvid(tmp_path, 1)
    make_camvid(camvid, 2, split="train", sequence="0006R0")
    sets = (f"camvid:{camvid}:train+val", f"streets:{weights / 'streets'}")
    run = ("evaluate", weights / "bare.pth", "--device", "cpu", "--recipe", weights / "fast.toml", "--json")
    records = []
    for named in (sets, sets[:1], sets[1:]):
        assert roadseg(*run, *named, "--out", tmp_path / "scores.csv") == 0
        records.append(json.loads(capsys.readouterr().out))
    several, camvid_alone, streets_alone = records
    assert [row["images"] for row in several["rows"]] == [2, 1, 3, 2, 5]
    assert several["rows"][:3] == camvid_alone["rows"][:3]
    assert several["sets"][sets[0]]["iou"] == camvid_alone["iou"]
    assert "rows" not in streets_alone and streets_alone["images"] == 2


def test_what_is_not_scored_is_a_warning(roadseg, weights, tmp_path, capsys):
    root = make_folder(tmp_path, 1)
    (root / "images" / "b.heic").touch()
    run = ("evaluate", weights / "bare.pth", f"folder:{root}", "--device", "cpu", "--recipe", weights / "fast.toml")
    assert roadseg(*run) == 0
    assert "warning: " in (warned := capsys.readouterr().err)
    assert "images in other formats are left out: 1 .heic" in warned
