import pytest

from roadseg.labels.catalogue import CAMVID_11, CITYSCAPES_19, IDD_26, SYNTHIA_13
from roadseg.labels.counterparts import SYNONYMS, likely_meant, unmatched_classes, unmatched_notices
from roadseg.labels.space import LabelSpace


def space(*names, **contains):
    return LabelSpace("mine", names, tuple((place, 0, 0) for place in range(len(names))), contains)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("tree", "vegetation"),
        ("Trees", "vegetation"),
        ("Road", "road"),
        ("traffic_light", "traffic light"),
        ("side walk", "sidewalk"),
        ("pedestrians", "person"),
        ("vegitation", "vegetation"),
        ("Motor bike", "motorcycle"),
        ("kerb", ""),
        ("autorickshaw", ""),
    ],
)
def test_what_a_name_may_have_meant(name, meant):
    assert likely_meant(name, CITYSCAPES_19) == meant


def test_only_classes_of_the_network_are_suggested():
    assert likely_meant("grass", SYNTHIA_13) == ""
    assert set(SYNONYMS.values()) <= set(CITYSCAPES_19.classes)
    assert not SYNONYMS.keys() & set(CITYSCAPES_19.classes)


def test_classes_without_a_counterpart_are_named():
    mine = space("road", "tree", "vehicle", "kerb", "hut", car="vehicle")
    assert unmatched_classes(mine, CITYSCAPES_19) == ["tree", "kerb", "hut"]
    assert unmatched_notices(mine, CITYSCAPES_19) == (
        "tree: no such class in cityscapes-19; did you mean vegetation?",
        "kerb, hut: no such class in cityscapes-19",
    )
    assert unmatched_notices(space("road"), CITYSCAPES_19) == unmatched_notices(CAMVID_11, CITYSCAPES_19) == ()


def test_names_of_published_sets_need_no_hint():
    (notice,) = unmatched_notices(IDD_26, CITYSCAPES_19)
    assert notice.startswith("drivable fallback, curb, guard rail, ")
