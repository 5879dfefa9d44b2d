"""Steadiness of labels, on images that move by known steps."""

import cv2
import numpy as np
import pytest

from roadseg.evaluation.consistency import TemporalConsistency
from roadseg.evaluation.scores import Steadiness

RNG = np.random.default_rng(0)
SCENE = cv2.GaussianBlur(RNG.integers(0, 256, (96, 200, 3), np.uint8), (0, 0), 3) * 2
LABELS = np.repeat(np.arange(10, dtype=np.uint8), 20)[None].repeat(96, 0) % 3


def frame(step):
    """View and labels of a camera that turns by three pixels a step."""
    part = slice(3 * step, 3 * step + 128)
    return SCENE[:, part], LABELS[:, part]


def consistency_of(frames):
    consistency = TemporalConsistency(3)
    for image, labels in frames:
        consistency.add(image, labels)
    return consistency


def test_labels_that_move_with_the_image_are_steady():
    steady = consistency_of(frame(step) for step in range(6))
    assert steady.miou > 97
    assert steady.changed < 2
    standing = consistency_of((frame(step)[0], frame(0)[1]) for step in range(6))
    assert standing.miou < steady.miou - 15  # the image moves, its labels do not


def test_labels_that_flicker_are_not():
    flickering = consistency_of((frame(0)[0], (frame(0)[1] + step % 2) % 3) for step in range(4))
    assert flickering.miou == 0
    assert flickering.changed == pytest.approx(100)


def test_small_label_maps_are_scaled_and_pixels_without_a_class_left_out():
    image, labels = frame(0)
    holes = labels[::2, ::2].copy()
    holes[:10] = 255
    assert consistency_of([(image, labels[::2, ::2]), (image, holes)]).miou == 100


def test_a_cut_is_no_unsteadiness():
    """Nothing of the new scene is explained by the old one."""
    black, white = (np.full((96, 128, 3), value, np.uint8) for value in (0, 255))
    cut = consistency_of([(black, np.zeros((96, 128), np.uint8)), (white, np.ones((96, 128), np.uint8))])
    assert np.isnan(cut.miou) and np.isnan(cut.changed)
    assert set(Steadiness(cut.miou, cut.changed).as_dict().values()) == {None}
    assert np.isnan(consistency_of([frame(0)]).miou)
    told = consistency_of([frame(0)])
    told.cut()
    told.add(frame(0)[0], (frame(0)[1] + 1) % 3)
    assert np.isnan(told.miou)
