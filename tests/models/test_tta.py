"""Averaged views, against the same arithmetic written out."""

from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional

from roadseg.errors import InputError
from roadseg.models.build import build_model
from roadseg.models.predict import class_scores, labels_of, to_numpy, to_tensor
from roadseg.models.tta import NO_TTA, TTA, mean_probabilities
from roadseg.runtime import start

CPU = start("cpu")
SIZE = (64, 48)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_model("fast", 7, pretrained=False).eval()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), np.uint8)


def probabilities(network, pixels, size=SIZE):
    """(N, H, W, 3) float32 -> (N, C, height, width) by hand."""
    with torch.inference_mode():
        logits = network(network.normalisation(torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2))).logits[0]
        return functional.interpolate(logits, size[::-1], mode="bilinear", align_corners=False).softmax(1).numpy()


def averaged(network, images, tta, size=SIZE):
    scores = partial(class_scores, network, runtime=CPU)
    return mean_probabilities(scores, to_tensor(images, CPU.device), size, tta)


def test_one_view_is_the_plain_prediction(network, images):
    plain = probabilities(network, images, (32, 24))
    np.testing.assert_allclose(averaged(network, images, NO_TTA, (32, 24)), plain, atol=1e-5)


def test_a_flip_is_the_mean_of_image_and_mirror_image(network, images):
    plain = probabilities(network, images)
    found = averaged(network, images, TTA(flip=True))
    both = plain + probabilities(network, images[:, :, ::-1])[..., ::-1]
    np.testing.assert_allclose(found, both / 2, atol=1e-5)
    assert (to_numpy(labels_of(found)) != plain.argmax(1)).mean() > 0.01
    mirrored = averaged(network, images[:, :, ::-1].copy(), TTA(flip=True))
    np.testing.assert_allclose(mirrored.flip(-1), found, atol=1e-5)


def test_scales_and_flip_are_the_mean_over_all(network, images):
    total = 0
    for width, height in ((48, 32), SIZE, (80, 64)):
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float()
        pixels = functional.interpolate(pixels, (height, width), mode="bilinear").permute(0, 2, 3, 1).numpy()
        total = total + probabilities(network, pixels) + probabilities(network, pixels[:, :, ::-1])[..., ::-1]
    tta = TTA(flip=True, scales=(1.3, 0.75, 1.0))
    assert len(tta) == 6
    np.testing.assert_allclose(averaged(network, images, tta), total / 6, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((640, 480), [(480, 352), (640, 480), (832, 624)]),
        ((321, 161), [(241, 113), (321, 161), (417, 209)]),
        ((17, 9), [(17, 9), (17, 9), (17, 9)]),
    ],
)
def test_sizes_change_by_whole_strides(size, expected):
    assert list(TTA(scales=(0.75, 1, 1.3)).sizes(size)) == expected


def test_the_order_of_scales_means_nothing():
    assert TTA(scales=(1.3, 1)) == TTA(scales=(1, 1.3)) != NO_TTA


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        ((), "no scales"),
        ((1, 2.5), "2.5 is outside"),
        ((0.4,), "0.4 is outside"),
        ((float("nan"),), "nan is outside"),
        ((float("inf"), 1), "inf is outside"),
        ((1, 1.0), "twice"),
        (tuple(0.5 + index / 10 for index in range(9)), "9 scales"),
    ],
)
def test_scales_that_make_no_sense_are_refused(scales, message):
    with pytest.raises(InputError, match=message) as caught:
        TTA(scales=scales)
    assert "0.5 to 2" in caught.value.remedy
