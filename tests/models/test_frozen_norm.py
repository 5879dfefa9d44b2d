"""A convolution with frozen batch norm folded into it, against both one after the other."""

import pytest
import torch
from torch import nn

from roadseg.models.build import MODELS, build_model
from roadseg.models.convolution import Conv2d
from roadseg.models.domain_statistics import batch_norms
from roadseg.models.frozen_norm import ConvNorm, folded, normalised_convolution
from roadseg.models.relu6 import ReLU6

GEOMETRIES = [
    {"in_channels": 6, "out_channels": 8, "kernel_size": 1},
    {"in_channels": 6, "out_channels": 8, "kernel_size": 3, "stride": 2, "padding": 1},
    {"in_channels": 8, "out_channels": 8, "kernel_size": 3, "padding": 2, "dilation": 2, "groups": 8},
]


def layers(geometry):
    torch.manual_seed(0)
    convolution, norm = nn.Conv2d(**geometry, bias=False), nn.BatchNorm2d(geometry["out_channels"])
    for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        nn.init.uniform_(tensor, 0.5, 2)
    return convolution.double(), norm.double().eval()


def results(forward, convolution, norm):
    """Output, and gradients of the input and of every parameter that is trained."""
    x = torch.linspace(-1, 1, 2 * convolution.in_channels * 9 * 7, dtype=torch.float64)
    x = x.view(2, convolution.in_channels, 9, 7).requires_grad_()
    y = forward(x)
    trained = [p for p in (convolution.weight, norm.weight, norm.bias) if p.requires_grad]
    return [y, *torch.autograd.grad(y.square().sum(), [x, *trained])]


@pytest.mark.parametrize("norm_is_trained", [True, False])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_output_and_gradients_are_those_of_both_in_turn(geometry, norm_is_trained):
    convolution, norm = layers(geometry)
    norm.requires_grad_(norm_is_trained)
    folded = results(lambda x: normalised_convolution(convolution, norm, x), convolution, norm)
    in_turn = results(lambda x: norm(convolution(x)), convolution, norm)
    assert len(folded) == len(in_turn) == (5 if norm_is_trained else 3)
    for ours, expected in zip(folded, in_turn, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)


def test_batch_statistics_are_taken_where_they_are_wanted():
    convolution, norm = layers(GEOMETRIES[0])
    before = norm.running_mean.clone()
    y = normalised_convolution(convolution, norm.train(), torch.rand(2, 6, 9, 7, dtype=torch.float64))
    assert not torch.equal(norm.running_mean, before)
    torch.testing.assert_close(y.mean((0, 2, 3)), norm.bias.detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("activation", [nn.ReLU(inplace=True), ReLU6()])
def test_nothing_is_kept_for_the_backward_pass_but_arguments_and_what_the_next_layer_sees(activation):
    convolution, norm = layers(GEOMETRIES[0])
    layer = ConvNorm(convolution, norm, activation)
    x = torch.rand(2, 6, 9, 7, dtype=torch.float64)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        y = layer(x)
    large = {tensor.untyped_storage().data_ptr() for tensor in kept if tensor.ndim == 4} - {x.data_ptr(), y.data_ptr()}
    assert large == {convolution.weight.data_ptr()}


def test_relu6_and_its_gradient():
    x = torch.linspace(-2, 8, 51, dtype=torch.float64).requires_grad_()
    theirs = nn.ReLU6()(x)
    (expected,) = torch.autograd.grad(theirs.square().sum(), x)
    ours = ReLU6()(x * 1)
    (gradient,) = torch.autograd.grad(ours.square().sum(), x)
    assert torch.equal(ours, theirs)
    assert torch.equal(gradient, expected)


def test_mixed_precision_gives_gradients_in_the_precision_of_the_parameters():
    convolution, norm = layers(GEOMETRIES[1])
    convolution, norm, x = convolution.float(), norm.float(), torch.rand(2, 6, 9, 7)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = normalised_convolution(convolution, norm, x)
        expected = norm(convolution(x))
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), expected.float(), rtol=0.05, atol=0.05)
    y.float().sum().backward()
    assert {p.grad.dtype for p in (convolution.weight, norm.weight, norm.bias)} == {torch.float32}


def test_mixed_precision_keeps_no_copy_of_a_weight():
    layer = Conv2d(6, 8, 3, padding=1)
    kept = []
    with (
        torch.autocast("cpu", dtype=torch.bfloat16),
        torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor),
    ):
        y = layer(torch.rand(2, 6, 9, 7))
    y.float().square().sum().backward()
    assert [tensor.data_ptr() for tensor in kept if tensor.shape == layer.weight.shape] == [layer.weight.data_ptr()]
    assert {parameter.grad.dtype for parameter in layer.parameters()} == {torch.float32}


def lively(name):
    """A network with other statistics and scales than its initial ones, in double precision."""
    torch.manual_seed(0)
    network = build_model(name, 5, pretrained=False).double().eval()
    for norm in batch_norms(network):
        for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            nn.init.uniform_(tensor, 0.5, 2)
    return network


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_folded_network_gives_the_same_without_batch_norm(name):
    network, x = lively(name), torch.randn(2, 3, 65, 49, dtype=torch.float64)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    smaller = folded(network)
    with torch.no_grad():
        expected, given = network(x).logits, smaller(x).logits
    assert len(given) == len(expected)
    for one, other in zip(given, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9 * float(other.abs().max()))
    assert not batch_norms(smaller)
    assert not any(parameter.requires_grad for parameter in smaller.parameters())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_plain_operations_without_gradients_give_what_those_for_training_give(name):
    network, x = lively(name), torch.randn(1, 3, 65, 49, dtype=torch.float64)
    with torch.no_grad():
        plain = network(x).logits[0]
    torch.testing.assert_close(plain, network(x).logits[0].detach(), rtol=0, atol=1e-9 * float(plain.abs().max()))


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_network_is_its_early_and_its_late_layers(name):
    network, x = lively(name), torch.randn(1, 3, 65, 49, dtype=torch.float64)
    with torch.no_grad():
        assert torch.equal(network.late(network.early(x)).logits[0], network(x).logits[0])
