"""Entropy of predictions where it can be computed by hand."""

import math

import pytest
import torch
from helpers.toy_segmenter import toy_batch, toy_method

from roadseg.adaptation.losses import self_information
from roadseg.adaptation.minent import entropy_loss


def test_entropy_runs_from_0_for_a_sure_prediction_to_1_for_none():
    assert entropy_loss(torch.zeros(1, 5, 2, 2)).item() == pytest.approx(1.0)
    assert entropy_loss(torch.tensor([60.0, 0, 0]).view(1, 3, 1, 1)).item() == pytest.approx(0.0, abs=1e-9)


def test_self_information_is_greatest_at_one_over_e():
    p = 1 / math.e
    logits = torch.tensor([p, 1 - p]).log().view(1, 2, 1, 1)
    assert self_information(logits)[0, 0].item() == pytest.approx(p / math.log(2))


def test_minent_weighs_its_levels_and_learns_from_target_images():
    method, batch = toy_method("minent"), toy_batch()
    _, term = method.terms(batch)
    main, auxiliary = term.values["entropy/main"], term.values["entropy/auxiliary"]
    assert term.loss.item() == pytest.approx((0.5 * main + 0.2 * auxiliary).item())
    term.loss.backward()
    assert method.segmenter.stem.weight.grad.abs().sum() > 0
    assert torch.equal(method.segmenter.shown[1], method.segmenter.normalisation(batch.target_images))
