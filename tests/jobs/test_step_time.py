"""Steps that fit into some minutes."""

from types import SimpleNamespace

import pytest
from helpers.tiny import RECIPE

from roadseg.errors import InputError, RecipeError
from roadseg.jobs import step_time
from roadseg.jobs.step_time import LEAST_STEPS, steps_within

QUICK = {**RECIPE, "method": "minent"}


def test_the_time_of_a_step_decides(monkeypatch):
    seconds = iter(range(10))  # a clock that goes on by a second a look: two steps are timed between two looks
    monkeypatch.setattr(step_time, "time", SimpleNamespace(perf_counter=lambda: next(seconds)))
    assert steps_within(60, **QUICK) == 7200
    assert steps_within(0.001, **QUICK) == LEAST_STEPS


@pytest.mark.parametrize("minutes", [0, -1, float("inf"), float("nan")])
def test_no_time_holds_no_steps(minutes):
    with pytest.raises(InputError, match="minutes: "):
        steps_within(minutes, **QUICK)


def test_a_wrong_recipe_is_told_before_anything_is_timed():
    with pytest.raises(RecipeError, match="no such recipe"):
        steps_within(1, recipe="none")
