"""The record of a run: it does not change the training, survives interruptions, and never stops the training."""

import json
import math
import os
import re
import signal
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from helpers.states import same
from helpers.tiny import toy_recipe as recipe
from helpers.training_runs import write_training

from roadseg.adaptation import loss_verdicts
from roadseg.adaptation.adversarial import Adversarial
from roadseg.errors import InputError, TrainingError
from roadseg.jobs import adapt as job
from roadseg.jobs import run_record
from roadseg.jobs.adapt import adapt
from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.models.build import build_model
from roadseg.runtime import start
from roadseg.training import events, loop
from roadseg.training.build import build_batches, build_trainer
from roadseg.training.callbacks import Callbacks
from roadseg.training.loop import train
from roadseg.training.run_folder import RunFolder
from roadseg.training.samples import KeptSamples, Samples, steps_between_samples


def stop_at(step):
    def on_report(report):
        if report.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    return Callbacks(on_report=on_report)


@pytest.fixture(scope="module", autouse=True)
def few_steps():
    """Looks after every fourth step, and reports if there are none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "steps_between_samples", lambda steps: 4)
        patch.setattr(loop, "REPORT_STEPS", 4)
        yield


def page_data(run):
    text = (run / "training.html").read_text()
    return text, json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.S)[1])


@pytest.mark.slow
def test_training_is_the_same_to_the_bit_without_being_looked_at(data, tmp_path):
    # Without an average of the weights, looks are at the network that is being trained.
    plan = recipe(data, ema_decay=0, steps=5, checkpoint_every=5)
    shown = adapt(tmp_path / "shown", recipe=plan)
    assert list(KeptSamples.of(tmp_path / "shown" / "samples").labelled) == [0, 4, 5]
    trainer = build_trainer(plan)
    unseen = RunFolder(tmp_path / "unseen")
    unseen.path.mkdir()
    train(trainer, build_batches(plan, tmp_path, Callbacks()), plan, unseen)
    assert shown.steps == 5
    assert same(RunFolder(shown.run).load_checkpoint(), unseen.load_checkpoint())


@pytest.mark.parametrize("training", [True, False])
def test_a_look_leaves_modes_statistics_and_random_numbers_alone(tmp_path, training):
    network = build_model("fast", 19, levels=2, pretrained=False).train(training)
    network.classifier.requires_grad_(False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    assert len(set(modes)) == (2 if training else 1)  # batch norm of the trunk is frozen
    pictures = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), np.uint8)
    samples = Samples(network, CITYSCAPES_19, pictures, start("cpu"), tmp_path, domain="target")
    numbers, legacy = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = samples.take(0)
    assert torch.equal(torch.get_rng_state(), numbers) and np.array_equal(np.random.get_state()[1], legacy)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(np.array_equal(a, b) for a, b in zip(first, samples.take(7), strict=True))
    assert first[0].shape == (240, 320, 3) and not np.array_equal(first[0], first[1])
    kept = KeptSamples.of(tmp_path)
    assert (kept.domain, [path.name for path in kept.images]) == ("target", ["target-0.jpg", "target-1.jpg"])
    assert list(kept.labelled) == [0, 7]
    kept.labelled[7][1].unlink()
    assert list(KeptSamples.of(tmp_path).labelled) == [0]


@pytest.mark.parametrize(("steps", "between"), [(0, 10), (6, 10), (100, 10), (500, 50), (501, 51), (250_000, 25_000)])
def test_looks_are_few_however_long_a_run_is(steps, between):
    assert steps_between_samples(steps) == between


@dataclass(frozen=True)
class Interrupted:
    run: RunFolder
    stopped: int
    """Step at which it was stopped."""
    page: tuple[str, dict]
    """Page that it had then."""


@pytest.fixture(scope="module")
def scored(data):
    """A recipe; it writes events where TensorBoard is installed."""
    changes = {"evaluation": f"streets:{data / 'target'}", "evaluate_every": 2}
    return recipe(data, steps=6, checkpoint_every=6, tensorboard=find_spec("tensorboard") is not None, **changes)


@pytest.fixture(scope="module")
def interrupted(scored, tmp_path_factory):
    """A run that was stopped, then looks as if it had been killed after later steps, and has gone on to its end."""
    run = RunFolder(tmp_path_factory.mktemp("interrupted") / "run")
    with pytest.raises(KeyboardInterrupt):
        adapt(run.path, recipe=scored, callbacks=stop_at(4))
    stopped, page = run.load_checkpoint()["step"], page_data(run.path)
    run.append_log({**run.read_log()[-1], "step": 6})
    for number in range(3):
        (run.samples / f"000006-{number}.jpg").write_bytes(b"of a step that is made again")
    if scored.tensorboard:
        late = events.Events(run.events, step=stopped)
        late.scalars({"step": stopped + 1, "segmentation/main": 99.0})
        late.close()
    adapt(run.path, resume=True)
    return Interrupted(run, stopped, page)


@pytest.mark.slow
def test_an_interrupted_run_has_its_page_and_goes_on_in_one_curve(scored, interrupted, tmp_path):
    whole = tmp_path / "whole"
    adapt(whole, recipe=scored)
    text, then = interrupted.page
    assert interrupted.stopped == 5 and "step 5 of 6" in text and then["step"] == 5
    assert [record["step"] for record in RunFolder(whole).read_log()] == [2, 4, 4, 6]
    text, at_end = page_data(interrupted.run.path)
    _, expected = page_data(whole)
    assert "6 steps, finished" in text
    assert [look["step"] for look in at_end["looks"]] == [0, 4, 6] and at_end["looks"] == expected["looks"]
    for chart, other in zip(at_end["charts"], expected["charts"], strict=True):
        for line in chart["lines"]:
            assert line["steps"] == sorted(set(line["steps"])), chart["title"]
        if chart["title"] == "mean IoU, percent":
            assert chart == other and chart["lines"][0]["steps"] == [2, 4, 6]


@pytest.mark.slow
def test_a_page_that_cannot_be_written_is_a_warning_told_once(data, tmp_path, monkeypatch):
    def broken(run):
        raise ValueError("a template is broken")

    monkeypatch.setattr(run_record, "write_training_page", broken)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "samples").write_text("in the way")
    told = []
    outcome = adapt(tmp_path / "run", recipe=recipe(data, steps=2), callbacks=Callbacks(on_warning=told.append))
    assert outcome.steps == 2
    assert [message.partition(":")[0] for message in told] == ["no sample images", "no page of the training"]
    assert "samples" in told[0] and "a template is broken" in told[1]


@pytest.mark.slow
def test_a_run_that_diverges_has_the_page_of_its_last_report(data, tmp_path, monkeypatch):
    plan = recipe(data, method="source-only", steps=6, checkpoint_every=6)
    trainers = []
    monkeypatch.setattr(job, "build_trainer", lambda *given: trainers.append(build_trainer(*given)) or trainers[0])
    monkeypatch.setattr(job, "steps_between_samples", lambda steps: 0)

    def poison(report):
        with torch.no_grad():
            trainers[0].method.segmenter.classifier.bias.fill_(float("nan"))

    with pytest.raises(TrainingError):
        adapt(tmp_path / "run", recipe=plan, callbacks=Callbacks(on_report=poison))
    assert "step 4 of 6" in (tmp_path / "run" / "training.html").read_text()


def test_a_run_that_does_not_look_at_a_target_shows_its_source(data, tmp_path):
    adapt(tmp_path / "run", recipe=recipe(data, method="source-only", steps=0))
    kept = KeptSamples.of(tmp_path / "run" / "samples")
    assert kept.domain == "source" and len(kept.images) == 3 and list(kept.labelled) == [0]


@pytest.mark.slow
def test_a_discriminator_that_is_shown_zeros_is_told_of(data, tmp_path, monkeypatch):
    maps = Adversarial._maps
    monkeypatch.setattr(Adversarial, "_maps", lambda *given: {name: 0 * one for name, one in maps(*given).items()})
    monkeypatch.setattr(loss_verdicts, "FIRST_JUDGED", 8)
    monkeypatch.setattr(loss_verdicts, "WINDOW", 4)
    plan = recipe(data, method="single-level", steps=8, checkpoint_every=8, crop=(32, 32), scale=(0.5, 0.5))
    reports = []
    outcome = adapt(tmp_path / "run", recipe=plan, callbacks=Callbacks(on_report=reports.append))
    judged = outcome.as_dict()["health"]["discriminator/main"]
    assert (judged["verdict"], judged["loss"]) == ("guessing", pytest.approx(math.log(2), abs=0.01))
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["health"]["discriminator/main"] == judged
    assert "<em>guessing</em>" in (tmp_path / "run" / "training.html").read_text()
    told = [report.health["discriminator/main"].verdict for report in reports]
    assert told == ["too early to tell", "guessing"]


def test_events_want_their_extra(data, tmp_path, monkeypatch):
    monkeypatch.setattr(events, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="tensorboard") as raised:
        adapt(tmp_path / "run", recipe=recipe(data, tensorboard=True))
    assert raised.value.remedy == "pip install 'roadseg[tensorboard]'"
    assert not (tmp_path / "run" / "recipe.toml").exists()


@pytest.mark.slow
@pytest.mark.extra("tensorboard")
def test_events_are_those_of_an_uninterrupted_run(interrupted):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = interrupted.run
    adapt(run.path, resume=True)  # which finds nothing left to do
    read = EventAccumulator(str(run.events))
    read.Reload()
    tags = read.Tags()
    reports = [record for record in run.read_log() if "learning_rate" in record]
    for name in ("segmentation/main", "discriminator/auxiliary", "learning_rate", "waiting"):
        found = [(event.step, event.value) for event in read.Scalars(name)]
        assert found == [(record["step"], pytest.approx(record[name], rel=1e-6)) for record in reports]
    assert [event.step for event in read.Scalars("miou/streets")] == [2, 4, 6]
    assert sorted(tags["images"]) == ["samples/0", "samples/1", "samples/2"]
    assert [event.step for event in read.Images("samples/0")] == [0, 4, 6]


def test_what_comes_after_a_checkpoint_is_dropped_when_a_run_goes_on_from_it(tmp_path):
    run = write_training(tmp_path / "run", made=300)
    run.rewind(100)
    assert max(record["step"] for record in run.read_log()) == 100
    kept = KeptSamples.of(run.samples)
    assert list(kept.labelled) == [0, 40] and len(kept.images) == 2
