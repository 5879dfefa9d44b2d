import json
from dataclasses import replace

import pytest
import tomli_w
from helpers.by_brightness import ByBrightness
from helpers.servers import content, serving, write_clip
from helpers.tiny import RECIPE, write_streets

from roadseg.evaluation.evaluate import evaluate
from roadseg.jobs import score_run, video_run
from roadseg.jobs.before_after import Footage
from roadseg.jobs.video_run import run_video_recipe


@pytest.fixture
def recipes(tmp_path, monkeypatch):
    write_streets(tmp_path / "source", 3)
    target = write_streets(tmp_path / "target", 2, night=True)
    keys = {**RECIPE, "source": "source", "evaluation": f"streets:{target}", "steps": 2}
    for name, more in (
        ("source_only", {"method": "source-only"}),
        ("multi_level", {"target": "target/images", "published": "gta5-cityscapes/multi-level"}),
    ):
        adversarial = {**RECIPE["adversarial"], "weight": 0.001}  # as the published row
        (tmp_path / f"{name}.toml").write_text(tomli_w.dumps({**keys, **more, "adversarial": adversarial}))
    monkeypatch.chdir(tmp_path)
    return ["source_only.toml", "multi_level.toml"]


@pytest.mark.slow
def test_recipes_are_done_compared_and_then_left_alone(roadseg, recipes, capsys, tmp_path):
    assert roadseg("run", *recipes, "--json") == 0
    first = json.loads(capsys.readouterr().out)
    rows = first["comparisons"][0]["rows"]
    assert [row["label"] for row in rows] == ["source-only", "multi-level"]
    assert [row["runs"] for row in rows] == [["runs/source-only"], ["runs/multi-level"]]
    assert rows[1]["published"]["miou"] == 42.35
    assert first["pages"] == ["runs/source-only/report.html", "runs/multi-level/report.html"]
    page = (tmp_path / first["pages"][1]).read_text()
    assert "42.35" in page and "source-only" in page and 'href="./training.html"' in page
    assert page.count('alt="Image 1: ') == 3  # the image, its labels before and after
    weights = (tmp_path / "runs" / "multi-level" / "model.safetensors").stat().st_mtime_ns

    assert roadseg("run", *recipes) == 0
    shown = capsys.readouterr()
    assert shown.err.count("finished before") == 2
    assert "open in a browser: runs/multi-level/report.html" in shown.err
    assert "published" in shown.out
    assert (tmp_path / "runs" / "multi-level" / "model.safetensors").stat().st_mtime_ns == weights

    assert roadseg("run", "source_only.toml", "--set", "steps=3") == 1
    assert "steps 2 -> 3" in capsys.readouterr().err


@pytest.mark.slow
def test_a_recipe_without_a_labelled_set_has_no_scores(roadseg, recipes, capsys):
    assert roadseg("run", "source_only.toml", "--set", "evaluation=", "--out", "mine") == 0
    assert "no scores" in capsys.readouterr().out


@pytest.mark.slow
def test_a_recipe_of_videos_goes_from_an_address_to_overlays(roadseg, recipes, capsys, tmp_path, monkeypatch):
    clip = write_clip(tmp_path / "clip.mp4", seconds=1).read_bytes()
    command = ("run", "source_only.toml", "--set", "evaluation=", "--set", "method=self-training")
    with serving() as site:
        site.routes["/drive.mp4"] = content(clip)
        command = (*command, "--set", f"videos={site.url('/drive.mp4')}", "--set", "frames_every=0.5")
        assert roadseg(*command, "--json") == 0
        result = json.loads(capsys.readouterr().out)
        assert (result["out"], result["frames"]) == ("runs/source-only", 2)
        assert (tmp_path / result["out"] / "report.html").is_file()
        assert roadseg(*command) == 0
    shown = capsys.readouterr()
    assert "Share of pixels" in shown.out
    assert "adapted to 2 unlabelled frames" in shown.err

    def with_one_gone(*arguments, **keywords):
        result = run_video_recipe(*arguments, **keywords)
        return replace(result, footage=(*result.footage, Footage("gone.mp4", cause="404")))

    monkeypatch.setattr(video_run, "run_video_recipe", with_one_gone)
    assert roadseg(*command) == 1
    assert "error: 1 of 2 videos could not be used" in capsys.readouterr().err

    assert roadseg(*command, "--set", "target=frames") == 1
    assert "leave one of the two out" in capsys.readouterr().err
    assert roadseg("run", *recipes, "--set", "videos=drive.mp4", "--set", "frames_every=1") == 2


def test_wrong_usage(roadseg, recipes, capsys):
    assert roadseg("run", *recipes, "--out", "one") == 2
    assert roadseg("run", recipes[0], recipes[0]) == 2
    assert roadseg("run", "nowhere.toml") == 1
    assert "no such recipe" in capsys.readouterr().err


@pytest.mark.slow
def test_a_sweep_makes_a_run_a_value_and_goes_on_by_itself(roadseg, recipes, capsys, tmp_path):
    command = ("adapt", "--recipe", "multi_level.toml", "--sweep", "adversarial.weight=0.0005,0.001", "--out", "sweep")
    assert roadseg(*command) == 0
    assert "0.0005" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "sweep").iterdir()} == {
        "adversarial.weight=0.0005",
        "adversarial.weight=0.001",
    }
    assert roadseg(*command, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["comparisons"][0]["rows"]
    assert [row["published"]["miou"] for row in rows] == [41.75, 42.35]


def test_a_recipe_of_scores_prints_its_table(roadseg, recipes, capsys, monkeypatch, tmp_path):
    def scored(run, datasets, *, engine, on_progress):
        return evaluate(ByBrightness(), datasets, on_progress=on_progress)

    monkeypatch.setattr(score_run, "evaluate", scored)
    monkeypatch.setattr(score_run, "load_segmenter", lambda run, engine: ByBrightness())
    (tmp_path / "board.toml").write_text('sets = ["streets:source", "streets:target", "folder:mine"]\nroot = "."\n')
    assert roadseg("run", "board.toml") == 0
    shown = capsys.readouterr()
    assert "mean over 2 drives" in shown.out and "folder:mine: left out" in shown.err
    assert roadseg("run", "board.toml", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["out"] == "runs/board"
    assert "mean over 2 drives" in (tmp_path / "runs" / "board" / "report.html").read_text()
    assert [row["images"] for row in record["rows"]["plain"]] == [3, 2, 5]
    assert roadseg("run", "board.toml", "source_only.toml") == 2
    assert "run it alone" in capsys.readouterr().err
