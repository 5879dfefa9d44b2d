"""A method is one file and one line in METHODS: the example of docs/methods.md is added here, and trained."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest
from helpers.tiny import toy_recipe, write_streets

from roadseg.adaptation.methods import METHODS
from roadseg.errors import RecipeError
from roadseg.jobs.adapt import adapt

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods.md"
EXAMPLE = re.compile(r"```python title=\"roadseg/(adaptation/\w+)\.py\"\n(.*?)```", re.S)
LINE = re.compile(r'^ *"([\w-]+)": "(roadseg\.adaptation\.flip\w+:\w+)",$', re.M)


@pytest.fixture
def flip_consistency(tmp_path, monkeypatch):
    """The name of the page's method, which is added as the page says."""
    page = PAGE.read_text(encoding="utf-8")
    ((place, code),) = EXAMPLE.findall(page)
    ((name, target),) = LINE.findall(page)
    module = f"roadseg.{place.replace('/', '.')}"
    assert target.partition(":")[0] == module
    path = tmp_path / f"{module}.py"
    path.write_text(code)
    spec = importlib.util.spec_from_file_location(module, path)
    loaded = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, module, loaded)
    spec.loader.exec_module(loaded)
    monkeypatch.setitem(METHODS, name, target)
    return name


@pytest.mark.slow
def test_the_example_of_the_page_trains_by_itself_and_with_self_training(flip_consistency, tmp_path):
    write_streets(tmp_path / "source", 3)
    write_streets(tmp_path / "target", 3, night=True)

    def losses(method, **options):
        recipe = toy_recipe(tmp_path, method=method, steps=2, **options)
        outcome = adapt(tmp_path / f"{method}-{len(options)}", recipe=recipe)
        lines = (outcome.run / "log.jsonl").read_text().splitlines()
        return {name for name in json.loads(lines[0]) if "/" in name}, (outcome.run / "recipe.toml").read_text()

    alone, recipe = losses(flip_consistency, flip_consistency={"weight": 0.5})
    assert alone == {"segmentation/main", "segmentation/auxiliary", "consistency/main"}
    assert "[flip_consistency]\nweight = 0.5" in recipe
    both, _ = losses(f"{flip_consistency}+self-training")
    assert both == alone | {"student/main"}
    with pytest.raises(RecipeError, match=r"flip_consistency\.weight = -1"):
        toy_recipe(tmp_path, method=flip_consistency, flip_consistency={"weight": -1})
