"""Every recipe that ships is valid, says how to launch it, and trains on a tiny stand-in for its data."""

from pathlib import Path

import pytest
from tiny import RECIPE, write_streets

from roadseg.adapt import adapt
from roadseg.recipe import read_recipe, resolve

PIPELINES = sorted((Path(__file__).parents[1] / "pipelines").rglob("*.toml"))


def test_there_are_recipes():
    assert PIPELINES


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_a_recipe_is_valid_and_explains_itself(path):
    recipe = resolve(read_recipe(path), origin=str(path))
    header = path.read_text().split("\n\n")[0]
    assert all(line.startswith("#") for line in header.splitlines())
    for part in ("Data:", f"roadseg adapt --recipe pipelines/{path.name}", "Hardware:"):
        assert part in header
    assert recipe.method in header.lower().replace(" ", "-")


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_a_recipe_trains(path, tmp_path):
    streets = write_streets(tmp_path / "streets", 4)
    stand_ins = {"source": str(streets), "target": str(streets / "images"), "init": "", "steps": 2, "map_stride": 1}
    values = {**read_recipe(path), **RECIPE, **stand_ins, "schedule_steps": 0}
    assert adapt(resolve(values, origin=str(path)), tmp_path / "run").steps == 2
