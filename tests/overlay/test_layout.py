"""Layouts of overlays: the plain picture beside the labels, other heights, titles."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from roadseg.errors import InputError
from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.overlay.appearance import NO_LEGEND, Appearance
from roadseg.overlay.draw import Overlay
from roadseg.overlay.layout import GAP
from roadseg.video.frame import Frame

LABELS = np.arange(19, dtype=np.uint8).repeat(30)[None].repeat(90, 0)


def noise(width, height):
    random = np.random.default_rng(0)
    half = (height + 1) // 2, (width + 1) // 2
    planes = (random.integers(16, 236, shape, np.uint8) for shape in ((height, width), half, half))
    return Frame(*planes, "bt709", False, 0, 0, Fraction(1, 25), 1)


def drawn(frame, **appearance):
    return Overlay(CITYSCAPES_19, Appearance(**{"legend": "none"} | appearance)).draw(frame, LABELS)


@pytest.mark.parametrize("size", [(640, 360), (641, 361)])
def test_the_plain_picture_is_on_the_left(size):
    frame = noise(*size)
    both, alone = drawn(frame, side_by_side=True), drawn(noise(640, 360))
    assert (both.width, both.height) == (640 + GAP + 640, 360)
    for plane, plain, right, step in zip(
        (both.y, both.u, both.v), (frame.y, frame.u, frame.v), (alone.y, alone.u, alone.v), (1, 2, 2), strict=True
    ):
        width = 640 // step
        assert np.array_equal(plane[:, :width], plain[: 360 // step, :width])
        if size == (640, 360):
            assert np.array_equal(plane[:, -width:], right)


@pytest.mark.parametrize(("height", "size"), [(180, (320, 180)), (181, (320, 180)), (720, (1280, 720))])
def test_the_picture_is_scaled_to_a_height(height, size):
    frame = Overlay(CITYSCAPES_19, Appearance(opacity=0, legend="none", height=height)).draw(noise(640, 360), LABELS)
    assert (frame.width, frame.height) == size
    method = cv2.INTER_AREA if height < 360 else cv2.INTER_LINEAR
    assert np.array_equal(frame.y, cv2.resize(noise(640, 360).y, size, interpolation=method))


def test_everything_together_has_an_even_size():
    frame = drawn(noise(643, 361), side_by_side=True, height=301, legend="below", title="A drive")
    assert frame.width == 2 * 534 + GAP  # 300 x 643 / 361 = 534.3
    assert 300 < frame.height <= 336 and frame.height % 2 == 0


def test_a_title_is_in_the_upper_left_corner_and_the_legend_below_it():
    frame = noise(640, 360)
    titled, both = drawn(frame, title="A drive"), drawn(frame, title="A drive", legend="top")
    plain = drawn(frame)
    rows, columns = np.nonzero(titled.y != plain.y)
    assert rows.min() >= 8 and rows.max() < 40
    assert columns.min() >= 8 and columns.max() < 160
    below = np.nonzero((both.y != titled.y).any(1))[0]
    assert below.min() > rows.max()
    assert below.max() < 120


def test_a_long_title_fits_the_picture():
    titled, plain = drawn(noise(320, 180), title="x" * 400), drawn(noise(320, 180))
    columns = np.nonzero((titled.y != plain.y).any(0))[0]
    assert columns.max() < 320


@pytest.mark.parametrize("height", [0, 15, 100_000])
def test_heights_that_cannot_be_encoded_are_refused(height):
    with pytest.raises(InputError, match=f"height: {height}, wanted 16 to"):
        Appearance(height=height)


def test_a_frame_like_the_drawn_ones_has_their_size():
    overlay = Overlay(CITYSCAPES_19, Appearance(side_by_side=True, height=200))
    frame = noise(640, 360)
    like, shown = overlay.like(frame), overlay.draw(frame, LABELS)
    assert (like.width, like.height) == (shown.width, shown.height)
    plain = Overlay(CITYSCAPES_19, NO_LEGEND).like(frame)
    assert np.array_equal(plain.y, frame.y)
