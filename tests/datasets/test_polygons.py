"""Polygons become label maps, pixel for pixel."""

import numpy as np
from PIL import Image, ImageDraw

from roadseg.datasets.polygons import Region, painted
from roadseg.labels.space import IGNORE


def corners(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, np.float64).reshape(-1, 2)


def test_the_outline_belongs_to_the_region():
    labels = painted([Region(3, corners((1, 1), (3, 1), (3, 2), (1, 2)))], (5, 4))
    _ = IGNORE
    assert labels.tolist() == [
        [_, _, _, _, _],
        [_, 3, 3, 3, _],
        [_, 3, 3, 3, _],
        [_, _, _, _, _],
    ]


def test_later_regions_cover_earlier_ones():
    whole = corners((0, 0), (3, 0), (3, 1), (0, 1))
    left = corners((0, 0), (1, 0), (1, 1), (0, 1))
    assert painted([Region(1, whole), Region(2, left)], (4, 2)).tolist() == [[2, 2, 1, 1]] * 2
    assert painted([Region(2, left), Region(1, whole)], (4, 2)).tolist() == [[1, 1, 1, 1]] * 2


def test_an_ignored_region_takes_labels_away():
    whole = corners((0, 0), (3, 0), (3, 1), (0, 1))
    assert painted([Region(1, whole), Region(IGNORE, whole[:2])], (4, 2)).tolist() == [[IGNORE] * 4, [1] * 4]


def test_corners_are_cut_to_whole_pixels():
    labels = painted([Region(1, corners((0.9, 0.9), (2.9, 0.9), (2.9, 1.9), (0.9, 1.9)))], (5, 3))
    assert np.argwhere(labels == 1).tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]


def test_regions_may_reach_beyond_the_image():
    around = corners((-50.5, -50.5), (1e6, -50.5), (1e6, 1e6), (-50.5, 1e6))
    assert (painted([Region(7, around)], (6, 4)) == 7).all()
    outside = corners((100, 100), (120, 100), (120, 120))
    assert (painted([Region(7, outside)], (6, 4)) == IGNORE).all()


def test_two_corners_are_a_line_and_fewer_are_nothing():
    line = painted([Region(1, corners((1, 1), (3, 1)))], (5, 3))
    assert np.argwhere(line == 1).tolist() == [[1, 1], [1, 2], [1, 3]]
    assert (painted([Region(1, corners((1, 1))), Region(1, corners())], (5, 3)) == IGNORE).all()


def test_regions_are_those_of_pillow_but_for_a_pixel_in_a_hundred():
    rng = np.random.default_rng(0)
    width, height = 480, 270
    painted_pixels = other_pixels = 0
    for _ in range(100):
        count = rng.integers(3, 30)
        angles, radii = np.sort(rng.uniform(0, 2 * np.pi, count)), rng.uniform(5, 120, count)
        centre = rng.uniform((-20, -20), (width + 20, height + 20))
        polygon = centre + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        ours = painted([Region(1, polygon)], (width, height)) == 1
        picture = Image.new("L", (width, height))
        ImageDraw.Draw(picture).polygon([tuple(corner) for corner in polygon], fill=1)
        painted_pixels += ours.sum()
        other_pixels += (ours != (np.asarray(picture) == 1)).sum()
    assert 0 < other_pixels < 0.015 * painted_pixels
