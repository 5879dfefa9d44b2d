"""`scenes = "auto"` and `adapt_bn = "auto"`: the target's images choose."""

import json
from types import SimpleNamespace

import pytest
from helpers.tiny import toy_recipe

from roadseg.errors import InputError
from roadseg.inference import scene_choice
from roadseg.inference.label_free import Measures
from roadseg.jobs.adapt import adapt
from roadseg.models.domain_statistics import batch_norms
from roadseg.models.weights import load_model
from roadseg.streets.presets import PRESETS
from roadseg.training.callbacks import Callbacks

SHARES = (1.0, *[0.0] * 18)


@pytest.fixture
def steadiness(monkeypatch):
    """Agreements that the measurements return, one after the other: start, then each kind of streets."""
    agreements = []
    scripted = SimpleNamespace(of=lambda *_: Measures(agreements.pop(0), 0.1, SHARES, 0.0))
    monkeypatch.setattr(scene_choice, "Measures", scripted)
    return agreements


def chosen(data, tmp_path, **changes):
    told = []
    plan = toy_recipe(data, method="source-only", steps=0, adapt_bn="auto", **changes)
    return adapt(tmp_path / "run", recipe=plan, data=tmp_path, callbacks=Callbacks(on_start=told.append)), told


def test_the_steadiest_kind_of_streets_is_taken_and_recorded(data, tmp_path, steadiness):
    steadiness += [40.0, 42.0, 41.0, 43.0, 39.0, 30.0]
    outcome, told = chosen(data, tmp_path, source="streets", scenes="auto", source_count=1)
    record = json.loads((outcome.run / "scenes.json").read_text())
    assert record == {"start": 40, "adapted": {"": 42, **dict(zip(PRESETS, [41, 43, 39, 30], strict=True))}}
    assert "streets to train on: indian" in told
    assert any("batch norm adapted from streets of indian" in line for line in told)
    assert [folder.name.partition("-")[0] for folder in (tmp_path / "streets").iterdir()] == ["indian100"]


def test_batch_norm_stays_where_labels_become_less_steady(data, tmp_path, steadiness):
    steadiness += [40.0, 39.9]
    outcome, told = chosen(data, tmp_path)
    trained, start = (load_model(run)[0] for run in (outcome.run, "default"))
    assert any("batch norm left as it is" in line for line in told)
    same = zip(batch_norms(trained), batch_norms(start), strict=True)
    assert all((a.running_mean == b.running_mean).all() for a, b in same)


def test_nothing_is_chosen_without_a_target(data, tmp_path):
    outcome, _ = chosen(data, tmp_path, target="")
    assert not (outcome.run / "scenes.json").exists()
    assert outcome.verdict is None


@pytest.mark.parametrize("record", ["", "[]", '{"start": 1, "adapted": {}}', '{"start": "x", "adapted": {"": 1}}'])
def test_a_damaged_record_is_an_error_of_two_lines(data, tmp_path, record):
    plan = toy_recipe(data, method="source-only", steps=0, adapt_bn="auto")
    (tmp_path / "scenes.json").write_text(record)
    (tmp_path / "recipe.toml").write_text(plan.as_toml())
    with pytest.raises(InputError, match=r"scenes\.json: (cannot be read|is not the record)"):
        adapt(tmp_path, resume=True, data=tmp_path)
