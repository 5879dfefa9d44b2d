import pytest
import torch

from roadseg.errors import RecipeError
from roadseg.models import build_discriminator, build_model
from roadseg.models.efficientnet_lite import EfficientNetLite0
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
    random = EfficientNetLite0(pretrained=False).eval()
    assert not torch.equal(random.stem[0].weight, fast.backbone.stem[0].weight)
    stripes = torch.zeros(1, 3, 64, 64)
    stripes[..., ::4] = 1
    with torch.inference_mode():
        flat, striped = (fast.backbone(x)[-1] for x in (torch.zeros(1, 3, 64, 64), stripes))
    assert flat.isfinite().all()
    assert (flat - striped).abs().mean() > 0.1 * flat.abs().mean()


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
    discriminator = build_discriminator(19)
    assert discriminator(torch.rand(1, 19, 97, 129)).shape == (1, 1, 3, 4)
    assert [c.out_channels for c in discriminator.convolutions] == [64, 128, 256, 512, 1]


def test_normalisation_follows_its_channel_order():
    red = torch.zeros(1, 3, 1, 1, dtype=torch.uint8)
    red[:, 0] = 200
    bgr = Normalisation(mean=(1.0, 2.0, 3.0), std=(1.0, 1.0, 2.0), channels="bgr")
    assert bgr(red).flatten().tolist() == [-1.0, -2.0, 98.5]


@pytest.mark.parametrize("arguments", [{"name": "slow"}, {"name": "fast", "levels": 3}])
def test_wrong_names_are_refused_with_the_right_ones(arguments):
    with pytest.raises(RecipeError):
        build_model(num_classes=19, **arguments)
