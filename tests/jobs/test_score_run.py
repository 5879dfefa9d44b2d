"""Recipes of scores: one table of drives, data sets and variants."""

import json
from functools import partial

import pytest
from helpers.by_brightness import ByBrightness
from helpers.tiny import write_streets
from helpers.tiny_sets import make_camvid

from roadseg.errors import DatasetError, RecipeError
from roadseg.evaluation.evaluate import evaluate
from roadseg.jobs import score_run
from roadseg.jobs.score_run import run_score_recipe
from roadseg.training.recipe_files import read_recipe
from roadseg.training.score_recipe import ScoreRecipe


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Two drives of CamVid, streets, and a set that is not there; `flip` stands for another brightness."""

    def scored(run, datasets, *, engine, flip=False, on_progress):
        return evaluate(ByBrightness(90 if flip else 70), datasets, on_progress=on_progress)

    monkeypatch.setattr(score_run, "evaluate", scored)
    monkeypatch.setattr(score_run, "load_segmenter", lambda run, engine: ByBrightness(70))
    make_camvid(make_camvid(tmp_path / "camvid", 1), 2, split="train", sequence="0006R0")
    write_streets(tmp_path / "streets", 2)
    sets = ("camvid:camvid:train+val", "streets:streets", "folder:mine")
    return ScoreRecipe(root=str(tmp_path), sets=sets, variants=("plain", "flip"))


def test_a_recipe_makes_one_table_and_a_second_call_scores_nothing(recipe, tmp_path, monkeypatch):
    problems = []
    scores = run_score_recipe(recipe, tmp_path / "out", on_problem=problems.append)
    assert problems == [f"folder:mine: left out, {tmp_path / 'mine'} is missing"]
    rows = scores.rows["plain"]
    assert [row.drive for row in rows] == ["0006R0", "0016E5", "all", "all", ""]
    assert rows[-1].dataset == "data sets, mean over 3 drives"
    alone = partial(evaluate, dataset=f"streets:{tmp_path / 'streets'}")
    for variant, least in (("plain", 70), ("flip", 90)):
        assert scores.rows[variant][3].miou == pytest.approx(alone(ByBrightness(least)).miou, abs=0.005)
    assert scores.table.header[3:] == ("plain %", "plain from", "plain to", "flip %", "flip from", "flip to")
    assert json.loads((tmp_path / "out" / "scores.json").read_text())["rows"].keys() == {"plain", "flip"}
    assert {"scores.md", "scores.csv", "recipe.toml"} <= {path.name for path in (tmp_path / "out").iterdir()}

    monkeypatch.setattr(score_run, "evaluate", None)
    assert str(run_score_recipe(recipe, tmp_path / "out")) == str(scores)
    with pytest.raises(RecipeError, match="another recipe: engine 'exact' -> 'torch'"):
        run_score_recipe(recipe.model_copy(update={"engine": "torch"}), tmp_path / "out")


def test_rendered_drives_have_their_own_mean(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(score_run, "render_drive", lambda folder, *, seed, **look: write_streets(folder, 1 + seed))
    drives = recipe.model_copy(update={"sets": ("folder:mine",), "drives": (1, 2), "variants": ("plain",)})
    rows = run_score_recipe(drives, tmp_path / "out", data=tmp_path / "data").rows["plain"]
    assert [row.dataset for row in rows] == ["target drive 1", "target drive 2", "rendered, mean over 2 drives"]
    assert rows[0].images == 2


def test_mistakes_are_errors_before_anything_is_written(recipe, tmp_path):
    assert ScoreRecipe.resolve({"sets": "a", "variants": "flip"}, origin="mine.toml").sets == ("a",)
    for values, message in (({"sets": []}, "sets"), ({"sets": ["a"], "variants": ["smooth"]}, "variants")):
        with pytest.raises(RecipeError, match=message):
            ScoreRecipe.resolve(values, origin="mine.toml")
    with pytest.raises(DatasetError, match="none of the recipe's data sets"):
        run_score_recipe(recipe.model_copy(update={"root": "nowhere"}), tmp_path / "out")
    with pytest.raises(RecipeError, match="trains no run\nUse it with: roadseg run scoreboard"):
        read_recipe("scoreboard")
    assert not (tmp_path / "out").exists()
