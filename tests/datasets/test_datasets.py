import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.tiny import BUILDING, CAR, ROAD, SKY, street, write_streets
from helpers.tiny_sets import (
    make_camvid,
    make_camvid_original,
    make_cityscapes,
    make_gta5,
    make_synthia,
    write_image,
    write_palette_png,
)

from roadseg.datasets.camvid import split_of
from roadseg.datasets.catalogue import DATASETS, dataset_kind, open_dataset
from roadseg.errors import DatasetError
from roadseg.labels.catalogue import (
    CAMVID_11,
    CITYSCAPES_19,
    LABEL_SPACES,
    SYNTHIA_16,
    SYNTHIA_22,
    SYNTHIA_CAMVID_9,
    label_space,
)
from roadseg.labels.space import IGNORE, LabelSpace

MAKERS = {
    "streets": write_streets,
    "gta5": make_gta5,
    "synthia": make_synthia,
    "cityscapes": make_cityscapes,
    "camvid": make_camvid,
    "camvid-original": make_camvid_original,
}
NIGHT = {"cityscapes", "camvid", "camvid-original"}
"""Sets that are made as targets."""
NAMES = {
    "streets": "000002",
    "gta5": "00003",
    "synthia": "0000002",
    "cityscapes": "frankfurt/frankfurt_000002_000019",
    "camvid": "0016E5_07963",
    "camvid-original": "0016E5_07963",
}
"""Name of the last sample."""


def opened(kind, root):
    return open_dataset(f"{kind}:{root}")


@pytest.fixture(params=MAKERS)
def kind(request):
    return request.param


def test_every_kind_is_read_in_its_own_form(tmp_path, kind):
    dataset = opened(kind, MAKERS[kind](tmp_path / "set", 3))
    image, label = street(2, night=kind in NIGHT)
    assert (dataset.name, len(dataset), dataset.samples[2].name) == (kind, 3, NAMES[kind])
    assert np.array_equal(dataset.image(2), image)
    read_image, read_label = dataset.pair(2)
    assert np.array_equal(read_image, image)
    names = {
        name: {
            dataset.label_space.classes[train_id].lower() for train_id in np.unique(read_label[label == train_id_here])
        }
        for name, train_id_here in (("road", ROAD), ("building", BUILDING), ("sky", SKY), ("car", CAR))
    }
    assert names == {name: {name} for name in names}


def test_what_is_read_travels_to_worker_processes(tmp_path, kind):
    dataset = opened(kind, MAKERS[kind](tmp_path / "set", 1))
    assert np.array_equal(pickle.loads(pickle.dumps(dataset)).label(0), dataset.label(0))


def test_every_kind_is_described(kind):
    described = DATASETS[kind]
    assert described.title and described.licence and described.layout
    assert not described.label_space or described.label_space in LABEL_SPACES


def test_label_maps_are_those_of_the_kinds_label_space(tmp_path, kind):
    dataset = opened(kind, MAKERS[kind](tmp_path / "set", 1))
    assert dataset.label_space == label_space(DATASETS[kind].label_space)
    assert dataset.label(0).dtype == np.uint8


def test_frames_are_found_at_any_depth_and_have_no_labels(tmp_path):
    for name in ("a/1.jpg", "b/c/2.png", "b/._2.png"):
        write_image(tmp_path / name, np.zeros((8, 8, 3), np.uint8))
    dataset = dataset_kind("frames").open(tmp_path)
    assert [sample.name for sample in dataset.samples] == ["a/1", "b/c/2"]
    with pytest.raises(DatasetError, match=r"no label maps\nChoose a labelled data set"):
        dataset.label(0)


def test_synthia_is_read_from_derived_releases_too(tmp_path):
    genuine = dataset_kind("synthia").open(make_synthia(tmp_path / "genuine", 1))
    derived = dataset_kind("synthia").open(make_synthia(tmp_path / "derived", 1, derived=True))
    assert np.array_equal(genuine.label(0), derived.label(0))


def test_a_network_of_another_space_is_taught_its_own_classes(tmp_path):
    synthia = dataset_kind("synthia").open(make_synthia(tmp_path / "set", 1))
    label = street(0)[1]
    in_19 = synthia.in_space(CITYSCAPES_19)
    assert in_19.label_space == CITYSCAPES_19
    assert np.array_equal(in_19.label(0), label)
    in_16 = synthia.in_space(SYNTHIA_16).label(0)
    assert np.array_equal(in_16 == SYNTHIA_16.classes.index("car"), label == CAR)
    in_9 = synthia.in_space(SYNTHIA_CAMVID_9).label(0)
    assert np.array_equal(in_9 == IGNORE, (label == SKY) | (label == CAR))
    assert synthia.in_space(SYNTHIA_22) is synthia


def test_both_forms_of_camvid_agree_in_the_eleven_classes(tmp_path):
    grouped = dataset_kind("camvid").open(make_camvid(tmp_path / "camvid", 2), "val")
    original = dataset_kind("camvid-original").open(make_camvid_original(tmp_path / "original", 2), "val")
    assert np.array_equal(original.in_space(CAMVID_11).label(1), grouped.label(1))


def test_a_space_that_shares_no_class_is_refused(tmp_path):
    strange = LabelSpace("strange", ("unicorn",), ((1, 2, 3),))
    with pytest.raises(DatasetError, match="cityscapes-19 and strange share no class"):
        dataset_kind("gta5").open(make_gta5(tmp_path / "set", 1)).in_space(strange)


def test_samples_are_divided_over_processes(tmp_path):
    dataset = dataset_kind("gta5").open(make_gta5(tmp_path / "set", 5))
    parts = [dataset.part(rank, 2) for rank in range(2)]
    assert [sample.name for sample in parts[1].samples] == ["00002", "00004"]
    assert sorted(sample.name for part in parts for sample in part.samples) == [s.name for s in dataset.samples]
    assert [sample.name for sample in dataset.every(3).samples] == ["00001", "00004"]
    assert [sample.name for sample in dataset.evenly_spread(3).samples] == ["00001", "00003", "00005"]
    assert dataset.evenly_spread(9) is dataset


def test_cityscapes_without_labels_will_do_as_a_target(tmp_path):
    root = make_cityscapes(tmp_path / "set", 2, labelled=False)
    dataset = dataset_kind("cityscapes").open(root, "val")
    assert dataset.image(1).shape == (64, 96, 3)
    for ask in (lambda: dataset.label(1), lambda: dataset.pair(1), lambda: dataset.in_space(SYNTHIA_16)):
        with pytest.raises(DatasetError, match=r"no label maps\nUnpack gtFine in "):
            ask()


def test_a_split_of_cityscapes_without_its_images_says_so(tmp_path):
    root = make_cityscapes(tmp_path / "set", 1)
    with pytest.raises(DatasetError, match="leftImg8bit/train: no such folder"):
        dataset_kind("cityscapes").open(root, "train")
    next(root.rglob("*_leftImg8bit.png")).rename(root / "leftImg8bit" / "val" / "renamed.png")
    with pytest.raises(DatasetError, match=r"val: no images \*_leftImg8bit\.png or \.jpg in it"):
        dataset_kind("cityscapes").open(root, "val")


def test_the_dummy_labels_of_cityscapes_test_are_not_taken_for_truth(tmp_path):
    dataset = dataset_kind("cityscapes").open(make_cityscapes(tmp_path / "set", 1, split="test"), "test")
    with pytest.raises(DatasetError, match="no label maps\nChoose the val split"):
        dataset.label(0)


def test_stills_of_camvid_are_split_by_sequence(tmp_path):
    root = make_camvid_original(tmp_path / "set", 2)
    names = {
        split: [s.name for s in dataset_kind("camvid-original").open(root, split).samples]
        for split in DATASETS["camvid-original"].splits
    }
    assert names == {
        "train": ["0006R0_f00930", "0006R0_f00932"],
        "val": ["0016E5_07959", "0016E5_07961"],
        "test": ["Seq05VD_f00000", "Seq05VD_f00002"],
    }
    boundaries = {"0001TP_008520": "train", "0001TP_008550": "test", "0016E5_07950": "train", "0016E5_08190": "train"}
    assert {name: split_of(name) for name in boundaries} == boundaries
    write_image(root / "701_StillsRaw_full" / "holiday.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(DatasetError, match="holiday: no still of CamVid"):
        dataset_kind("camvid-original").open(root, "val")


@pytest.mark.real_data
def test_camvid_is_read_as_it_is_downloaded(real_data):
    train, val = (dataset_kind("camvid").open(real_data / "camvid", split) for split in ("train", "val"))
    published = DATASETS["camvid"].splits
    assert (len(train), len(val)) == (published["train"], published["val"])
    labels = np.unique(np.stack([val.pair(i)[1] for i in range(0, 101, 10)]))
    assert set(labels) <= {*range(11), 255}
    assert val.image(0).shape == (360, 480, 3)
    for split, dataset in (("train", train), ("val", val)):
        assert {split_of(sample.name) for sample in dataset.samples} == {split}


def test_label_maps_of_another_size_are_refused_naming_both_files(tmp_path):
    root = make_synthia(tmp_path / "set", 2)
    write_image(root / "RGB" / "0000001.png", np.zeros((32, 48, 3), np.uint8))
    with pytest.raises(DatasetError, match=r"RGB/0000001\.png has 48x32 pixels.*LABELS/0000001\.png 96x64"):
        dataset_kind("synthia").open(root).pair(1)


def test_label_maps_of_gta5_are_resized_where_the_download_has_them_in_another_size(tmp_path):
    root = make_gta5(tmp_path / "set", 1)
    quarters = np.array([[7, 11], [23, 26]], np.uint8)
    write_palette_png(root / "labels" / "00001.png", quarters)
    image, label = dataset_kind("gta5").open(root).pair(0)
    assert label.shape == image.shape[:2]
    assert label[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [ROAD, BUILDING, SKY, CAR]
    assert (label[:32, :48] == ROAD).all() and (label[32:, 48:] == CAR).all()


def labels_of(root):
    return sorted(path for path in root.rglob("*.png") if {"LABELS", "labels"} & set(path.parts))


def break_missing(root):
    for path in labels_of(root)[1:]:
        path.unlink()


def break_colour(root):
    cv2.imwrite(str(labels_of(root)[1]), np.zeros((64, 96, 3), np.uint8))


def break_id(root):
    cv2.imwrite(str(labels_of(root)[1]), np.full((64, 96), 77, np.uint8))


def break_image(root):
    next(path for path in sorted(root.rglob("*1.png")) if path not in labels_of(root)).write_text("not a picture")


def break_emptiness(root):
    for path in set(root.rglob("*.png")) - set(labels_of(root)):
        path.unlink()


def break_folder(root):
    labels_of(root)[0].parent.rename(root / "elsewhere")


@pytest.mark.parametrize("maker", [write_streets, make_synthia])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_missing, r"2 of 3 label maps are missing; the first is .*1\.png"),
        (break_folder, r"has no label maps\nUnpack (labels|LABELS) in "),
        (break_colour, r"1\.png: a label map has one channel"),
        (break_id, r"1\.png: label id 77 is unknown"),
        (break_image, r"1\.png: cannot be read as an image"),
        (break_emptiness, "no images in it"),
    ],
)
def test_a_damaged_set_says_which_file_is_wrong(tmp_path, maker, damage, message):
    root = maker(tmp_path / "set", 3)
    damage(root)
    with pytest.raises(DatasetError, match=message):
        dataset_kind("streets" if maker is write_streets else "synthia").open(root).pair(1)


@pytest.mark.parametrize("text", ["label_space = ", 'kind = "streets"', 'label_space = "mars"'])
def test_streets_need_their_description(tmp_path, text):
    root = write_streets(tmp_path / "set", 1)
    (root / "dataset.toml").write_text(text)
    with pytest.raises(DatasetError, match=r"dataset\.toml: not readable|unknown label space"):
        dataset_kind("streets").open(root)
    (root / "dataset.toml").unlink()
    with pytest.raises(DatasetError, match=r"no dataset\.toml in it\nCreate the folder with `roadseg synth`"):
        dataset_kind("streets").open(root)


def test_a_sample_without_a_label_file_among_others_says_so(tmp_path):
    dataset = dataset_kind("gta5").open(make_gta5(tmp_path / "set", 1))
    bare = replace(dataset, samples=[replace(dataset.samples[0], label=None)])
    with pytest.raises(DatasetError, match="00001 has no label map"):
        bare.label(0)


@pytest.mark.parametrize(
    ("kind", "maker", "labels"),
    [
        ("camvid", make_camvid, "valannot"),
        ("camvid-original", make_camvid_original, "LabeledApproved_full"),
        ("synthia", make_synthia, "GT/LABELS"),
    ],
)
def test_a_target_needs_images_only(tmp_path, kind, maker, labels):
    root = maker(tmp_path, 2)
    shutil.rmtree(root / labels)
    dataset = dataset_kind(kind).open(root, "train" if kind == "synthia" else "val")
    assert dataset.image(1).shape == (64, 96, 3)
    for use in (lambda: dataset.label(0), lambda: dataset.in_space(CITYSCAPES_19)):
        with pytest.raises(DatasetError, match=f"{kind}: has no label maps\nUnpack {Path(labels).name} in "):
            use()
