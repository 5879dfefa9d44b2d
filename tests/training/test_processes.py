"""Several processes under torchrun give the result of one process with the joint batch."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tomli_w
import torch
from helpers.states import same
from helpers.tiny import RECIPE, write_streets

PROGRAM = Path(__file__).parents[1] / "helpers" / "without_dropout.py"
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0", "--standalone"]


def command(data, out, *, processes, **changes):
    values = {**RECIPE, "source": data / "source", "target": data / "target" / "images", "batch_size": 3, **changes}
    recipe = out.with_suffix(".toml")
    values = {key: str(value) if isinstance(value, Path) else value for key, value in values.items()}
    recipe.write_text(tomli_w.dumps(values))
    launcher = TORCHRUN if processes == 2 else [sys.executable]
    return [*launcher, str(PROGRAM), "adapt", "--recipe", str(recipe), "--out", str(out)]


def run(arguments, **options):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}
    return subprocess.run(
        arguments, env=environment, capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL, **options
    )


def weights(out):
    networks = torch.load(out / "checkpoint.pt", weights_only=True)["networks"]
    return {(network, name): value for network, state in networks.items() for name, value in state.items()}


@pytest.mark.slow
@pytest.mark.parametrize("method", ["source-only", "feature", "multi-level", "pseudo-labels"])
def test_two_processes_train_what_one_trains_with_the_joint_batch(data, tmp_path, method):
    # Weights move by a tenth a step here: rounding of 2e-7 in two steps has grown to 3e-5 in four.
    changes = {"method": method, "optimizer": "sgd", "learning_rate": 0.01, "steps": 2}
    if method == "pseudo-labels":
        changes |= {"adapt_bn": True}
    alone = run(command(data, tmp_path / "alone", processes=1, **changes))
    together = run(command(data, tmp_path / "together", processes=2, **changes))
    assert alone.returncode == 0, alone.stderr
    assert together.returncode == 0, together.stderr
    expected, found = weights(tmp_path / "alone"), weights(tmp_path / "together")
    kept = [{path.name for path in (tmp_path / name).rglob("*.*")} for name in ("alone", "together")]
    assert kept[0] == kept[1] >= {"training.html", "000000-0.jpg", "000002-2.jpg"}
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.allclose(found[name], value, rtol=1e-5, atol=1e-6), name
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("alone", "together")]
    assert len(logs[0]) == len(logs[1])
    for one, two in zip(*(map(json.loads, log) for log in logs), strict=True):
        losses = {key: value for key, value in one.items() if "/" in key}
        assert {key: two[key] for key in losses} == pytest.approx(losses, rel=1e-4, abs=2e-6)
    assert together.stdout.count("steps in") == 1


LONGER = {"method": "multi-level", "steps": 30, "checkpoint_every": 30, "workers": 1}


@pytest.fixture(scope="module")
def uninterrupted(data):
    finished = run(command(data, data / "whole", processes=2, **LONGER))
    assert finished.returncode == 0, finished.stderr
    return weights(data / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_group_saves_and_goes_on_to_the_same_end(data, uninterrupted, tmp_path, number):
    arguments = command(data, tmp_path / "parts", processes=2, **LONGER)
    stop_after(tmp_path / "parts" / "log.jsonl", arguments, number)
    stopped_at = torch.load(tmp_path / "parts" / "checkpoint.pt", weights_only=True)["step"]
    assert 10 <= stopped_at < LONGER["steps"]
    resumed = run([*arguments, "--resume"])
    assert resumed.returncode == 0, resumed.stderr
    assert same(weights(tmp_path / "parts"), uninterrupted)


def stop_after(log, arguments, number):
    """Signal torchrun once the first losses are logged."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}
    process = subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not log.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=100)
    assert "stopped; continue with" in errors


@pytest.mark.slow
def test_an_error_of_one_process_ends_the_others(data, tmp_path):
    write_streets(tmp_path / "broken", 8)
    (tmp_path / "broken" / "images" / "000005.png").write_bytes(b"no picture")
    failed = run(command(data, tmp_path / "run", processes=2, source=tmp_path / "broken", method="source-only"))
    assert failed.returncode == 1
    assert "000005.png: cannot be read as an image" in failed.stderr
    assert "another process of this run has ended" in failed.stderr
