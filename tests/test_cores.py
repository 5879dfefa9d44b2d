"""The CPU count that the program works with."""

import os
import subprocess
import sys

import pytest

from roadseg.cores import THREADS_VARIABLE, limit_threads, usable_cores


@pytest.mark.parametrize("limit", ["", "0", "-1", "many"])
def test_a_limit_that_is_no_number_above_0_is_ignored(monkeypatch, limit):
    monkeypatch.delenv(THREADS_VARIABLE, raising=False)
    cores = usable_cores()
    monkeypatch.setenv(THREADS_VARIABLE, limit)
    assert usable_cores() == cores >= 1


@pytest.mark.slow
def test_a_limit_is_kept_by_this_process_and_its_children(monkeypatch):
    monkeypatch.setenv(THREADS_VARIABLE, "64")
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    limit_threads(1)
    assert usable_cores() == 1
    code = "import torch; from roadseg.cores import usable_cores; print(usable_cores(), torch.get_num_threads())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert child.stdout.split() == ["1", "1"]
