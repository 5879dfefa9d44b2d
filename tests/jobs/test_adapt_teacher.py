"""Runs that learn from a teacher: an imported network, an interrupted labelling, packaged weights, other classes."""

import json

import cv2
import numpy as np
import pytest
import torch
from helpers.foreign_networks import CLASSES, nearest, nearest_colour, quicken_trials
from helpers.states import same
from helpers.tiny import ONE_VIEW, SIZE, toy_recipe

from roadseg.jobs.adapt import adapt, recipe_keys
from roadseg.jobs.import_network import import_network
from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.models.weights import load_model
from roadseg.training.callbacks import Callbacks
from roadseg.training.recipe import resolve


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """Function that imports a network of four classes of Cityscapes."""

    def foreign(**form):
        quicken_trials(monkeypatch)
        classes = tmp_path / "four.toml"
        classes.write_text(f"classes = {json.dumps(CLASSES)}")
        file = nearest_colour(tmp_path / "foreign.onnx", stride=1, **form)
        import_network(file, tmp_path / "large", labels=classes, normalization="imagenet", input_size=SIZE)
        return tmp_path / "large"

    return foreign


def taught(data, run, teacher, callbacks=None, **changes):
    """Make two steps with a teacher."""
    plan = toy_recipe(data, method="pseudo-labels", teacher=str(teacher), steps=2, **changes)
    return adapt(run, recipe=plan, callbacks=callbacks).run


def label_of(run, name):
    return cv2.imread(str(run / "pseudo-labels" / "0" / "labels" / f"{name}.png"), cv2.IMREAD_UNCHANGED)


def test_a_teacher_brings_its_own_recipe():
    with_teacher, without = (
        resolve(recipe_keys(None, {"target": "frames", **options})[0], origin="test")
        for options in ({"teacher": "indian"}, {})
    )
    assert (with_teacher.teacher, with_teacher.method, with_teacher.init) == ("indian", "pseudo-labels", "default")
    assert without.keep_start_if_worse and not with_teacher.keep_start_if_worse


@pytest.mark.parametrize(
    ("method", "steps"),
    [("multi-level", 500), ("advent+feature-distance", 500), ("minent", 200), ("self-training", 200)],
)
def test_an_adversarial_method_brings_its_own_recipe(method, steps):
    recipe = resolve(recipe_keys(None, {"target": "frames", "method": method})[0], origin="test")
    assert (recipe.method, recipe.init, recipe.steps) == (method, "default", steps)


@pytest.mark.extra("onnx", "onnxruntime")
@pytest.mark.parametrize("answer", ["scores", "labels"])
def test_an_imported_network_teaches_its_own_classes(answer, foreign, data, tmp_path):
    said = []
    changes = {"pseudo_labels": ONE_VIEW | {"keep_ratio": 1.0}}
    run = taught(data, tmp_path / "run", foreign(answer=answer), Callbacks(on_warning=said.append), **changes)
    assert any("does not know sidewalk, wall" in notice for notice in said)
    assert any("labels without confidence" in notice for notice in said) == (answer == "labels")
    pixels = cv2.imread(str(data / "target" / "images" / "000003.png"))[..., ::-1]
    expected = np.array([CITYSCAPES_19.classes.index(name) for name in CLASSES])[nearest(pixels)]
    assert (label_of(run, "000003") == expected).mean() > 0.99
    record = json.loads((run / "pseudo-labels" / "0" / "pseudo-labels.json").read_text())
    assert record["teacher"].startswith("foreign.onnx")
    assert record["thresholds"]["sidewalk"] == 0
    assert (record["thresholds"]["road"] == 230) == (answer == "labels")
    assert load_model(run)[1].steps == 2


@pytest.mark.extra("onnx", "onnxruntime")
@pytest.mark.slow
def test_an_interrupted_labelling_goes_on_where_it_was(foreign, data, tmp_path):
    def stop(done, total):
        if done >= 3:
            raise KeyboardInterrupt

    teacher, run = foreign(), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        taught(data, run, teacher, Callbacks(on_label=stop), pseudo_labels=ONE_VIEW)
    labels = run / "pseudo-labels" / "0" / "labels"
    made = {label: label.stat().st_mtime_ns for label in labels.iterdir()}
    assert 3 <= len(made) < 8
    seen = []
    adapt(run, resume=True, callbacks=Callbacks(on_label=lambda done, total: seen.append(done)))
    assert len(made) < min(seen) <= max(seen) == 8
    assert {label: label.stat().st_mtime_ns for label in made} == made
    whole = taught(data, tmp_path / "whole", teacher, pseudo_labels=ONE_VIEW)
    assert all((label_of(whole, label.stem) == label_of(run, label.stem)).all() for label in labels.iterdir())
    ends = (torch.load(one / "checkpoint.pt", weights_only=True) for one in (run, whole))
    assert same(*(end["networks"] for end in ends))


@pytest.mark.slow
def test_packaged_weights_teach_a_network_of_other_classes(data, tmp_path):
    options = ONE_VIEW | {"images": 2}
    said = []
    callbacks = Callbacks(on_warning=said.append)
    taught(data, tmp_path / "run", "indian", callbacks, labels="synthia-16", init="imagenet", pseudo_labels=options)
    (folder,) = (tmp_path / "run" / "pseudo-labels").iterdir()
    labels = [cv2.imread(str(label), cv2.IMREAD_UNCHANGED) for label in (folder / "labels").iterdir()]
    assert len(labels) == 2 and set(np.unique(labels)) <= {*range(16), 255}
    assert any(notice.startswith("indian also knows terrain, truck, train, which") for notice in said)
