import re
import signal
from pathlib import Path

import pytest
from helpers.tiny import RECIPE, write_streets

from roadseg.datasets.catalogue import DATASETS
from roadseg.errors import DatasetError, RecipeError
from roadseg.evaluation.comparison.runs import read_run
from roadseg.jobs.recipe_run import is_done, run_recipe, sweep
from roadseg.labels.catalogue import label_space
from roadseg.training.build import named_datasets
from roadseg.training.callbacks import Callbacks
from roadseg.training.recipe import resolve
from roadseg.training.run_folder import RunFolder


@pytest.fixture
def values(tmp_path):
    source = write_streets(tmp_path / "source", 3)
    target = write_streets(tmp_path / "target", 2, night=True)
    return {
        **RECIPE,
        "source": str(source),
        "target": str(target / "images"),
        "evaluation": f"streets:{target}",
        "scored_classes": "synthia-13",
    }


@pytest.mark.slow
def test_a_recipe_is_done_once_goes_on_where_it_was_cut_and_refuses_another(values, tmp_path):
    recipe, run = resolve(values, origin="test"), tmp_path / "run"

    def cut(report):
        if report.step == 3:
            signal.raise_signal(signal.SIGINT)

    said = []
    with pytest.raises(KeyboardInterrupt):
        run_recipe(recipe, run, callbacks=Callbacks(on_start=said.append, on_report=cut))
    forecast = (
        r"about \d+ s of training left: 3 steps of [\d.e-]+ s on CPU.*; [\d.]+ GB of memory, \d+ MB of files at the end"
    )
    assert re.fullmatch(forecast, said[-1])
    steps = []
    assert run_recipe(recipe, run, callbacks=Callbacks(on_step=steps.append))
    assert steps == [4, 5]  # the last step has a report
    assert [record["step"] for record in RunFolder(run).read_log()] == [3, 4, 6]
    assert tuple(read_run(run).iou) == label_space("synthia-13").classes
    written = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
    assert not run_recipe(recipe, run, callbacks=Callbacks(on_report=cut))
    assert {path.name: path.stat().st_mtime_ns for path in run.iterdir()} == written
    with pytest.raises(RecipeError, match=r"steps 6 -> 9, seed 0 -> 1"):
        run_recipe(resolve({**values, "steps": 9, "seed": 1}, origin="test"), run)


@pytest.mark.parametrize("metrics", ["", "[]", "{}", '{"steps": "6"}', '{"steps": null}', '{"steps": 5}'])
def test_a_run_without_its_number_of_steps_is_not_done(values, tmp_path, metrics):
    run = RunFolder(tmp_path)
    run.model.touch()
    run.metrics.write_text(metrics)
    assert not is_done(run, resolve(values, origin="test"))


def test_data_sets_are_looked_at_before_training(values, tmp_path):
    picture = tmp_path / "source" / "images" / "000001.png"
    picture.write_bytes(picture.read_bytes()[:100])
    problems = []
    with pytest.raises(DatasetError):
        run_recipe(resolve(values, origin="test"), tmp_path / "run", on_problem=problems.append)
    assert any("000001.png" in problem for problem in problems)
    with pytest.raises(DatasetError, match="nowhere"):
        run_recipe(resolve({**values, "evaluation": "streets:nowhere"}, origin="test"), tmp_path / "other")
    with pytest.raises(DatasetError, match="elsewhere"):
        run_recipe(resolve({**values, "target": [values["target"], "elsewhere"]}, origin="test"), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_data_sets_on_disk_that_a_recipe_names():
    plain = resolve({"target": "data/frames"}, origin="test")
    assert list(named_datasets(plain)) == [(DATASETS["frames"], Path("data/frames"), "")]
    full = resolve(
        {"source": "gta5:data/GTA5", "target": ["cityscapes:data/cs", "frames"], "evaluation": "cityscapes:data/cs"},
        origin="test",
    )
    assert [(kind.name, split) for kind, _, split in named_datasets(full)] == [
        ("gta5", "train"),
        ("cityscapes", "train"),
        ("frames", ""),
        ("cityscapes", "val"),
    ]
    without = resolve({"target": "data/frames", "method": "source-only"}, origin="test")
    assert list(named_datasets(without)) == []


def test_a_sweep_is_one_recipe_a_value():
    values = {"target": "frames", "method": "multi-level"}
    weights = sweep(values, "adversarial.weight=0.0005, 0.001", origin="test")
    assert {name: recipe.adversarial.weight for name, recipe in weights.items()} == {
        "adversarial.weight=0.0005": 0.0005,
        "adversarial.weight=0.001": 0.001,
    }
    assert list(sweep(values, "method=single-level,multi-level", origin="test")) == [
        "method=single-level",
        "method=multi-level",
    ]
    assert list(sweep(values, "crop=[64,48],[96,64]", origin="test")) == ["crop=64x48", "crop=96x64"]
    assert list(sweep(values, "init=runs/a,runs/b", origin="test")) == ["init=runs-a", "init=runs-b"]


@pytest.mark.parametrize("text", ["adversarial.weight", "=1,2", "steps=", "steps=-1,5", "stpes=1,2", "steps=5,5"])
def test_a_wrong_sweep_is_refused_before_anything_starts(text):
    with pytest.raises(RecipeError):
        sweep({"target": "frames"}, text, origin="test")
