"""Colour conversion against the formulas of ITU-R BT.601-7, BT.709-6 and BT.2020-2."""

import threading
from fractions import Fraction

import numpy as np
import pytest

from roadseg.video.frame import Frame

LUMA_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
"""Kr and Kb."""
BLOCK = 16


def encode(rgb, matrix, full_range):
    kr, kb = LUMA_WEIGHTS[matrix]
    red, green, blue = np.moveaxis(rgb / 255, -1, 0)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))
    levels = (
        (255 * luma, 255 * cb + 128, 255 * cr + 128)
        if full_range
        else (219 * luma + 16, 224 * cb + 128, 224 * cr + 128)
    )
    return tuple(np.clip(np.rint(level), 0, 255).astype(np.uint8) for level in levels)


def decode(y, u, v, matrix, full_range):
    kr, kb = LUMA_WEIGHTS[matrix]
    y, u, v = (level.astype(float) for level in (y, u, v))
    luma, cb, cr = (
        (y / 255, (u - 128) / 255, (v - 128) / 255)
        if full_range
        else ((y - 16) / 219, (u - 128) / 224, (v - 128) / 224)
    )
    red, blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return np.clip(255 * np.stack([red, green, blue], -1), 0, 255)


def blocks(level, size):
    return np.kron(level, np.ones((size, size), np.uint8))


def patchwork(matrix="bt709", full_range=False):
    """A frame of 16 x 16 flat blocks of random colours, and their RGB by the standard."""
    colours = np.random.default_rng(7).integers(0, 256, (16, 16, 3))
    levels = encode(colours, matrix, full_range)
    planes = (blocks(level, size) for level, size in zip(levels, (BLOCK, BLOCK // 2, BLOCK // 2), strict=True))
    return Frame(*planes, matrix, full_range, 0, 0, Fraction(1, 25), 1), decode(*levels, matrix, full_range)


def centres(image):
    height, width = image.shape[:2]
    rows, columns = (((np.arange(16) + 0.5) * size / 16).astype(int) for size in (height, width))
    return image[rows][:, columns].astype(float)


@pytest.mark.parametrize("size", [None, (64, 48), (100, 90), (512, 512)])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", LUMA_WEIGHTS)
def test_to_rgb_follows_the_standard(matrix, full_range, size):
    frame, expected = patchwork(matrix, full_range)
    image = frame.to_rgb(size)
    assert image.dtype == np.uint8
    assert image.shape == ((size or (256, 256))[1], (size or (256, 256))[0], 3)
    assert np.abs(centres(image) - expected).max() <= 0.6


@pytest.mark.parametrize("size", [(64, 48), (63, 36), (1280, 2)])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", LUMA_WEIGHTS)
def test_planes_of_rgb_have_the_values_of_rgb(matrix, full_range, size):
    width, height = size
    noise = np.random.default_rng(2)
    planes = [noise.integers(0, 256, (-(-height // step), -(-width // step)), np.uint8) for step in (1, 2, 2)]
    frame = Frame(*planes, matrix, full_range, 0, 0, Fraction(1, 25), 1)
    assert np.array_equal(np.dstack(frame.to_rgb_planes()), frame.to_rgb())


@pytest.mark.parametrize("matrix", LUMA_WEIGHTS)
def test_from_rgb_follows_the_standard(matrix):
    colours = np.random.default_rng(3).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    image = np.kron(colours, np.ones((BLOCK, BLOCK, 1), np.uint8))
    frame = Frame.from_rgb(image, index=4, pts=70, time_base=Fraction(1, 90), duration=3, matrix=matrix)
    assert (frame.matrix, frame.full_range) == (matrix, False)
    assert (frame.index, frame.pts, frame.time_base, frame.duration) == (4, 70, Fraction(1, 90), 3)
    for plane, expected in zip((frame.y, frame.u, frame.v), encode(colours, matrix, False), strict=True):
        assert np.abs(centres(plane[..., None])[..., 0] - expected).max() <= 1


def test_rgb_survives_the_round_trip():
    image = np.kron(
        np.random.default_rng(5).integers(0, 256, (9, 11, 3)).astype(np.uint8), np.ones((8, 8, 1), np.uint8)
    )
    again = Frame.from_rgb(image, index=0, pts=0, time_base=Fraction(1, 25), duration=1).to_rgb()
    assert np.abs(again[4::8, 4::8].astype(int) - image[4::8, 4::8]).max() <= 3


@pytest.mark.parametrize("shape", [(15, 17), (1, 1), (2, 3)])
def test_odd_sizes(shape):
    image = np.full((*shape, 3), (200, 100, 50), np.uint8)
    frame = Frame.from_rgb(image, index=0, pts=0, time_base=Fraction(1, 25), duration=1)
    assert (frame.height, frame.width) == shape
    assert np.abs(frame.to_rgb().astype(int) - image).max() <= 2


def test_strided_planes_are_read_right():
    frame, _ = patchwork()
    wide = Frame(
        *(np.concatenate([plane, 255 - plane], 1)[:, : plane.shape[1]] for plane in (frame.y, frame.u, frame.v)),
        frame.matrix, frame.full_range, 0, 0, frame.time_base, 1,
    )  # fmt: skip
    assert not wide.y.flags.c_contiguous
    assert np.array_equal(wide.to_rgb(), frame.to_rgb())


def test_shrinking_averages_instead_of_dropping_pixels():
    stripes = np.tile(np.array([16, 235], np.uint8), (64, 128))
    grey = np.full((32, 128), 128, np.uint8)
    image = Frame(stripes, grey, grey, "bt709", False, 0, 0, Fraction(1, 25), 1).to_rgb((64, 16))
    assert np.abs(image.astype(int) - 128).max() <= 1


def test_threads_do_not_disturb_each_other():
    frame, _ = patchwork()
    sizes = [(64, 48), (128, 128), (300, 200)]
    expected = {size: frame.to_rgb(size) for size in sizes}
    wrong = []

    def convert(size):
        wrong.extend(size for _ in range(30) if not np.array_equal(frame.to_rgb(size), expected[size]))

    threads = [threading.Thread(target=convert, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_from_rgb_refuses_what_is_not_rgb(image):
    with pytest.raises(ValueError, match=r"\(H, W, 3\) uint8"):
        Frame.from_rgb(image, index=0, pts=0, time_base=Fraction(1, 25), duration=1)
