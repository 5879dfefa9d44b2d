"""The weights that a run keeps: the trained ones, or those of the start where labels became less steady."""

import json

import pytest
from helpers.states import same
from helpers.tiny import toy_recipe

from roadseg.jobs.adapt import adapt
from roadseg.models.weights import load_model


def trained(data, run, verdict="worse", learning_rate=0.02, **changes):
    """A training whose steps are so long that most classes disappear, by default."""
    plan = toy_recipe(data, steps=3, learning_rate=learning_rate, **changes)
    outcome = adapt(run, recipe=plan)
    assert outcome.verdict.outcome == verdict
    assert json.loads((run / "metrics.json").read_text())["kept_start"] is outcome.kept_start
    network, card = load_model(run)
    assert card.steps == (0 if outcome.kept_start else 3)
    return outcome, network.state_dict()


def test_a_spoilt_training_keeps_the_start_if_the_recipe_says_so(data, tmp_path):
    outcome, kept = trained(data, tmp_path / "run", keep_start_if_worse=True)
    assert outcome.kept_start
    assert same(kept, load_model("default")[0].state_dict())
    network, card = load_model(tmp_path / "run" / "trained.safetensors")
    assert card.steps == 3
    assert not same(network.state_dict(), kept)


def test_otherwise_the_trained_weights_are_kept(data, tmp_path):
    outcome, kept = trained(data, tmp_path / "run")
    assert not outcome.kept_start
    assert not (tmp_path / "run" / "trained.safetensors").exists()
    assert not same(kept, load_model("default")[0].state_dict())


@pytest.mark.parametrize(("changes", "kept_start"), [({"keep_start_if_unclear": True}, True), ({}, False)])
def test_an_unclear_training_keeps_the_start_if_the_recipe_says_so(data, tmp_path, changes, kept_start):
    changes = {"keep_start_if_worse": True, **changes}
    outcome, _ = trained(data, tmp_path / "run", "unclear", learning_rate=1e-9, **changes)
    assert outcome.kept_start is kept_start
