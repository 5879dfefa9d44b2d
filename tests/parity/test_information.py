"""Entropy and self-information maps are those of the published code."""

import pytest
import torch
from helpers.parity_bundle import read_arrays

from roadseg.adaptation.losses import self_information
from roadseg.adaptation.minent import entropy_loss

pytestmark = pytest.mark.parity


def test_self_information_and_entropy():
    reference = read_arrays("advent.npz")
    logits = torch.from_numpy(reference["logits"]).double()
    assert torch.allclose(self_information(logits), torch.from_numpy(reference["self_information"]).double(), atol=1e-6)
    assert entropy_loss(logits).item() == pytest.approx(float(reference["entropy_loss"]), rel=1e-12)
