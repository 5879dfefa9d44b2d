"""The CPU count that the program works with."""

import os
import subprocess
import sys

import pytest

from roadseg.cores import THREADS_VARIABLE, let_threads_sleep_on_a_busy_machine, limit_threads, usable_cores


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


@pytest.mark.parametrize(
    ("load", "before", "after"), [(5.0, None, "PASSIVE"), (3.0, None, None), (9.0, "ACTIVE", "ACTIVE")]
)
def test_threads_sleep_where_others_work_unless_the_user_says_otherwise(load, before, after, monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "environ", {} if before is None else {"OMP_WAIT_POLICY": before})
    let_threads_sleep_on_a_busy_machine()
    assert os.environ.get("OMP_WAIT_POLICY") == after
