"""Scripts that make the images of the pages still find what they import."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("script", sorted(DOCS.glob("*.py")), ids=lambda script: script.name)
def test_a_script_can_be_imported(script, monkeypatch):
    monkeypatch.syspath_prepend(DOCS)  # as for a program, whose folder comes first
    spec = importlib.util.spec_from_file_location(script.stem, script)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
