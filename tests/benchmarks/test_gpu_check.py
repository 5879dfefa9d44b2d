"""The check of CUDA devices runs from end to end in small on the CPU."""

import json
import sys

import pytest
from gpu.compiling import _in_own_process
from gpu.setting import Setting
from helpers.shallow import make_resnet_shallow

from benchmarks import gpu_check


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_section_runs_in_small(tmp_path, monkeypatch):
    make_resnet_shallow(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["gpu_check.py", str(tmp_path), "--smoke"])
    # 1080p is 720p with another number; without a device all tests marked `gpu` are skipped, and ways to normalise are
    # compared in tests/models/test_frozen_norm.py.
    left_out = {gpu_check.overlay_1080p, gpu_check.gpu_tests, gpu_check.compiled_steps}
    kept = {section: time for section, time in gpu_check.SECTIONS.items() if section not in left_out}
    monkeypatch.setattr(gpu_check, "SECTIONS", kept)
    gpu_check.main()
    results = json.loads((tmp_path / "gpu_check.json").read_text())
    assert list(results) == [section.__name__ for section in kept]
    assert results["groups"]["same"]
    assert results["agreement"]["fast float32"]["labels_percent"] == 100


@pytest.mark.parametrize(
    ("seconds", "name", "reason"),
    [(0.1, "as it is", "longer than 0 s"), (120, "no such way", "KeyError: 'no such way'")],
)
def test_a_way_that_takes_too_long_or_fails_is_recorded(tmp_path, seconds, name, reason):
    (case,) = _in_own_process(Setting(True, tmp_path, None), "fast", [name], seconds).values()
    assert reason in case["failed"]
