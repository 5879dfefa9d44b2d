"""The check of CUDA devices runs from end to end in small on the CPU."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import gpu_check

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_section_runs_in_small(tmp_path):
    done = subprocess.run(
        [sys.executable, gpu_check.__file__, str(tmp_path), "--smoke"], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    results = json.loads((tmp_path / "gpu_check.json").read_text())
    assert list(results) == [section.__name__ for section in gpu_check.SECTIONS]
    assert results["groups"]["same"]
    assert results["agreement"]["fast float32"]["labels_percent"] == 100
