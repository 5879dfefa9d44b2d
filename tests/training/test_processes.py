"""Several processes under torchrun give the result of one process with the joint batch."""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest
import tomli_w
import torch
from helpers.program import roadseg
from helpers.states import same
from helpers.tiny import ONE_VIEW, RECIPE, write_streets

THEN = "--then"
ENDED = re.compile(r"process \d: (.+) ended with (\d+)")
PROGRAM = Path(__file__).parents[1] / "helpers" / "without_dropout.py"
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0", "--standalone"]

# The rate is small: with a larger one differences of rounding grow with each step beyond what is tolerated.
SGD = {"optimizer": "sgd", "learning_rate": 0.0001, "batch_size": 3}
WARMUP = RECIPE["adversarial"] | {"warmup_steps": 1}
METHODS = {
    "multi-level": {**SGD, "steps": 4, "checkpoint_every": 2, "workers": 1, "adversarial": WARMUP},
    "pseudo-labels": {**SGD, "steps": 2, "adapt_bn": True, "pseudo_labels": ONE_VIEW},
}

pytestmark = pytest.mark.slow


def command(data, out, **changes):
    values = {**RECIPE, "source": data / "source", "target": data / "target" / "images", **changes}
    recipe = out.with_suffix(".toml")
    values = {key: str(value) if isinstance(value, Path) else value for key, value in values.items()}
    recipe.write_text(tomli_w.dumps(values))
    return ["adapt", "--recipe", str(recipe), "--out", str(out)]


def checkpoint(out):
    return torch.load(out / "checkpoint.pt", weights_only=True)


def weights(out):
    networks = checkpoint(out)["networks"]
    return {(network, name): value for network, state in networks.items() for name, value in state.items()}


@pytest.fixture(scope="module")
def group(data, tmp_path_factory):
    """Two processes: a run for each method, one with a broken image, and two that signals stop; the first goes on.

    To start the processes takes longer than such a run, so they do all of them, in one group after another. The signal
    to torchrun ends it.
    """
    folder = tmp_path_factory.mktemp("together")
    write_streets(folder / "broken", 8)
    (folder / "broken" / "images" / "000005.png").write_bytes(b"no picture")
    stopped = METHODS["multi-level"] | {"workers": 0}
    commands = [
        *(command(data, folder / name, method=name, **keys) for name, keys in METHODS.items()),
        command(data, folder / "run", source=folder / "broken", method="source-only", batch_size=3),
        command(data, folder / "interrupted", **stopped),
        [*command(data, folder / "interrupted", **stopped), "--resume"],
        command(data, folder / "terminated", **stopped),
    ]
    ended = subprocess.run(
        [*TORCHRUN, str(PROGRAM), *(argument for each in commands for argument in (THEN, *each))],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        stdin=subprocess.DEVNULL,
    )
    codes = defaultdict(list)
    for name, code in ENDED.findall(ended.stdout):
        codes[name].append(int(code))
    return SimpleNamespace(folder=folder, stdout=ended.stdout, stderr=ended.stderr, codes=codes)


@pytest.mark.parametrize("method", METHODS)
def test_two_processes_train_what_one_trains_with_the_joint_batch(data, group, tmp_path, monkeypatch, method):
    together, alone = group.folder / method, tmp_path / "alone"
    monkeypatch.setattr(torch.nn.Dropout2d, "forward", lambda self, x: x)
    monkeypatch.setattr("roadseg.training.trainer.RATIO_STEPS", 3)
    run = roadseg(*command(data, alone, method=method, **METHODS[method]))
    assert run.returncode == 0, run.stderr
    assert (together / "metrics.json").is_file(), group.stderr
    expected, found = weights(alone), weights(together)
    kept = [{path.name for path in out.rglob("*.*")} for out in (alone, together)]
    last = f"{METHODS[method]['steps']:06}-2.jpg"
    assert kept[0] == kept[1] >= {"training.html", "000000-0.jpg", last}
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        # Discriminators step by Adam, which divides rounding by small gradients too; a step of theirs is 1e-4.
        assert torch.allclose(found[name], value, rtol=1e-5, atol=5e-6), name
    logs = [(out / "log.jsonl").read_text().splitlines() for out in (alone, together)]
    assert len(logs[0]) == len(logs[1])
    for one, two in zip(*(map(json.loads, log) for log in logs), strict=True):
        losses = {key: value for key, value in one.items() if "/" in key}
        assert ("gradient-ratio/main" in losses) == (method == "multi-level" and one["step"] == 4)
        assert {key: two[key] for key in losses} == pytest.approx(losses, rel=1e-4, abs=2e-6)


def test_the_end_of_a_run_is_told_by_one_of_its_processes(group):
    assert group.stdout.count("steps in") == len(METHODS) + 1


@pytest.mark.parametrize("name", ["interrupted", "terminated"])
def test_a_stopped_group_finishes_its_step_and_saves(group, name):
    assert all(group.codes[name][:2])
    assert f"Stopped. Continue with: roadseg adapt --out {group.folder / name} --resume" in group.stderr
    assert checkpoint(group.folder / "terminated")["step"] == 3


def test_a_group_that_was_stopped_goes_on_to_the_same_end(group):
    assert group.codes["interrupted"][2:] == [0, 0]
    assert same(checkpoint(group.folder / "interrupted"), checkpoint(group.folder / "multi-level"))


def test_an_error_of_one_process_ends_the_others(group):
    assert group.codes["run"] == [1, 1]
    assert "000005.png: cannot be read as an image" in group.stderr
    assert "another process of this run has ended" in group.stderr
