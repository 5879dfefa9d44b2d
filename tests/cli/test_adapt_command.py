import json
import signal
import subprocess
import sys
import time

import pytest
import tomli_w
from helpers.program import roadseg
from helpers.tiny import RECIPE, write_streets


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("toy")
    write_streets(root / "source", 6)
    write_streets(root / "target", 6, night=True)
    keys = {**RECIPE, "source": str(root / "source"), "steps": 2, "checkpoint_every": 1}
    (root / "tiny.toml").write_text(tomli_w.dumps(keys))
    return root


@pytest.mark.slow
def test_adapt_evaluate_and_go_on(data, tmp_path):
    run = tmp_path / "run"
    flags = ["--recipe", data / "tiny.toml", "--target", data / "target" / "images", "--out", run]
    made = roadseg("adapt", *flags, "--evaluation", f"streets:{data / 'target'}", "--json")
    assert made.returncode == 0, made.stderr
    outcome = json.loads(made.stdout)
    assert outcome["steps"] == 2
    assert made.stderr == ""

    scored = roadseg("evaluate", run, f"streets:{data / 'target'}", "--json")
    scores = json.loads(scored.stdout)
    assert scores["miou"] == outcome["evaluation"]["miou"]
    assert {"miou", "iou", "pixel_accuracy", "images"} <= scores.keys()
    assert "road" in roadseg("evaluate", run, f"streets:{data / 'target'}").stdout

    again = roadseg("adapt", *flags, "--resume", "--json")
    assert again.returncode == 0, again.stderr
    repeated = json.loads(again.stdout)
    assert repeated["evaluation"]["miou"] == scores["miou"]
    assert repeated["losses"] == pytest.approx(outcome["losses"], abs=1e-4)
    changed = roadseg("adapt", *flags, "--resume", "--steps", 9)
    assert changed.returncode == 1
    assert "steps cannot change" in changed.stderr


@pytest.mark.slow
def test_several_targets_are_named_and_the_run_goes_on_with_the_same_alone(data, tmp_path):
    run, pictures = tmp_path / "run", data / "target" / "images"
    flags = ["--recipe", data / "tiny.toml", "--out", run]
    targets = ["--target", pictures, "--target", f"streets:{data / 'source'}"]
    made = roadseg("adapt", *flags, *targets)
    assert made.returncode == 0, made.stderr
    assert f"target: 6 unlabelled images of {pictures}" in " ".join(made.stderr.split())
    assert roadseg("adapt", *flags, *targets, "--resume").returncode == 0
    changed = roadseg("adapt", *flags, "--target", pictures, "--resume")
    assert changed.returncode == 1
    assert "target cannot change" in changed.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "run"], "needs a target"),
        (["--out", "run", "--target", "nowhere"], "nowhere: no such folder"),
        (["--out", "run", "--target", "nowhere", "--set", "stpes=3"], "unknown key 'stpes'"),
        (["--out", "run", "--method", "source-only", "--init", "nowhere"], "nowhere: no trained model here"),
        (["--out", "run", "--method", "source-only", "--evaluation", "camvid"], "KIND:ROOT"),
        (["--out", "run", "--method", "source-only", "--target-labels", "no.zip"], "no.zip: no such file"),
        (["--out", "run", "--target", "nowhere", "--teacher", "indian"], "'multi-level' takes no teacher"),
        (["--out", "run", "--resume"], "no run to resume here"),
        (["--out", "a-file", "--method", "source-only"], "a file is where a folder should be"),
    ],
)
def test_bad_input_ends_in_two_lines_and_leaves_no_run(tmp_path, data, arguments, message):
    (tmp_path / "a-file").write_text("")
    ended = roadseg("adapt", "--recipe", data / "tiny.toml", *arguments, cwd=tmp_path)
    assert ended.returncode == 1
    assert message in ended.stderr
    assert len(ended.stderr.strip().splitlines()) <= 2
    assert not (tmp_path / "run" / "recipe.toml").exists()


@pytest.mark.slow
def test_two_runs_refuse_each_other_and_ctrl_c_leaves_a_run_that_goes_on(data, tmp_path):
    run = tmp_path / "run"
    flags = ["--recipe", data / "tiny.toml", "--method", "source-only", "--out", run, "--steps", 2000]
    command = [sys.executable, "-m", "roadseg", "adapt", *map(str, flags)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as training:
        deadline = time.monotonic() + 200
        while not (run / "checkpoint.pt").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        second = roadseg("adapt", *flags)
        training.send_signal(signal.SIGINT)
        _, said = training.communicate(timeout=100)
    assert second.returncode == 1
    assert "another roadseg process" in second.stderr
    assert training.returncode == 130
    assert "--resume" in said
    assert "Traceback" not in said
    assert not list(run.glob("*.part"))
    assert json.loads((run / "log.jsonl").read_text().splitlines()[-1])["step"] < 2000


def test_evaluate_says_what_is_wrong(tmp_path, data):
    for arguments, message in (
        ([tmp_path, f"streets:{data / 'target'}"], "no trained model here"),
        ([tmp_path, f"kitti:{data / 'target'}"], "unknown data set 'kitti'"),
        ([tmp_path, f"camvid:{data / 'target'}"], "no such folder"),
    ):
        ended = roadseg("evaluate", *arguments)
        assert ended.returncode == 1
        assert message in ended.stderr
