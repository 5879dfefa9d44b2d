"""Palettes: colours by class names, from files, and how far apart they are."""

from itertools import combinations

import numpy as np
import pytest

from roadseg.errors import InputError
from roadseg.labels.catalogue import CAMVID_11, CITYSCAPES_19
from roadseg.labels.palettes import BRIGHT, COLOUR_BLIND, read_palette, recoloured

# Machado et al. 2009, table 1, severity 1.0: linear RGB as seen with protanopia and deuteranopia.
PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def least_distance(palette, seen_as=((1, 0, 0), (0, 1, 0), (0, 0, 1))):
    """The smallest distance in CIELAB (1976) of two colours of a palette at half opacity on grey."""
    blended = (0.5 * np.array([*palette.values()]) + 0.5 * 110) / 255
    linear = np.where(blended <= 0.04045, blended / 12.92, ((blended + 0.055) / 1.055) ** 2.4) @ np.array(seen_as).T
    x, y, z = (linear.clip(0, 1) @ TO_XYZ.T / [0.9505, 1, 1.089]).T
    x, y, z = (np.where(v > 0.008856, np.cbrt(v), 7.787 * v + 16 / 116) for v in (x, y, z))
    lab = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)
    return min(np.linalg.norm(one - other) for one, other in combinations(lab, 2))


def test_colours_can_be_told_apart():
    own = dict(zip(CITYSCAPES_19.classes, CITYSCAPES_19.colours, strict=True))
    assert least_distance(own) == pytest.approx(7.6, abs=0.1)
    assert least_distance(own, PROTANOPIA) < 2
    assert least_distance(BRIGHT) >= 15
    for seen_as in ((np.eye(3)), PROTANOPIA, DEUTERANOPIA):
        assert least_distance(COLOUR_BLIND, seen_as) >= 12


def test_palettes_know_every_class_of_cityscapes():
    for palette in (BRIGHT, COLOUR_BLIND):
        assert set(CITYSCAPES_19.classes) <= set(palette)


def test_classes_get_colours_by_name_or_counterpart_or_keep_theirs():
    assert recoloured(CITYSCAPES_19, "cityscapes") == CITYSCAPES_19
    assert recoloured(CITYSCAPES_19, "bright").colours[13] == BRIGHT["car"]
    camvid = recoloured(CAMVID_11, "bright")
    assert camvid.classes == CAMVID_11.classes and camvid.contains == CAMVID_11.contains
    assert camvid.colours[CAMVID_11.classes.index("Tree")] == BRIGHT["vegetation"]
    mine = recoloured(CITYSCAPES_19, {"car": (1, 2, 3), "autorickshaw": (4, 5, 6)})
    assert mine.colours[13] == (1, 2, 3) and mine.colours[:13] == CITYSCAPES_19.colours[:13]


def test_a_file_gives_colours(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('car = "#0050fF"\n"traffic light" = "#ff7d00"\n')
    assert read_palette(path) == {"car": (0, 80, 255), "traffic light": (255, 125, 0)}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('car = "blue"', "car has no colour of the form #rrggbb"),
        ("car = [0, 0, 255]", "car has no colour"),
        ('car = "#0050ff', "cannot be read"),
        ("", "has no colours"),
    ],
)
def test_other_files_are_refused(tmp_path, text, problem):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=problem):
        read_palette(path)


def test_a_missing_file_is_an_error_that_names_the_palettes(tmp_path):
    with pytest.raises(InputError, match="No such file") as error:
        read_palette(tmp_path / "brigth")
    assert "cityscapes, bright, colour-blind" in error.value.remedy
