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
from helpers.tiny import toy_recipe as recipe
from helpers.tiny import write_streets

from roadseg.errors import DatasetError, InputError, OutputError, RecipeError, TrainingError, WeightsError
from roadseg.jobs.adapt import adapt
from roadseg.models.domain_statistics import batch_norms
from roadseg.models.weights import load_model
from roadseg.training.build import build_batches, build_trainer
from roadseg.training.callbacks import Callbacks
from roadseg.training.loop import train
from roadseg.training.run_folder import RunFolder

METHODS = ("source-only", "feature", "multi-level", "minent", "lsd", "pseudo-labels", "advent+self-training")

MADE = {
    *("recipe.toml", "log.jsonl", "losses.json", "checkpoint.pt", "model.safetensors", "metrics.json"),
    *("samples", "training.html", "plotly.min.js"),
}


def weights(run):
    return torch.load(run / "checkpoint.pt", weights_only=True)


class StopAt:
    """Ctrl-C, as the terminal sends it, when a step is reported."""

    def __init__(self, step):
        self.step = step

    def __call__(self, report):
        if report.step == self.step:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("method", METHODS)
def test_three_steps_and_three_more_equal_six_bit_for_bit(data, tmp_path, method):
    whole = recipe(data, method=method, steps=6)
    adapt(tmp_path / "whole", recipe=whole)
    with pytest.raises(KeyboardInterrupt):
        interrupted(whole, tmp_path / "parts", step=3)
    assert weights(tmp_path / "parts")["step"] < 6
    adapt(tmp_path / "parts", resume=True)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "parts"))


def interrupted(plan, out, *, step):
    adapt(out, recipe=plan, callbacks=Callbacks(on_report=StopAt(step)))


def test_a_run_leaves_what_the_docs_promise(data, tmp_path):
    plan = recipe(data, evaluation=f"streets:{data / 'target'}", evaluate_every=3)
    outcome = adapt(tmp_path / "run", recipe=plan)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == MADE | {".lock"}
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["evaluation"]["miou"] == outcome.as_dict()["evaluation"]["miou"]
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in log] == [3, 3, 6]
    assert {"segmentation/main", "adversarial/main", "discriminator/auxiliary", "learning_rate"} <= log[0].keys()
    assert "miou/streets" in log[1]
    assert 0 < log[0]["waiting"] < 1


def test_pseudo_labels_are_those_of_the_network_that_a_run_starts_from(data, tmp_path):
    plan = recipe(data, method="pseudo-labels", steps=6, pseudo_labels={"keep_ratio": 0.5})
    interrupted_run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        interrupted(plan, interrupted_run, step=3)
    labels = sorted((interrupted_run / "pseudo-labels" / "0" / "labels").iterdir())
    assert len(labels) == 8
    before = [label.read_bytes() for label in labels]
    adapt(interrupted_run, resume=True)
    assert [label.read_bytes() for label in labels] == before


def test_batch_norm_is_adapted_to_the_target_once_and_the_source_keeps_its_own(data, tmp_path):
    changes = {"method": "pseudo-labels", "steps": 4, "adapt_bn": True, "bn_prior": 8}
    whole = adapt(tmp_path / "whole", recipe=recipe(data, **changes)).run
    plan = recipe(data, **changes, checkpoint_every=2)
    with pytest.raises(KeyboardInterrupt):
        interrupted(plan, tmp_path / "parts", step=2)
    adapt(tmp_path / "parts", resume=True)
    assert same(weights(whole)["networks"], weights(tmp_path / "parts")["networks"])
    trained, _ = load_model(whole)
    shipped, _ = load_model(Path("source-only"))
    for norm, before in zip(batch_norms(trained), batch_norms(shipped), strict=True):
        assert torch.equal(norm.source_var, before.running_var)
        assert not torch.equal(norm.running_var, before.running_var)


def test_training_with_labels_of_the_target_is_resumed_bit_for_bit_too(data, tmp_path):
    labelled = recipe(data, method="advent+self-training", target_labels=f"streets:{data / 'target'}")
    adapt(tmp_path / "whole", recipe=labelled)
    with pytest.raises(KeyboardInterrupt):
        interrupted(labelled, tmp_path / "parts", step=3)
    adapt(tmp_path / "parts", resume=True)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "parts"))
    log = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
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


def test_statistics_can_be_all_that_is_adapted(data, tmp_path):
    outcome = adapt(tmp_path / "run", recipe=recipe(data, method="source-only", steps=0, adapt_bn=True))
    trained, _ = load_model(outcome.run)
    shipped, _ = load_model(Path("source-only"))
    assert all(torch.equal(a, b) for a, b in zip(trained.parameters(), shipped.parameters(), strict=True))
    assert not torch.equal(batch_norms(trained)[0].running_mean, batch_norms(shipped)[0].running_mean)


@pytest.mark.slow
def test_it_learns_the_source_and_adaptation_changes_what_it_sees_in_the_target(data, tmp_path):
    plan = recipe(
        data, method="source-only", steps=60, learning_rate=2e-3, evaluation=f"streets:{data / 'source'}", batch_size=4
    )
    outcome = adapt(tmp_path / "run", recipe=plan)
    assert outcome.evaluation.miou > 60
    assert outcome.losses["segmentation/main"] < 0.7


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_checkpoint(data, tmp_path):
    plan = recipe(data, method="source-only", steps=9, checkpoint_every=3, evaluate_every=6)
    trainer = build_trainer(plan)
    run = RunFolder(tmp_path)

    def poison():
        with torch.no_grad():
            trainer.method.segmenter.classifier.bias.fill_(float("nan"))
        return {}

    with pytest.raises(TrainingError, match=r"segmentation/main.* no longer finite at step 9"):
        train(trainer, build_batches(plan, tmp_path, Callbacks()), plan, run, evaluate=poison)
    kept = run.load_checkpoint()
    assert kept["step"] == 6
    assert all(value.isfinite().all() for value in kept["networks"]["segmenter"].values())


def test_a_folder_with_a_run_is_not_overwritten_and_an_empty_one_is_not_resumed(data, tmp_path):
    plan = recipe(data, method="source-only", steps=1)
    adapt(tmp_path / "run", recipe=plan)
    with pytest.raises(OutputError, match="already holds a run"):
        adapt(tmp_path / "run", recipe=plan)
    with pytest.raises(InputError, match="no run to resume"):
        adapt(tmp_path / "nothing", resume=True)
    assert not (tmp_path / "nothing").exists()


def test_a_run_starts_from_another_run(data, tmp_path):
    adapt(tmp_path / "first", recipe=recipe(data, method="source-only", steps=2))
    plan = recipe(data, init=str(tmp_path / "first"), steps=1)
    first = weights(tmp_path / "first")["networks"]["average"]
    assert same(dict(build_trainer(plan).method.segmenter.state_dict()), first)


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
    assert "source_mean" in " ".join(own)
    assert any("new: classifier" in line for line in told)
    with pytest.raises(WeightsError, match=r"default: holds fast, the recipe wants vgg16"):
        build_trainer(recipe(data, model="vgg16"))


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
