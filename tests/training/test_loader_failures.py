"""Processes that prepare batches die, stall or fill the disk: the run ends with a word and can go on."""

import os
import signal
import threading
import time

import pytest
import torch
from helpers.tiny import toy_recipe as recipe
from helpers.toy_segmenter import toy_batch, toy_method
from torch.optim import SGD

from roadseg.datasets import sampling
from roadseg.datasets.sampling import load_batches
from roadseg.errors import DatasetError, OutputError, RecipeError, TrainingError
from roadseg.jobs.adapt import adapt
from roadseg.training.build import build_batches
from roadseg.training.callbacks import Callbacks
from roadseg.training.loop import train
from roadseg.training.optimizers import Schedule
from roadseg.training.run_folder import RunFolder
from roadseg.training.trainer import Trainer


class Stalling:
    """Batches of which one is never ready, or whose process dies."""

    def __init__(self, act, at=2):
        self.act, self.at = act, at

    def __getitem__(self, step):
        if step == self.at:
            self.act()
        return step


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def stall():
    time.sleep(3)


def test_a_dead_process_is_told(monkeypatch):
    loader = load_batches(Stalling(die), 0, 5, workers=1)
    with pytest.raises(TrainingError, match="a process that prepares batches has died") as caught:
        list(loader)
    assert "--resume" in caught.value.remedy


def test_waiting_has_an_end_and_can_be_given_up(monkeypatch):
    monkeypatch.setattr(sampling, "POLL_SECONDS", 1)
    monkeypatch.setattr(sampling, "LONGEST_WAIT", 1)
    with pytest.raises(TrainingError, match="no batch was ready within 1 s"):
        list(load_batches(Stalling(stall), 0, 5, workers=1))
    monkeypatch.setattr(sampling, "LONGEST_WAIT", 600)
    with pytest.raises(KeyboardInterrupt):
        list(load_batches(Stalling(stall), 0, 5, workers=1, give_up=lambda: True))


class Breaking:
    """Batches of the toy; the image files of the third are damaged."""

    def for_process(self, rank, processes):
        return self

    def __getitem__(self, step):
        return broken() if step == 2 else toy_batch()


def broken():
    raise DatasetError("cannot be read as an image")


@pytest.mark.parametrize(("options", "steps"), [({}, 2), ({"evaluate": broken}, 1)])
def test_images_that_cannot_be_read_cost_no_step(options, steps, tmp_path):
    """Those of the third batch, or of the evaluation after the first step."""
    run, method = RunFolder(tmp_path), toy_method("source-only")
    trainer = Trainer(method, {"segmenter": SGD(method.segmenter.parameters(), 0.1)}, schedule=Schedule(9))
    plan = recipe(tmp_path, method="source-only", steps=9, checkpoint_every=9, evaluate_every=1)
    with pytest.raises(DatasetError, match="cannot be read as an image"):
        train(trainer, Breaking(), plan, run, **options)
    assert run.load_checkpoint()["step"] == steps


@pytest.mark.slow
def test_a_run_that_waits_stops_and_keeps_its_steps(data, tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "POLL_SECONDS", 1)
    real, reached = sampling.AdaptationBatches.__getitem__, tmp_path / "reached"

    def slow(batches, step):
        if step == 3:
            reached.touch()
            time.sleep(6)
        return real(batches, step)

    def terminate():
        while not (reached.exists() and (tmp_path / "run" / "log.jsonl").exists()):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(sampling.AdaptationBatches, "__getitem__", slow)
    thread = threading.Thread(target=terminate)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        adapt(tmp_path / "run", recipe=recipe(data, method="source-only", workers=1, steps=6, checkpoint_every=3))
    thread.join()
    assert torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=False)["step"] == 3


def test_a_checkpoint_without_room_is_told_and_the_one_before_is_kept(tmp_path, monkeypatch):
    run = RunFolder(tmp_path)
    run.save_checkpoint({"step": 1})

    def full(state, part):
        part.write_bytes(b"half")
        raise RuntimeError("[enforce fail at inline_container.cc] PytorchStreamWriter failed writing file data/0")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OutputError, match=r"checkpoint\.pt: cannot be written, perhaps for lack of space"):
        run.save_checkpoint({"step": 2})
    assert run.load_checkpoint() == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_target_is_opened_before_streets_are_rendered(tmp_path, monkeypatch):
    monkeypatch.setattr("roadseg.training.build.open_source", lambda *_: pytest.fail("streets are rendered"))
    video = tmp_path / "drive.mp4"
    video.write_bytes(b"some video")
    plan = recipe(tmp_path, source="streets", target=str(video), method="source-only", adapt_bn=True)
    with pytest.raises(DatasetError, match=r"drive\.mp4: a file, not a folder of images") as caught:
        build_batches(plan, tmp_path, Callbacks())
    assert f"roadseg frames {video} --out frames" in caught.value.remedy


def test_a_batch_that_no_machine_holds_is_refused(data):
    with pytest.raises(RecipeError, match="batch_size"):
        recipe(data, batch_size=10**8)
