"""The moving average of weights, by hand."""

import pytest
import torch
from torch import nn

from roadseg.models.average import WeightAverage


def network(value):
    made = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    with torch.no_grad():
        made[0].weight.fill_(value)
        made[1].running_mean.fill_(value)
    return made


def test_it_is_the_plain_mean_of_the_first_steps_then_a_moving_one():
    average = WeightAverage(network(100.0), decay=0.5)
    for updates, (value, mean) in enumerate([(1.0, 1.0), (3.0, 2.0), (6.0, 4.0), (8.0, 6.0)]):
        average.update(network(value), updates)
        assert average.network[0].weight.item() == pytest.approx(mean)
        assert average.network[1].running_mean.item() == value


def test_it_is_a_network_of_its_own_that_learns_nothing():
    trained = network(1.0).train()
    average = WeightAverage(trained, decay=0.9)
    with torch.no_grad():
        trained[0].weight.fill_(5.0)
    assert average.network[0].weight.item() == 1.0
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
    assert not average.network.training
    assert trained.training and trained[0].weight.requires_grad
