"""The check of CUDA devices runs from end to end in small on the CPU."""

import json
import sys

import pytest

from benchmarks import gpu_check


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_section_runs_in_small(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["gpu_check.py", str(tmp_path), "--smoke"])
    gpu_check.main()
    results = json.loads((tmp_path / "gpu_check.json").read_text())
    assert list(results) == [section.__name__ for section in gpu_check.SECTIONS]
    assert results["groups"]["same"]
    assert results["agreement"]["fast float32"]["labels_percent"] == 100
