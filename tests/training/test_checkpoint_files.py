"""Checkpoints that are broken, hostile or of another run."""

import copy

import pytest
import torch
from helpers.tiny import toy_recipe

from roadseg.errors import WeightsError
from roadseg.training.build import build_trainer
from roadseg.training.run_folder import RunFolder


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    run = RunFolder(tmp_path)
    for value in ([1, 2], torch.zeros(2), print):
        torch.save(value, run.checkpoint)
        with pytest.raises(
            WeightsError, match=r"checkpoint.pt: cannot be read as a checkpoint .*\nStart the run again"
        ):
            run.load_checkpoint()


def test_a_state_with_other_contents_is_refused(data):
    trainer = build_trainer(toy_recipe(data, method="source-only"))
    for parameter in trainer.method.segmenter.parameters():
        parameter.grad = torch.zeros_like(parameter)
    trainer.optimizers["segmenter"].step()
    state = copy.deepcopy(trainer.state())

    def changed(**parts):
        return {**state, **parts}

    optimizer = copy.deepcopy(state["optimizers"]["segmenter"])
    optimizer["state"][0]["exp_avg"] = torch.zeros(3)
    wrong = [{}, changed(step="7"), changed(step=-1), changed(networks=[]), changed(networks={"segmenter": 3})]
    wrong += [changed(optimizers=None), changed(optimizers={"segmenter": {}})]
    wrong += [changed(optimizers={"segmenter": optimizer})]
    for other in wrong:
        with pytest.raises(WeightsError, match="the checkpoint belongs to another kind of run") as error:
            trainer.restore(other)
        assert str(error.value).count("\n") == 1
    trainer.restore(state)
