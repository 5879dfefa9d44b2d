"""Batch norm adapted to images: activations of new images get the statistics of the training images."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from roadseg.adaptation.batch_norm import Moments, adapted_to, source_moments
from roadseg.errors import InputError
from roadseg.models.build import build_model
from roadseg.models.domain_statistics import batch_norms
from roadseg.models.predict import predict
from roadseg.runtime import start

CPU = start("cpu")


@pytest.fixture(scope="module")
def network():
    """Statistics that belong to no images, as those of ImageNet do not belong to streets."""
    torch.manual_seed(0)
    network = build_model("fast", 5, pretrained=False).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
        elif isinstance(module, nn.Conv2d):  # so that signals live to the end
            nn.init.normal_(module.weight, 0, (2 / module.weight[0].numel()) ** 0.5)
    return network


@pytest.fixture(scope="module")
def day():
    return np.random.default_rng(0).integers(60, 256, (6, 32, 48, 3), np.uint8)


@pytest.fixture(scope="module")
def night(day):
    """The same streets under another light: darker, of less contrast."""
    return (day * 0.3 + 5).astype(np.uint8)


def state(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def scores(network, pictures):
    with torch.inference_mode():
        pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2)
        return network(network.normalisation(pixels)).logits[0]


def test_moments_are_those_of_all_images_together():
    x = torch.randn(7, 3, 4, 5) * torch.tensor([1.0, 2, 3]).view(1, 3, 1, 1) + torch.arange(7.0).view(7, 1, 1, 1)
    pooled = Moments.of(x[:2]).pooled(Moments.of(x[2:6])).pooled(Moments.of(x[6:]))
    torch.testing.assert_close(pooled.mean, x.mean((0, 2, 3)))
    torch.testing.assert_close(pooled.variance, x.var((0, 2, 3), correction=0))
    assert pooled.images == 7


def test_what_is_measured_is_the_input_of_batch_norm_in_use(network, day):
    """Checked on the stem alone, whose batch norm gets the convolution of the image."""
    stem = network.backbone.stem
    with torch.inference_mode():
        x = stem[0](network.normalisation(torch.from_numpy(day).permute(0, 3, 1, 2)))
    first = source_moments(network, day, CPU)[0]
    torch.testing.assert_close(first.mean, x.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(first.variance, x.var((0, 2, 3), correction=0), rtol=1e-4, atol=1e-6)
    assert first.images == len(day)


def test_measuring_changes_nothing(network, day):
    before, labels = state(network), predict(network, day, (48, 32), CPU)
    source_moments(network, day, CPU)
    adapted_to(network, source_moments(network, day, CPU), day, CPU, 4)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert np.array_equal(labels, predict(network, day, (48, 32), CPU))
    assert not any(module.training for module in network.modules())


def test_images_like_those_of_training_leave_the_network_as_it_is(network, day):
    adapted = adapted_to(network, source_moments(network, day, CPU), day[::-1], CPU, 4)
    for new, old in zip(batch_norms(adapted), batch_norms(network), strict=True):
        torch.testing.assert_close(new.running_mean, old.running_mean, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(new.running_var, old.running_var, rtol=1e-4, atol=1e-4)


def test_statistics_do_not_depend_on_the_order_of_the_images(network, day, night):
    """The images differ among themselves: behind layers that know some of them, others have other moments."""
    mixed = np.concatenate([day, night])
    source = source_moments(network, day, CPU)
    forwards, backwards = (adapted_to(network, source, images, CPU, 0) for images in (mixed, mixed[::-1]))
    torch.testing.assert_close(forwards.state_dict(), backwards.state_dict(), rtol=1e-4, atol=1e-4)


def test_no_image_is_left_out_when_they_are_too_large_to_come_together(network, day, night, monkeypatch):
    """Seen in the first layer, which no other layer is in front of."""
    mixed = np.concatenate([day, night])
    source = source_moments(network, day, CPU)
    together = batch_norms(adapted_to(network, source, mixed, CPU, 0))[0]
    monkeypatch.setattr("roadseg.adaptation.batch_norm.PIXELS_AT_ONCE", 5 * 48 * 32)
    divided = batch_norms(adapted_to(network, source, mixed, CPU, 0))[0]
    torch.testing.assert_close(divided.running_mean, together.running_mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(divided.running_var, together.running_var, rtol=1e-4, atol=1e-5)


def test_another_light_is_undone(network, day, night):
    source = source_moments(network, day, CPU)
    adapted = adapted_to(network, source, night, CPU, 0)
    right = scores(network, day)
    before, after = ((scores(some, night) - right).abs().mean() for some in (network, adapted))
    assert after < 0.75 * before  # not 0: padding does not get darker at night
    kept = {name: value for name, value in adapted.state_dict().items() if "source_" not in name}
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, kept.pop(name))}
    assert changed == {name for name in network.state_dict() if name.endswith(("running_mean", "running_var"))}
    assert not kept
    assert not any(module.training for module in adapted.modules())


def standardised(network, moments):
    """Mean and standard deviation of the output of each batch norm, before its scale and offset."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm, found in zip(norms, moments, strict=True):
        spread = (norm.running_var + norm.eps).sqrt()
        yield (found.mean - norm.running_mean) / spread, (found.variance + norm.eps).sqrt() / spread


def test_every_layer_gives_for_the_new_images_what_it_gave_for_those_of_training(network, day, night):
    source = source_moments(network, day, CPU)
    adapted = adapted_to(network, source, night, CPU, 0)
    as_network_in_use = copy.deepcopy(adapted)
    for norm in batch_norms(as_network_in_use):
        del norm.source_mean, norm.source_var
    given = standardised(adapted, source_moments(as_network_in_use, night, CPU))
    for new, trained in zip(given, standardised(network, source), strict=True):
        torch.testing.assert_close(new, trained, rtol=1e-3, atol=1e-3)


def test_what_was_adapted_before_is_adapted_from_where_it_learned(network, day, night):
    """Not from where the first adaptation led."""
    source = source_moments(network, day, CPU)
    twice = adapted_to(adapted_to(network, source, day // 2, CPU, 0), source, night, CPU, 8)
    torch.testing.assert_close(twice.state_dict(), adapted_to(network, source, night, CPU, 8).state_dict())
    for new, old in zip(source_moments(twice, day, CPU), source, strict=True):
        torch.testing.assert_close(new.mean, old.mean)


def test_no_variance_becomes_negative(network, day):
    dead = copy.deepcopy(network)
    for norm in batch_norms(dead):
        norm.running_var.zero_()
    source = source_moments(dead, day[:2], CPU)
    adapted = adapted_to(dead, source, np.zeros_like(day[:2]), CPU, 0)
    assert any((norm.running_var == 0).any() for norm in batch_norms(adapted))
    assert all((norm.running_var >= 0).all() for norm in batch_norms(adapted))


@pytest.mark.slow
def test_a_larger_prior_changes_less(network, day, night):
    source = source_moments(network, day, CPU)
    plain = scores(network, night)
    changes = [
        (scores(adapted_to(network, source, night, CPU, prior), night) - plain).abs().mean() for prior in (0, 6, 60)
    ]
    assert changes[0] > changes[1] > changes[2] > 0


def test_a_network_without_batch_norm_is_refused(day):
    network = build_model("vgg16", 5, pretrained=False).eval()
    with pytest.raises(InputError, match="no batch norm") as caught:
        source_moments(network, day, CPU)
    assert "--adapt-bn" in caught.value.remedy
