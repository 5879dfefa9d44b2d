"""Files under the published names load wholly, or not at all."""

import re

import pytest
import torch
from helpers.parity_bundle import KEYS, published_state, read_json

from roadseg.errors import WeightsError
from roadseg.models.build import build_model
from roadseg.models.discriminator import PatchDiscriminator
from roadseg.models.weights import load_weights

pytestmark = pytest.mark.parity

BUILDS = {
    "multi": lambda: build_model("resnet101", 19, pretrained=False, aspp="two-branch"),
    "single": lambda: build_model("resnet101", 19, levels=1, pretrained=False, aspp="two-branch"),
    "vgg": lambda: build_model("vgg16", 19, levels=1, pretrained=False, aspp="two-branch"),
    "D": lambda: PatchDiscriminator(19),
}


def without_counters(state):
    return {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}


@pytest.fixture(scope="module")
def multi_state():
    return published_state("multi")


@pytest.mark.parametrize("tag", BUILDS)
def test_every_published_tensor_has_its_place_and_trains_or_not_as_published(tag):
    network = BUILDS[tag]()
    entries = {entry["key"]: entry for entry in read_json("state_dict_keys.json")[KEYS[tag]]}
    names = network.own_names(entries)
    ours, parameters = network.state_dict(), dict(network.named_parameters())
    placed = {names[key]: entry for key, entry in entries.items() if not network.superfluous(names[key])}
    assert placed.keys() == ours.keys()
    for name, entry in placed.items():
        assert list(ours[name].shape) == entry["shape"], name
        if name in parameters:
            assert parameters[name].requires_grad == entry["trainable"], name


def test_a_multi_level_checkpoint_from_several_gpus_and_an_old_torch(multi_state, tmp_path):
    path = tmp_path / "GTA2Cityscapes_multi.pth"
    torch.save({f"module.{key}": value for key, value in without_counters(multi_state).items()}, path)
    network = BUILDS["multi"]()
    report = load_weights(network, path)
    assert len(report.loaded) == 536 - 8
    assert len(report.kept) == 104
    assert all(name.endswith("num_batches_tracked") for name in report.kept)
    assert all(re.search(r"\.conv2d_list\.[23]\.", name) for name in report.left_out)
    assert len(report.left_out) == 8
    assert "528 tensors loaded; left out: layer5.conv2d_list.2.weight" in str(report)
    assert torch.equal(network.backbone.layer3[10].bn2.running_var, multi_state["layer3.10.bn2.running_var"])
    assert torch.equal(network.classifier.branches[1].weight, multi_state["layer6.conv2d_list.1.weight"])
    assert torch.equal(network.auxiliary.branches[0].bias, multi_state["layer5.conv2d_list.0.bias"])


def initial_file():
    """Weights that published training starts from: a leading `Scale.`, and one head of another task."""
    state = {key: value for key, value in published_state("multi").items() if not key.startswith(("layer5", "layer6"))}
    state |= {f"layer5.conv2d_list.{i}.weight": torch.zeros(21, 2048, 3, 3) for i in range(4)}
    state |= {f"layer5.conv2d_list.{i}.bias": torch.zeros(21) for i in range(4)}
    return {f"Scale.{key}": value for key, value in without_counters(state).items()}


@pytest.mark.parametrize("classes", [11, 19])
def test_training_starts_from_the_trunk_of_another_task(classes):
    network = build_model("resnet101", classes, pretrained=False)
    heads = [parameter.clone() for parameter in network.parameter_groups()[1]]
    state = initial_file()
    with pytest.raises(WeightsError, match="does not fit the network"):
        load_weights(network, state)
    report = load_weights(network, state, heads_optional=True)
    assert len(report.loaded) == 520
    assert len(report.left_out) == 8
    assert torch.equal(network.backbone.conv1.weight, state["Scale.conv1.weight"])
    assert all(torch.equal(a, b) for a, b in zip(heads, network.parameter_groups()[1], strict=True))


def test_heads_that_fit_are_taken_even_where_they_are_optional(multi_state):
    network = build_model("resnet101", 19, pretrained=False)
    report = load_weights(network, multi_state, heads_optional=True)
    assert not report.left_out
    assert not report.kept


@pytest.mark.parametrize(
    ("build", "message"),
    [
        ({"num_classes": 13}, r"shapes: layer6.* is \(19, 2048, 3, 3\) instead of \(13, 2048, 3, 3\)"),
        ({"num_classes": 19, "levels": 1}, "unknown: layer5"),
    ],
)
def test_a_checkpoint_of_another_network_changes_nothing(multi_state, build, message):
    network = build_model("resnet101", pretrained=False, aspp="two-branch", **build)
    before = network.backbone.conv1.weight.clone()
    with pytest.raises(WeightsError, match=message) as error:
        load_weights(network, multi_state)
    assert "number of classes" in error.value.remedy
    assert torch.equal(network.backbone.conv1.weight, before)


def test_a_trunk_is_never_filled_in_part(multi_state):
    state = {key: value for key, value in multi_state.items() if not key.startswith("layer4.1")}
    network = BUILDS["multi"]()
    before = network.backbone.conv1.weight.clone()
    with pytest.raises(WeightsError, match=r"missing: backbone\.layer4\.1\.conv1\.weight, .* more"):
        load_weights(network, state, heads_optional=True)
    assert torch.equal(network.backbone.conv1.weight, before)


def test_two_trained_branches_are_not_enough_for_four():
    state = BUILDS["multi"]().state_dict()
    with pytest.raises(WeightsError, match=r"missing: classifier\.branches\.2\.weight"):
        load_weights(build_model("resnet101", 19, pretrained=False), state)


def test_discriminators_by_name_and_by_number():
    by_name = published_state("D")
    numbered = read_json("state_dict_keys.json")["advent_discriminator_19"]
    by_number = {entry["key"]: value for entry, value in zip(numbered, by_name.values(), strict=True)}
    first, second = PatchDiscriminator(19), PatchDiscriminator(19)
    assert not load_weights(first, by_name).left_out
    assert not load_weights(second, by_number).left_out
    assert torch.equal(first.convolutions[4].weight, by_name["classifier.weight"])
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
