"""The scripts for a machine that has a GPU for minutes run from end to end in small on the CPU."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.tiny_sets import write_image

from benchmarks import gpu_methods
from benchmarks.gpu.steps_that_fit import steps_that_fit

REPOSITORY = Path(__file__).parents[2]
SMALL = [
    "size=[64,48]",
    "crop=[64,48]",
    "scale=[1,1]",
    "batch_size=1",
    "workers=0",
    "precision=float32",
]
SETTING = {"SECONDS_IN_ALL": "3000", "PROBE_STEPS": "1", "MOST_STEPS": "2", "PYTHON": sys.executable}


@pytest.fixture
def small(data):
    """Keys for small images of the toy data set: each process would paint the textures of streets anew."""
    return [*SMALL, f"source={data / 'source'}"]


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        ["bash", f"benchmarks/{script}", *arguments],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=os.environ | SETTING,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_network_that_ships_is_trained(small, tmp_path):
    assert "2 steps" in run("gpu_train.sh", str(tmp_path / "run"), *small, "init=default")
    assert (tmp_path / "run" / "model.safetensors").stat().st_size < 16e6
    assert (tmp_path / "run" / "metrics.json").exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_methods_are_trained_and_what_fails_or_comes_too_late_is_told(small, tmp_path, capsys):
    target, out, late = tmp_path / "target", tmp_path / "out", tmp_path / "late"
    target.mkdir()
    write_image(target / "street.png", np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))
    settings = [part for setting in small for part in ("--set", setting)]
    arms = ["--arms", "multi-level-true-0", "no-method-true-0", "--jobs", "1", "--steps", "1", "--warmup", "1"]
    gpu_methods.main([str(out), str(target), *arms, "--start-steps", "1", *settings])
    gpu_methods.main([str(late), str(target), *arms, *settings, "--seconds", "0"])
    gpu_methods.main([str(out), str(target), "--arms", "multi-level-true-0"])
    printed = capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {"start-0", "multi-level-true-0", "log.txt"}
    assert (out / "multi-level-true-0" / "model.safetensors").exists()
    assert "no-method-true-0: failed" in printed and "unknown method" in printed
    assert printed.count("left out: no time") == 3
    assert printed.count("there already") == 2
    assert [path.name for path in late.iterdir()] == ["log.txt"]


def test_steps_fit_the_time_that_is_left(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text(
        '{"step": 10, "seconds_a_step": 0.5}\n{"step": 20, "seconds_a_step": 0.1}\n{"step": 20, "miou": 3}\n'
    )
    assert steps_that_fit(log, 70, 5000) == 600
    assert steps_that_fit(log, 70, 100) == 100
    assert steps_that_fit(log, -5, 100) == 1
