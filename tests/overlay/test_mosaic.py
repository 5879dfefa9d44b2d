"""Mosaics over people and vehicles, on both ways of drawing; sizes by hand."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from roadseg.errors import InputError
from roadseg.labels.catalogue import CAMVID_11, CITYSCAPES_19
from roadseg.overlay.appearance import Appearance
from roadseg.overlay.draw import Overlay
from roadseg.overlay.mosaic import BLOCKS, block_grid, pixelated
from roadseg.video.frame import Frame

SIZE = (480, 300)
"""Blocks are 10 x 10 pixels."""


@pytest.fixture
def frame():
    random = np.random.default_rng(0)
    planes = (random.integers(16, 236, shape, np.uint8) for shape in ((300, 480), (150, 240), (150, 240)))
    return Frame(*planes, "bt709", False, 0, 0, Fraction(1, 25), 1)


def one_pixel():
    """A map whose pixel at (row 15, column 20) is hidden: in the block at row 15, column 20."""
    hidden = np.zeros((30, 48), np.uint8)
    hidden[15, 20] = 1
    return hidden


def test_a_block_and_those_around_it_are_of_one_colour_each(frame):
    assert block_grid(*SIZE) == (48, BLOCKS)
    blurred = pixelated(frame, one_pixel())
    rows, columns = np.nonzero(blurred.y != frame.y)
    assert (rows.min() // 10, rows.max() // 10, columns.min() // 10, columns.max() // 10) == (14, 16, 19, 21)
    block = blurred.y[150:160, 200:210]
    assert (block == block[0, 0]).all()
    assert abs(int(block[0, 0]) - frame.y[150:160, 200:210].mean()) <= 0.5
    chroma = blurred.u[75:80, 100:105]
    assert (chroma == chroma[0, 0]).all()
    assert abs(int(chroma[0, 0]) - frame.u[75:80, 100:105].mean()) <= 0.5


def test_a_frame_with_nothing_to_hide_stays_as_it_is(frame):
    assert pixelated(frame, np.zeros((30, 48), np.uint8)) is frame


def test_both_pictures_are_blurred_and_the_labels_are_drawn_on_it(frame):
    labels = np.where(one_pixel(), np.uint8(11), np.uint8(0))
    blurred = pixelated(frame, one_pixel())
    appearance = Appearance(legend="none", classes=("road",))
    alone = Overlay(CITYSCAPES_19, appearance).draw(blurred, labels)
    both = Overlay(CITYSCAPES_19, replace(appearance, side_by_side=True, blur=("person",))).draw(frame, labels)
    assert np.array_equal(both.y[:, :480], blurred.y)
    assert np.array_equal(both.y[:, 484:], alone.y)


def test_other_label_spaces_have_counterparts():
    overlay = Overlay(CAMVID_11, Appearance(blur=("person", "rider")))
    hidden = [CAMVID_11.classes[train_id] for train_id in np.flatnonzero(overlay.hidden)]
    assert hidden == ["Pedestrian", "Bicyclist"]


def test_an_unknown_class_is_refused():
    with pytest.raises(InputError, match="blur: no class 'face' in cityscapes-19"):
        Appearance(blur=("face",)).check(CITYSCAPES_19)
