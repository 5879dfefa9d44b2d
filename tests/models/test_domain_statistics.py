"""Statistics of batch norm a domain: which are in use when, and that they go where the network's state goes."""

from pathlib import Path

import pytest
import torch
from torch import nn

from roadseg.models.domain_statistics import (
    batch_norms,
    has_source_statistics,
    keep_source_statistics,
    source_statistics,
)
from roadseg.models.names import DEFAULT
from roadseg.models.weights import load_model, save_model


@pytest.fixture
def network():
    """Mean 0 for the source, mean 1 for the target."""
    network = nn.Sequential(nn.BatchNorm2d(2), nn.BatchNorm2d(2)).eval()
    keep_source_statistics(network)
    for norm in batch_norms(network):
        norm.running_mean.fill_(1)
    return network


def test_source_statistics_are_in_use_inside_the_block_alone(network):
    x = torch.zeros(1, 2, 3, 3)
    with source_statistics(network):
        as_source = network(x)
    assert torch.equal(as_source, x)
    assert network(x).mean() < -1.9
    with pytest.raises(ZeroDivisionError), source_statistics(network):
        _ = 1 / 0
    assert network(x).mean() < -1.9


def test_gradients_are_those_of_the_statistics_of_the_forward_pass(network):
    x = torch.ones(1, 2, 3, 3, requires_grad=True)
    for norm in batch_norms(network):
        norm.source_var.fill_(4)
    with source_statistics(network):
        y = network(x).sum()
    y.backward()
    assert torch.allclose(x.grad, torch.full_like(x, 1 / 4))


def test_what_is_kept_stays_kept(network):
    keep_source_statistics(network)
    assert torch.equal(network[0].source_mean, torch.zeros(2))
    assert has_source_statistics(network.state_dict())


def test_without_statistics_of_its_own_the_source_has_those_of_the_network():
    network = nn.Sequential(nn.BatchNorm2d(2)).eval()
    with source_statistics(network):
        as_source = network(torch.ones(1, 2, 1, 1))
    assert torch.equal(as_source, network(torch.ones(1, 2, 1, 1)))


def test_files_hold_both(tmp_path):
    network, card = load_model(Path(DEFAULT))
    assert not has_source_statistics(network.state_dict()), "the weights that ship are not adapted"
    save_model(tmp_path / "plain.safetensors", network, card)
    assert not has_source_statistics(load_model(tmp_path / "plain.safetensors")[0].state_dict())
    keep_source_statistics(network)
    batch_norms(network)[0].running_mean.add_(1)
    save_model(tmp_path / "adapted.safetensors", network, card)
    torch.testing.assert_close(load_model(tmp_path / "adapted.safetensors")[0].state_dict(), network.state_dict())
