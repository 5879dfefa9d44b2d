import json
import pickle

import cv2
import numpy as np
import pytest
from helpers.tiny import street
from helpers.tiny_sets import make_idd

from roadseg.datasets.catalogue import DATASETS
from roadseg.datasets.idd import IDD, MERGED, TRAIN_IDS, VOID, read_polygons
from roadseg.errors import DatasetError
from roadseg.labels.catalogue import CITYSCAPES_19, IDD_26
from roadseg.labels.space import IGNORE, conversion


def annotated(tmp_path, *objects, size=(6, 2), **changes):
    """An annotation of rectangles (label, first column, last column[, deleted]) over the whole height."""
    width, height = size
    written = [
        {
            "label": label,
            "polygon": [[left, 0], [right, 0], [right, height - 1], [left, height - 1]],
            **({"deleted": rest[0]} if rest else {}),
        }
        for label, left, right, *rest in objects
    ]
    path = tmp_path / "0_gtFine_polygons.json"
    path.write_text(json.dumps({"imgWidth": width, "imgHeight": height, "objects": written, **changes}))
    return path


def names(label):
    return [IDD_26.classes[train_id] if train_id != IGNORE else "-" for train_id in label[0]]


def test_images_and_polygons_of_both_parts_are_paired(tmp_path):
    dataset = IDD.open(make_idd(tmp_path, 3), "val")
    assert [sample.name for sample in dataset.samples] == ["100/000000", "100/000002", "101/000001"]
    for index, number in enumerate((0, 2, 1)):
        image, label = dataset.pair(index)
        _, truth = street(number)
        assert (conversion(IDD_26, CITYSCAPES_19)[label] == truth).all()
        assert image.shape == (*label.shape, 3)
    assert label.dtype == np.uint8


def test_the_reader_goes_to_worker_processes(tmp_path):
    dataset = pickle.loads(pickle.dumps(IDD.open(make_idd(tmp_path, 1), "val")))
    assert dataset.label(0).shape == (64, 96)


def test_later_objects_cover_earlier_ones_and_deleted_ones_do_not_count(tmp_path):
    path = annotated(tmp_path, ("road", 0, 5), ("car", 1, 2), ("sky", 3, 4, 1), ("person", 4, 4, 0))
    assert names(read_polygons(path)) == ["road", "car", "car", "road", "person", "road"]


def test_labels_of_level_4_belong_to_classes_of_level_3(tmp_path):
    path = annotated(tmp_path, ("parking", 0, 0), ("animal", 1, 1), ("train", 2, 2), ("tunnel", 3, 3), ("sky", 4, 4))
    assert names(read_polygons(path)) == ["drivable fallback", "person", "vehicle fallback", "bridge", "sky", "-"]


def test_void_takes_labels_away(tmp_path):
    path = annotated(tmp_path, ("car", 0, 5), ("license plate", 1, 1), ("out of roi", 4, 5))
    assert names(read_polygons(path)) == ["car", "-", "car", "car", "-", "-"]


def test_groups_are_what_they_are_groups_of(tmp_path):
    path = annotated(tmp_path, ("cargroup", 0, 2), ("polegroup", 3, 5))
    assert names(read_polygons(path)) == ["car"] * 3 + ["pole"] * 3


def test_every_label_of_the_public_tools_is_known():
    assert len(TRAIN_IDS) == len(IDD_26) + len(MERGED) + len(VOID) == 40


def test_an_unknown_label_names_file_and_label(tmp_path):
    path = annotated(tmp_path, ("road", 0, 5), ("spaceship", 1, 2))
    with pytest.raises(DatasetError, match=rf"{path}: unknown label 'spaceship'\nIDD's labels are road, "):
        read_polygons(path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"imgWidth": 4, "imgHeight": 0, "objects": []}',
        '{"imgWidth": 4, "imgHeight": 4, "objects": [{"label": "road"}]}',
        '{"imgWidth": 4, "imgHeight": 4, "objects": [{"label": "road", "polygon": [[1, 2, 3]]}]}',
        '{"imgWidth": 4, "imgHeight": 4, "objects": [{"label": "road", "polygon": [[1, NaN]]}]}',
        '{"imgWidth": 4, "imgHeight": 4, "objects": [{"label": 3, "polygon": [[1, 2]]}]}',
        "\x89PNG",
        '{"imgWidth": 40000, "imgHeight": 40000, "objects": []}',
        '{"imgWidth": 4, "imgHeight": 4, "objects": [{"label": "road", "polygon": [[1, %s]]}]}' % ("9" * 400),
        '{"imgWidth": 4, "imgHeight": 4, "objects": [{"label": "road", "polygon": [[1, %s]]}]}' % ("9" * 5000),
        '{"imgWidth": 4, "imgHeight": 4, "objects": [{"label": "road", "polygon": [[1, 4294967297]]}]}',
        '{"imgWidth": 1e999, "imgHeight": 4, "objects": []}',
        '{"imgWidth": 4, "imgHeight": 4, "objects": [%s{}]}' % ('{"label": "road", "polygon": []},' * 4096),
        '{"imgWidth": 4, "imgHeight": 4, "objects": [{"label": "road", "polygon": [%s[1, 2]]}]}' % ("[1,2]," * 100_000),
        "[" * 200_000,
        '{"objects": ' * 200_000,
    ],
    ids=lambda content: content[:30],
)
def test_what_is_no_annotation_is_refused(tmp_path, content):
    path = tmp_path / "0_gtFine_polygons.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(DatasetError, match=r"_polygons.json: not polygons in the form of IDD") as error:
        read_polygons(path)
    assert str(error.value).count("\n") == 1
    assert len(str(error.value)) < 600


def test_images_without_labels_are_a_target(tmp_path):
    make_idd(tmp_path, 2, split="train", labelled=False)
    dataset = IDD.open(tmp_path, "train")
    assert len(dataset) == 2
    with pytest.raises(DatasetError, match="Unpack gtFine in"):
        dataset.label(0)


def test_a_missing_annotation_is_an_error(tmp_path):
    make_idd(tmp_path, 3)
    (tmp_path / "gtFine" / "val" / "101" / "000001_gtFine_polygons.json").unlink()
    with pytest.raises(DatasetError, match="1 of 3 label maps are missing"):
        IDD.open(tmp_path, "val")


def test_images_of_another_set_are_refused(tmp_path):
    (tmp_path / "leftImg8bit" / "val" / "0").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "leftImg8bit" / "val" / "0" / "a.png"), np.zeros((2, 2), np.uint8))
    with pytest.raises(DatasetError, match=r"no images \*_leftImg8bit"):
        IDD.open(tmp_path, "val")


def test_published_counts_are_those_of_both_parts():
    assert DATASETS["idd"].splits == {"train": 14_027, "val": 2_036, "test": 4_038}


def test_cityscapes_classes_in_idd():
    table = conversion(CITYSCAPES_19, IDD_26)
    counterparts = {name: IDD_26.classes[table[place]] for place, name in enumerate(CITYSCAPES_19.classes)}
    others = {name: other for name, other in counterparts.items() if name != other}
    assert others == {"terrain": "non-drivable fallback", "train": "vehicle fallback"}
