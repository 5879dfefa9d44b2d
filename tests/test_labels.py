import numpy as np
import pytest

from roadseg.errors import DatasetError
from roadseg.labels import CAMVID_11, CITYSCAPES_19, IGNORE, conversion, label_space


def test_cityscapes_ids():
    raw = np.array([[7, 33, 11], [0, 29, 255]])
    assert CITYSCAPES_19.encode(raw).tolist() == [[0, 18, 2], [IGNORE] * 3]
    assert len(CITYSCAPES_19) == len(CITYSCAPES_19.raw_ids) == 19


@pytest.mark.parametrize(
    ("cityscapes", "camvid"),
    [("terrain", "Tree"), ("wall", "Fence"), ("train", "Car"), ("rider", "Bicyclist"), ("traffic light", "SignSymbol")],
)
def test_cityscapes_classes_in_camvid(cityscapes, camvid):
    table = conversion(CITYSCAPES_19, CAMVID_11)
    assert CAMVID_11.classes[table[CITYSCAPES_19.classes.index(cityscapes)]] == camvid


def test_every_cityscapes_class_has_a_place_in_camvid_and_the_rest_is_ignored():
    table = conversion(CITYSCAPES_19, CAMVID_11)
    assert set(table[:19]) == set(range(11))
    assert set(table[19:]) == {IGNORE}


def test_conversion_to_itself_changes_nothing():
    assert conversion(CAMVID_11, CAMVID_11)[:11].tolist() == list(range(11))


def test_palette_colours_classes_and_blackens_the_rest():
    palette = CITYSCAPES_19.palette
    assert palette[0].tolist() == [128, 64, 128]
    assert not palette[19:].any()


def test_ids_beyond_a_byte_are_refused():
    with pytest.raises(DatasetError, match="300"):
        CITYSCAPES_19.encode(np.array([300]))


def test_unknown_spaces_are_refused_with_the_known_ones():
    with pytest.raises(DatasetError, match="camvid-11"):
        label_space("mars")
