"""Colours on plain arrays."""

import numpy as np
import pytest

from roadseg.errors import InputError
from roadseg.labels.catalogue import CAMVID_11
from roadseg.labels.drawing import checked_image, colour_labels, draw_labels
from roadseg.labels.space import IGNORE

SKY, ROAD = CAMVID_11.colours[0], CAMVID_11.colours[3]


def test_each_label_has_its_colour_and_no_class_is_black():
    labels = np.array([[0, 3, IGNORE]], np.uint8)
    assert colour_labels(labels, CAMVID_11).tolist() == [[list(SKY), list(ROAD), [0, 0, 0]]]
    assert colour_labels(labels[None], CAMVID_11).shape == (1, 1, 3, 3)


@pytest.mark.parametrize("opacity", [0, 0.25, 1])
def test_colours_are_blended_by_their_opacity(opacity):
    image = np.full((1, 3, 3), 100, np.uint8)
    drawn = draw_labels(image, np.array([[0, 3, IGNORE]], np.uint8), CAMVID_11, opacity=opacity)
    expected = [(1 - opacity) * 100 + opacity * np.array(colour) for colour in (SKY, ROAD)]
    assert np.abs(drawn[0, :2] - expected).max() <= 0.5
    assert drawn[0, 2].tolist() == [100, 100, 100]
    assert drawn.dtype == np.uint8 and (image == 100).all()


def test_labels_of_another_size_and_strange_opacities_are_refused():
    image, labels = np.zeros((4, 6, 3), np.uint8), np.zeros((2, 3), np.uint8)
    with pytest.raises(InputError, match=r"labels: shape \(2, 3\), wanted \(4, 6\)"):
        draw_labels(image, labels, CAMVID_11)
    with pytest.raises(InputError, match=r"opacity: 2, wanted 0 to 1"):
        draw_labels(image, np.zeros((4, 6), np.uint8), CAMVID_11, opacity=2)
    with pytest.raises(InputError, match=r"labels: int64 array of shape \(4, 6\), wanted uint8"):
        colour_labels(np.zeros((4, 6), np.int64), CAMVID_11)


@pytest.mark.parametrize(
    ("image", "cause", "remedy"),
    [
        (np.zeros((4, 6, 3), np.float32), r"float32 array of shape \(4, 6, 3\)", "(image * 255).astype(np.uint8)"),
        (np.zeros((4, 6, 3), np.int64), r"int64 array of shape \(4, 6, 3\)", "image.astype(np.uint8)"),
        (np.zeros((4, 6), np.uint8), r"uint8 array of shape \(4, 6\)", "np.stack([image] * 3, axis=-1)"),
        (np.zeros((4, 6, 4), np.uint8), r"uint8 array of shape \(4, 6, 4\)", "image[..., :3]"),
        (np.zeros((3, 4, 6), np.uint8), r"uint8 array of shape \(3, 4, 6\)", "image.transpose(1, 2, 0)"),
        (np.zeros((4, 6, 2), np.uint8), r"uint8 array of shape \(4, 6, 2\)", "red, green, blue"),
        (np.zeros((0, 6, 3), np.uint8), r"uint8 array of shape \(0, 6, 3\)", "no pixels"),
        (np.zeros((), np.uint8), r"uint8 array of shape \(\)", "red, green, blue"),
        ("drive.png", "an object of type str", "np.asarray("),
        (None, "an object of type NoneType", "np.asarray("),
    ],
)
def test_what_is_no_rgb_image_is_refused_with_what_came_and_what_to_write(image, cause, remedy):
    with pytest.raises(InputError, match=rf"^image: {cause}, wanted \(H, W, 3\) uint8 RGB") as caught:
        checked_image(image)
    assert remedy in caught.value.remedy
