"""The engine on toy streets: exact resuming, clean stops, and that it learns."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers.states import same
from helpers.tiny import ONE_VIEW, write_streets, write_tiny_run
from helpers.tiny import toy_recipe as recipe

from roadseg.errors import DatasetError, InputError, OutputError, RecipeError, TrainingError, WeightsError
from roadseg.jobs.adapt import adapt
from roadseg.labels.catalogue import CITYSCAPES_19, SYNTHIA_13
from roadseg.models.domain_statistics import batch_norms
from roadseg.models.weights import load_model
from roadseg.training.build import build_batches, build_trainer
from roadseg.training.callbacks import Callbacks
from roadseg.training.loop import train
from roadseg.training.run_folder import RunFolder

MADE = {
    *("recipe.toml", "log.jsonl", "losses.json", "checkpoint.pt", "model.safetensors", "metrics.json"),
    *("samples", "training.html", "plotly.min.js"),
}


def weights(run):
    return torch.load(run / "checkpoint.pt", weights_only=False)  # the other way takes half a second


class StopAt:
    """Ctrl-C, as the terminal sends it, when a step is reported."""

    def __init__(self, step):
        self.step = step

    def __call__(self, report):
        if report.step == self.step:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(scope="module")
def plan(data):
    return recipe(data, steps=4, checkpoint_every=2, evaluation=f"streets:{data / 'target'}", evaluate_every=2)


@pytest.fixture(scope="module")
def outcome(plan, tmp_path_factory):
    """A finished run that each test leaves as it is."""
    return adapt(tmp_path_factory.mktemp("finished") / "run", recipe=plan)


def interrupted(plan, out, *, step):
    """Begin a run that is asked to stop when `step` is reported, and stops after the next one."""
    with pytest.raises(KeyboardInterrupt):
        adapt(out, recipe=plan, callbacks=Callbacks(on_report=StopAt(step)))
    assert weights(out)["step"] == step + 1 < plan.steps
    return out


@pytest.mark.slow
def test_three_steps_and_one_more_equal_four_bit_for_bit(plan, outcome, tmp_path):
    parts = interrupted(plan, tmp_path / "parts", step=2)
    adapt(parts, resume=True)
    assert same(weights(outcome.run), weights(parts))


def test_a_run_leaves_what_the_docs_promise(outcome):
    assert {path.name for path in outcome.run.iterdir()} == MADE | {".lock"}
    metrics = json.loads((outcome.run / "metrics.json").read_text())
    assert metrics["evaluation"]["miou"] == outcome.as_dict()["evaluation"]["miou"]
    log = [json.loads(line) for line in (outcome.run / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in log] == [2, 2, 4]
    assert {"segmentation/main", "adversarial/main", "discriminator/auxiliary", "learning_rate"} <= log[0].keys()
    assert "miou/streets" in log[1]
    assert 0 < log[0]["waiting"] < 1


@pytest.mark.slow
def test_networks_and_pseudo_labels_of_the_start_are_made_once(data, tmp_path):
    changes = {"adapt_bn": True, "bn_prior": 8, "pseudo_labels": ONE_VIEW | {"keep_ratio": 0.5}}
    plan = recipe(data, method="pseudo-labels", steps=3, checkpoint_every=1, **changes)
    whole = adapt(tmp_path / "whole", recipe=plan).run
    parts = interrupted(plan, tmp_path / "parts", step=1)
    labels = sorted((parts / "pseudo-labels" / "0" / "labels").iterdir())
    assert len(labels) == 8
    before = [label.read_bytes() for label in labels]
    labels[0].unlink()
    adapt(parts, resume=True)
    assert [label.read_bytes() for label in labels] == before
    assert same(weights(whole), weights(parts))
    trained, _ = load_model(whole)
    shipped, _ = load_model(Path("default"))
    for norm, start in zip(batch_norms(trained), batch_norms(shipped), strict=True):
        assert torch.equal(norm.source_var, start.running_var)
        assert not torch.equal(norm.running_var, start.running_var)


@pytest.mark.slow
def test_training_with_teacher_and_labels_of_the_target_is_resumed_bit_for_bit_too(data, tmp_path):
    labelled = f"streets:{data / 'target'}"
    plan = recipe(data, method="advent+self-training", steps=3, checkpoint_every=1, target_labels=labelled)
    whole = adapt(tmp_path / "whole", recipe=plan).run
    parts = interrupted(plan, tmp_path / "parts", step=1)
    adapt(parts, resume=True)
    assert same(weights(whole), weights(parts))
    log = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert all(record["target-labels/main"] > 0 for record in log)


def test_labels_of_the_target_are_read_before_anything_starts(data, tmp_path):
    root = write_streets(tmp_path / "labelled", 2)
    labels = root / "labels" / "000001.png"
    cv2.imwrite(str(labels), np.zeros((10, 10), np.uint8))
    with pytest.raises(DatasetError, match=r"000001.png has 96x64 pixels, its label map .* 10x10"):
        adapt(tmp_path / "run", recipe=recipe(data, target_labels=f"streets:{root}"))
    for label in labels.parent.iterdir():
        cv2.imwrite(str(label), np.full((64, 96), 255, np.uint8))
    with pytest.raises(DatasetError, match="no pixel of its label maps is of a class of cityscapes-19"):
        adapt(tmp_path / "run", recipe=recipe(data, target_labels=f"streets:{root}"))
    assert not (tmp_path / "run" / "recipe.toml").exists()


@pytest.mark.slow
def test_statistics_can_be_all_that_is_adapted(data, tmp_path):
    outcome = adapt(tmp_path / "run", recipe=recipe(data, method="pseudo-labels", steps=0, adapt_bn=True))
    assert not (outcome.run / "pseudo-labels").exists()  # nothing learns from them
    trained, _ = load_model(outcome.run)
    shipped, _ = load_model(Path("default"))
    assert all(torch.equal(a, b) for a, b in zip(trained.parameters(), shipped.parameters(), strict=True))
    assert not torch.equal(batch_norms(trained)[0].running_mean, batch_norms(shipped)[0].running_mean)


@pytest.mark.slow
def test_it_learns_the_source(data, tmp_path):
    changes = {"steps": 15, "checkpoint_every": 15, "learning_rate": 2e-3, "evaluation": f"streets:{data / 'source'}"}
    outcome = adapt(tmp_path / "run", recipe=recipe(data, method="source-only", **changes))
    assert outcome.evaluation.miou > 60  # 11 before the first step
    assert outcome.losses["segmentation/main"] < 0.7


@pytest.mark.slow
def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_checkpoint(data, tmp_path):
    plan = recipe(data, method="source-only", steps=3, checkpoint_every=1, evaluate_every=2)
    trainer = build_trainer(plan)
    run = RunFolder(tmp_path)

    def poison():
        with torch.no_grad():
            trainer.method.segmenter.classifier.bias.fill_(float("nan"))
        return {}

    with pytest.raises(TrainingError, match=r"segmentation/main.* no longer finite at step 3"):
        train(trainer, build_batches(plan, tmp_path, Callbacks()), plan, run, evaluate=poison)
    kept = run.load_checkpoint()
    assert kept["step"] == 2
    assert all(value.isfinite().all() for value in kept["networks"]["segmenter"].values())


def test_a_folder_with_a_run_is_not_overwritten_and_an_empty_one_is_not_resumed(plan, outcome, tmp_path):
    with pytest.raises(OutputError, match="already holds a run"):
        adapt(outcome.run, recipe=plan)
    with pytest.raises(InputError, match="no run to resume"):
        adapt(tmp_path / "nothing", resume=True)
    assert not (tmp_path / "nothing").exists()


def test_a_run_starts_from_another_run(data, outcome):
    plan = recipe(data, init=str(outcome.run))
    assert same(dict(build_trainer(plan).method.segmenter.state_dict()), weights(outcome.run)["networks"]["average"])


def test_a_start_with_one_head_gets_a_second_one(data, tmp_path):
    """As `roadseg import` makes it of a published file with the main head alone."""
    told, one = [], write_tiny_run(tmp_path / "one")
    trainer = build_trainer(recipe(data, init=str(one)), callbacks=Callbacks(on_start=told.append))
    own, given = trainer.method.segmenter.state_dict(), load_model(one)[0].state_dict()
    assert trainer.method.segmenter.levels == 2
    assert all(torch.equal(own[name], value) for name, value in given.items())
    assert any("new: auxiliary" in line for line in told)


def test_a_start_in_another_label_space_keeps_all_but_the_classifiers(data):
    told = []
    plan = recipe(data, labels="camvid-11")
    network = build_trainer(plan, callbacks=Callbacks(on_start=told.append)).method.segmenter
    shipped, _ = load_model(Path("default"))
    own, state = network.state_dict(), shipped.state_dict()
    assert own["classifier.weight"].shape[0] == 11
    kept = [name for name in own if not name.startswith(("classifier", "auxiliary"))]
    assert len(kept) > 100
    assert all(torch.equal(own[name], state[name]) for name in kept)
    assert any("new: classifier" in line for line in told)
    with pytest.raises(WeightsError, match=r"default: holds fast, the recipe wants vgg16"):
        build_trainer(recipe(data, model="vgg16"))


def test_a_start_with_more_classes_knows_those_it_had(data):
    network = build_trainer(recipe(data, labels="indian-20")).method.segmenter
    shipped, _ = load_model(Path("default"))
    car = CITYSCAPES_19.classes.index("car")
    for name in ("classifier.weight", "classifier.bias"):
        own, given = network.state_dict()[name], shipped.state_dict()[name]
        assert len(own) == 20
        assert torch.equal(own[:19], given)
        assert torch.equal(own[19], given[car])


def test_classes_that_a_start_loses_are_told(data):
    told = []
    build_trainer(recipe(data, init="indian"), callbacks=Callbacks(on_warning=told.append))
    assert told == ["indian also knows autorickshaw, which cityscapes-19 lacks; labels=indian-20 keeps them"]
    build_trainer(recipe(data, init="indian", labels="indian-20"), callbacks=Callbacks(on_warning=told.append))
    assert len(told) == 1


def test_a_start_with_fewer_classes_takes_their_rows(data):
    network = build_trainer(recipe(data, labels="synthia-13")).method.segmenter
    shipped, _ = load_model(Path("default"))
    rows = [CITYSCAPES_19.classes.index(name) for name in SYNTHIA_13.classes]
    assert rows != list(range(13))
    assert torch.equal(network.state_dict()["classifier.weight"], shipped.state_dict()["classifier.weight"][rows])


def test_a_checkpoint_of_another_kind_of_run_is_refused(data, tmp_path):
    source_only = build_trainer(recipe(data, method="source-only"))
    adversarial = build_trainer(recipe(data))
    with pytest.raises(WeightsError, match="another kind of run"):
        adversarial.restore(source_only.state())


def test_several_processes_cannot_share_batch_statistics(data, tmp_path):
    plan = recipe(data, method="source-only")
    trainer = build_trainer(plan)
    trainer.method.runtime = replace(trainer.method.runtime, processes=2)
    trainer.method.segmenter.norm = torch.nn.BatchNorm2d(3)
    with pytest.raises(RecipeError, match="normalise each process's share of a batch by itself"):
        train(trainer, build_batches(plan, tmp_path, Callbacks()), plan, RunFolder(tmp_path))
