"""Labels of plain arrays at their own size."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from roadseg.errors import InputError
from roadseg.inference.engines import load_segmenter
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.catalogue import CAMVID_11
from roadseg.models.names import DEFAULT
from roadseg.models.predict import predict
from roadseg.models.tta import TTA
from roadseg.models.weights import load_model
from roadseg.runtime import start
from roadseg.streets.render import render_street

SIZE = (160, 120)


class BrightIsSky(Segmenter):
    """Bright is sky (0), the rest road (3), at half the input size."""

    name = "bright"
    label_space = CAMVID_11
    input_size = (32, 16)
    batch_size = 2

    def __init__(self):
        self.calls = []

    def segment(self, images, tta=None):
        assert images.shape[1:] == (16, 32, 3) and images.dtype == np.uint8
        self.calls.append((len(images), tta))
        return np.where(images[:, ::2, ::2].mean(axis=3) > 127, 0, 3).astype(np.uint8)


def half_bright(height, width):
    image = np.full((height, width, 3), 20, np.uint8)
    image[: height // 2] = 230
    return image


def labels_of(image):
    return np.where(image[..., 0] > 127, 0, 3)


@pytest.mark.parametrize("shape", [(16, 32), (64, 48), (8, 8), (480, 640)])
def test_labels_have_the_size_of_the_image(shape):
    image = half_bright(*shape)
    labels = BrightIsSky().label(image)
    assert labels.shape == shape and labels.dtype == np.uint8
    assert (labels == labels_of(image)).all()


def test_a_batch_and_a_list_are_labelled_in_batches():
    segmenter = BrightIsSky()
    batch = np.stack([half_bright(48, 64)] * 5)
    labels = segmenter.label(batch)
    assert labels.shape == (5, 48, 64) and (labels == labels_of(batch)).all()
    images = [half_bright(48, 64), half_bright(20, 10), half_bright(16, 32)]
    maps = segmenter.label(images)
    assert [each.shape for each in maps] == [(48, 64), (20, 10), (16, 32)]
    assert all((each == labels_of(image)).all() for each, image in zip(maps, images, strict=True))
    assert [count for count, _ in segmenter.calls] == [2, 2, 1, 2, 1]
    assert segmenter.label([]) == []


def test_another_size_and_augmentation_can_be_asked_for():
    segmenter = BrightIsSky()
    assert segmenter.label(half_bright(48, 64), size=(30, 20), flip=True, scales=(1.5, 0.5)).shape == (20, 30)
    assert segmenter.calls == [(1, TTA(True, (0.5, 1.5)))]


@pytest.mark.parametrize(
    ("image", "cause"),
    [
        (half_bright(48, 64) / 255, r"image: float64 array of shape \(48, 64, 3\), wanted \(H, W, 3\) uint8 RGB"),
        ([half_bright(4, 4), np.zeros((4, 4), np.uint8)], r"image 1: uint8 array of shape \(4, 4\)"),
        (np.zeros((2, 4, 4, 4), np.uint8), r"image 0: uint8 array of shape \(4, 4, 4\)"),
        (np.zeros((0, 4, 4, 3), np.uint8), r"image: uint8 array of shape \(0, 4, 4, 3\)"),
        (np.zeros((2, 0, 4, 3), np.uint8), r"image 0: uint8 array of shape \(0, 4, 3\)"),
        (torch.zeros(3, 4, 4), "image: an object of type Tensor"),
    ],
)
def test_what_is_no_image_is_refused(image, cause):
    with pytest.raises(InputError, match=cause):
        BrightIsSky().label(image)


def test_colour_and_draw():
    segmenter, image = BrightIsSky(), half_bright(48, 64)
    labels = segmenter.label(image)
    assert segmenter.colour(labels)[0, 0].tolist() == list(CAMVID_11.colours[0])
    assert (segmenter.draw(image, labels, opacity=1) == segmenter.colour(labels)).all()
    assert (segmenter.draw(image, labels, opacity=0) == image).all()


def test_a_segmenter_without_scores_says_what_to_leave_out():
    images = half_bright(16, 32)[None]
    for call, option in (("scores", "--smooth"), ("labels_from_scores", "--smooth")):
        with pytest.raises(InputError, match=r"^bright: has no class scores") as caught:
            getattr(BrightIsSky(), call)(images)
        assert option in caught.value.remedy
    with pytest.raises(InputError, match=r"^bright: has no batch norm"):
        BrightIsSky().adapted_to(images, None)


def test_a_segmenter_must_be_able_to_segment():
    with pytest.raises(TypeError, match="segment"):
        Segmenter()


@pytest.fixture(scope="module")
def street():
    return render_street(0, 0, size=(320, 240))[0]


@pytest.mark.slow
def test_exact_labels_are_decided_at_the_size_of_the_image_in_float32(street):
    exact = load_segmenter(device="cpu", engine="exact", input_size=SIZE)
    network, _ = load_model(Path(DEFAULT))
    image = np.ascontiguousarray(street[::2, ::2])
    expected = predict(network.eval(), image[None], (320, 240), start("cpu"))[0]
    assert (exact.label(image, size=(320, 240)) == expected).mean() > 0.9999
    assert exact.name.endswith("torch float32 exact")
    assert (
        exact.label(street)[::2, ::2] != load_segmenter(input_size=SIZE, device="cpu").label(street)[::2, ::2]
    ).any()
    flipped = exact.label(image, flip=True)
    with torch.inference_mode():
        pixels = torch.from_numpy(np.stack([image, image[:, ::-1]])).permute(0, 3, 1, 2)
        logits = network(network.normalisation(pixels)).logits[0]
        there, mirrored = functional.interpolate(logits, SIZE[::-1], mode="bilinear").softmax(1)
    assert (flipped == (there + mirrored.flip(-1)).argmax(0).numpy()).mean() > 0.999


@pytest.mark.slow
def test_an_exact_segmenter_gives_labels_of_scores_at_the_size_of_segment(street):
    exact = load_segmenter(Path(DEFAULT), device="cpu", engine="exact", input_size=SIZE)
    images = street[None, ::2, ::2]
    labels = exact.segment(images)
    assert labels.shape == (1, 120, 160)
    assert (exact.labels_from_scores(exact.scores(images)) == labels).mean() > 0.999


def test_exact_is_float32():
    with pytest.raises(InputError, match="'exact' does not run in mixed"):
        load_segmenter(engine="exact", precision="mixed")
