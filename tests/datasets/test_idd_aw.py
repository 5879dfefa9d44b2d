import pytest
from helpers.tiny import street
from helpers.tiny_sets import make_idd_aw

from roadseg.datasets.idd_aw import IDD_AW
from roadseg.errors import DatasetError
from roadseg.labels.catalogue import CITYSCAPES_19, IDD_26
from roadseg.labels.space import conversion


def test_colour_images_and_polygons_are_paired_over_all_weathers(tmp_path):
    dataset = IDD_AW.open(make_idd_aw(tmp_path, 4), "val")
    assert [sample.name for sample in dataset.samples] == [
        *("FOG/0/00000000", "FOG/1/00000002", "RAIN/0/00000001", "RAIN/1/00000003")
    ]
    assert [sample.drive for sample in dataset.samples] == ["FOG/0", "FOG/1", "RAIN/0", "RAIN/1"]
    for index, number in enumerate((0, 2, 1, 3)):
        image, label = dataset.pair(index)
        assert (conversion(IDD_26, CITYSCAPES_19)[label] == street(number)[1]).all()
        assert image.shape == (*label.shape, 3)


def test_one_weather_is_a_split_of_its_own(tmp_path):
    root = make_idd_aw(tmp_path, 4)
    assert [sample.drive for sample in IDD_AW.open(root, "val-rain").samples] == ["RAIN/0", "RAIN/1"]
    assert len(IDD_AW.open(root, "val-fog+val-rain")) == 4
    with pytest.raises(DatasetError, match=r"no images \*_rgb\.png in SNOW"):
        IDD_AW.open(root, "val-snow")
    with pytest.raises(DatasetError, match="no split 'val-sun'"):
        IDD_AW.open(root, "val-sun")


def test_without_labels_it_is_a_target(tmp_path):
    dataset = IDD_AW.open(make_idd_aw(tmp_path, 2, split="train", labelled=False), "train")
    assert dataset.label_space is None
    assert len(dataset) == 2
    with pytest.raises(DatasetError, match="label"):
        dataset.label(0)


def test_a_lost_label_file_is_missed(tmp_path):
    root = make_idd_aw(tmp_path, 2)
    (root / "val" / "FOG" / "gtSeg" / "0" / "00000000_mask.json").unlink()
    with pytest.raises(DatasetError, match="1 of 2 label maps are missing"):
        IDD_AW.open(root, "val")
