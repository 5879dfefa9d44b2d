import numpy as np
import pytest

from roadseg.errors import DatasetError
from roadseg.labels.catalogue import (
    CAMVID_11,
    CAMVID_32,
    CITYSCAPES_19,
    IDD_26,
    LABEL_SPACES,
    SYNTHIA_13,
    SYNTHIA_16,
    SYNTHIA_22,
    SYNTHIA_CAMVID_9,
    label_space,
)
from roadseg.labels.space import IGNORE, LabelSpace, conversion


def converted(name, source, target):
    """The class of `target` that the class `name` of `source` becomes."""
    train_id = conversion(source, target)[source.classes.index(name)]
    return None if train_id == IGNORE else target.classes[train_id]


@pytest.mark.parametrize("space", LABEL_SPACES.values(), ids=LABEL_SPACES)
def test_every_space_is_sound(space):
    assert label_space(space.name) is space
    assert len(set(space.classes)) == len(space)
    assert set(space.contains.values()) <= set(space.classes)
    assert conversion(space, space)[: len(space)].tolist() == list(range(len(space)))


@pytest.mark.parametrize(
    ("space", "shares"), [(SYNTHIA_16, {9, 14, 16}), (SYNTHIA_13, {3, 4, 5, 9, 14, 16})], ids=["16", "13"]
)
def test_the_spaces_in_which_synthia_is_scored_are_cityscapes_without_some_classes(space, shares):
    kept = [train_id for train_id in range(19) if train_id not in shares]
    table = conversion(CITYSCAPES_19, space)
    assert [table[train_id] for train_id in kept] == list(range(len(space)))
    assert all(table[train_id] == IGNORE for train_id in shares)


@pytest.mark.parametrize(
    ("cityscapes", "camvid"),
    [
        ("terrain", "Tree"),
        ("wall", "Fence"),
        ("train", "Car"),
        ("rider", "Bicyclist"),
        ("traffic light", "SignSymbol"),
    ],
)
def test_cityscapes_classes_in_camvid(cityscapes, camvid):
    assert converted(cityscapes, CITYSCAPES_19, CAMVID_11) == camvid


def test_every_cityscapes_class_has_a_place_in_camvid_and_the_rest_is_ignored():
    table = conversion(CITYSCAPES_19, CAMVID_11)
    assert set(table[:19]) == set(range(11))
    assert set(table[19:]) == {IGNORE}
    assert IGNORE not in conversion(CITYSCAPES_19, CAMVID_32)[:19]


def test_every_class_of_the_original_camvid_has_a_place_in_the_eleven():
    assert IGNORE not in conversion(CAMVID_32, CAMVID_11)[: len(CAMVID_32)]


def test_both_ways_to_the_eleven_classes_agree_but_for_walls():
    direct = conversion(CITYSCAPES_19, CAMVID_11)
    by_way_of_32 = conversion(CAMVID_32, CAMVID_11)[conversion(CITYSCAPES_19, CAMVID_32)[:19]]
    differing = [
        CITYSCAPES_19.classes[train_id] for train_id in range(19) if by_way_of_32[train_id] != direct[train_id]
    ]
    assert differing == ["wall"]


def test_the_nine_classes_keep_terrain_and_bus_and_tell_lights_from_signs():
    assert len(SYNTHIA_CAMVID_9) == 9
    for space in (CITYSCAPES_19, SYNTHIA_22, CAMVID_32):
        assert set(conversion(space, SYNTHIA_CAMVID_9)) == {*range(9), IGNORE}
    camvid = {"VegetationMisc": "terrain", "Truck_Bus": "bus", "TrafficLight": "traffic light", "Car": None}
    for name, expected in camvid.items():
        assert converted(name, CAMVID_32, SYNTHIA_CAMVID_9) == expected


def test_lane_markings_are_road_in_camvid_and_ignored_where_synthia_is_scored_on_cityscapes():
    places = {
        CAMVID_11: "Road",
        CAMVID_32: "LaneMkgsDriv",
        SYNTHIA_CAMVID_9: "road",
        SYNTHIA_16: None,
        CITYSCAPES_19: None,
    }
    for space, expected in places.items():
        assert converted("lane marking", SYNTHIA_22, space) == expected


def test_every_cityscapes_class_has_a_place_in_idd():
    assert converted("terrain", CITYSCAPES_19, IDD_26) == "non-drivable fallback"
    assert converted("train", CITYSCAPES_19, IDD_26) == "vehicle fallback"
    assert IGNORE not in conversion(CITYSCAPES_19, IDD_26)[:19]


def test_palette_colours_classes_and_blackens_the_rest():
    palette = CITYSCAPES_19.palette
    assert palette.dtype == np.uint8
    assert palette[0].tolist() == [128, 64, 128]
    assert not palette[19:].any()


def test_a_space_has_a_colour_for_every_class():
    with pytest.raises(ValueError, match="2 classes but 1 colours"):
        LabelSpace("odd", ("road", "sky"), ((0, 0, 0),))


def test_unknown_spaces_are_refused_with_the_known_ones():
    with pytest.raises(DatasetError, match="camvid-11"):
        label_space("mars")
