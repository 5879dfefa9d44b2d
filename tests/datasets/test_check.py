import shutil
import time
from dataclasses import replace

import numpy as np
import pytest
from helpers.tiny_sets import (
    make_camvid,
    make_cityscapes,
    make_folder,
    make_gta5,
    make_idd,
    write_image,
    write_palette_png,
)

from roadseg.datasets.catalogue import DATASETS, DatasetReference, dataset_kind
from roadseg.datasets.check import check_dataset
from roadseg.errors import DatasetError


def published(kind, **counts):
    """The kind with another number of published images."""
    return replace(DATASETS[kind], splits=counts)


def checked(kind, root, split="", **options):
    return check_dataset(DatasetReference(kind, root, split), **options)


def causes(report):
    return [problem.cause for problem in report.problems]


def test_a_whole_data_set_is_fine(tmp_path):
    report = checked(published("cityscapes", val=3), make_cityscapes(tmp_path, 3), "val")
    assert report.fine
    assert (report.images, report.published, report.checked, report.split) == (3, 3, 3, "val")
    assert report.sizes == {(96, 64): 3}
    assert report.label_space.name == "cityscapes-19"


def test_shares_are_of_the_labelled_pixels(tmp_path):
    root = tmp_path
    write_image(root / "images" / "a.png", np.zeros((1, 4, 3), np.uint8))
    write_palette_png(root / "labels" / "a.png", np.array([[7, 7, 26, 0]], np.uint8))
    report = checked(published("gta5", train=1), root)
    shown = {name: share for name, share in report.shares.items() if share}
    assert shown == {"road": pytest.approx(200 / 3), "car": pytest.approx(100 / 3)}
    assert report.ignored == 25


def test_a_partial_download_is_told_as_such(tmp_path):
    report = checked(DATASETS["cityscapes"], make_cityscapes(tmp_path, 2), "val")
    assert causes(report) == [f"{tmp_path}: only 2 of 500 published images are present"]


def test_more_images_than_published_are_told(tmp_path):
    report = checked(published("camvid", val=1), make_camvid(tmp_path, 2), "val")
    assert causes(report) == [f"{tmp_path}: 2 images are present, only 1 are published"]


def test_a_part_that_is_published_by_itself_is_whole(tmp_path):
    kind = replace(published("idd", val=5), parts={"val": {"part I": 2, "part II": 3}})
    report = checked(kind, make_idd(tmp_path, 3), "val")
    assert report.fine
    assert (report.part, report.published) == ("part II", 3)


def test_unlabelled_images_are_checked_too(tmp_path):
    make_cityscapes(tmp_path, 2, split="test", labelled=False)
    report = checked(published("cityscapes", test=2), tmp_path, "test")
    assert report.fine
    assert report.label_space is None
    assert not report.shares


def test_broken_files_are_named_and_do_not_stop_the_check(tmp_path):
    root = make_gta5(tmp_path, 6)
    (root / "images" / "00001.png").write_text("hello")
    half(root / "images" / "00002.png")
    (root / "labels" / "00003.png").write_bytes(b"")
    write_image(root / "labels" / "00004.png", np.zeros((64, 96, 3), np.uint8))
    write_palette_png(root / "labels" / "00005.png", np.full((64, 96), 77, np.uint8))
    report = checked(published("gta5", train=6), root)
    expected = [
        "images/00001.png: cannot be read as an image",
        "images/00002.png: cut off, its end is missing",
        "labels/00003.png: cannot be read as a label map",
        "labels/00004.png: a label map has one channel of class ids",
        "labels/00005.png: label id 77 is unknown in this data set",
    ]
    assert len(report.problems) == len(expected)
    for cause, start in zip(causes(report), expected, strict=True):
        assert cause.startswith(f"{root}/{start}")
    assert all(problem.remedy for problem in report.problems)
    assert report.sizes == {(96, 64): 1}


def test_a_jpeg_that_ends_too_early_is_no_image(tmp_path):
    root = make_idd(tmp_path, 2)
    half(root / "leftImg8bit" / "val" / "101" / "000001_leftImg8bit.jpg")
    report = checked(published("idd", val=2), root, "val")
    assert [cause.rpartition("/")[2] for cause in causes(report)] == [
        "000001_leftImg8bit.jpg: cut off, its end is missing"
    ]


def test_what_stands_behind_the_end_of_an_image_does_not_matter(tmp_path):
    root = make_folder(tmp_path, 1)
    image = root / "images" / "drive_000.jpg"
    image.write_bytes(image.read_bytes() + bytes(500))
    assert checked(DATASETS["folder"], root).fine


def test_pairs_of_two_sizes_are_wrong_except_where_they_are_known(tmp_path):
    for kind, make, label in (
        ("gta5", make_gta5, "labels/00001.png"),
        ("camvid", make_camvid, "valannot/0016E5_07959.png"),
    ):
        root = make(tmp_path / kind, 1)
        (write_palette_png if kind == "gta5" else write_image)(root / label, np.zeros((32, 48), np.uint8) + 7)
    assert checked(published("gta5", train=1), tmp_path / "gta5").fine
    (cause,) = causes(checked(published("camvid", val=1), tmp_path / "camvid"))
    assert "has 96x64 pixels" in cause
    assert "48x32" in cause


def test_labels_without_a_single_class_are_wrong(tmp_path):
    root = make_gta5(tmp_path, 1)
    write_palette_png(root / "labels" / "00001.png", np.zeros((64, 96), np.uint8))
    assert causes(checked(published("gta5", train=1), root)) == [
        f"{root}: every pixel of the read label maps is ignored"
    ]


@pytest.mark.parametrize(
    ("sample", "broken", "found"),
    [(3, 0, True), (3, 3, False), (3, 9, True), (None, 3, True), (50, 3, True)],
)
def test_a_sample_is_spread_evenly_from_first_to_last(tmp_path, sample, broken, found):
    root = make_folder(tmp_path, 10)
    half(root / "masks" / f"drive_{broken:03}.png")
    report = checked(DATASETS["folder"], root, sample=sample)
    assert report.checked == min(sample or 10, 10)
    assert bool(report.problems) == found


def test_progress_is_told_in_the_calling_thread(tmp_path):
    told = []
    checked(DATASETS["folder"], make_folder(tmp_path, 3), on_progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_check_that_is_broken_off_reads_no_more(tmp_path):
    read = []

    def note(path):
        read.append(path)
        time.sleep(0.01)
        return np.zeros((64, 96), np.uint8)

    def opener(root, split):
        dataset = DATASETS["folder"].opener(root, split)
        return replace(dataset, samples=list(dataset.samples) * 500, read_label=note)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checked(replace(DATASETS["folder"], opener=opener), make_folder(tmp_path, 1), sample=None, on_progress=stop)
    assert len(read) < 100


@pytest.mark.parametrize("given", ["data/cityscapes/gtFine", "data"])
def test_one_folder_too_deep_or_too_high_is_told(tmp_path, given):
    root = make_cityscapes(tmp_path / "data" / "cityscapes", 1)
    with pytest.raises(DatasetError, match=rf"leftImg8bit/train: no such folder\nBut cityscapes:{root}:val can be"):
        checked(DATASETS["cityscapes"], tmp_path / given)


def test_a_split_that_is_not_there_but_another_is(tmp_path):
    root = make_camvid(tmp_path, 1)
    with pytest.raises(DatasetError, match=rf"train: no such folder\nBut camvid:{root}:val can be opened"):
        checked(DATASETS["camvid"], root)


def test_a_split_that_the_kind_does_not_have(tmp_path):
    with pytest.raises(DatasetError, match="no split 'vl'\nIt has train, val, test"):
        checked(DATASETS["camvid"], make_camvid(tmp_path, 1), "vl")


@pytest.mark.real_data
def test_camvid_as_downloaded_is_fine(real_data):
    for split in ("train", "val"):
        report = checked(DATASETS["camvid"], real_data / "camvid", split, sample=20)
        assert report.fine
        assert report.sizes == {(480, 360): 20}
        assert min(report.shares.values()) > 0


@pytest.mark.real_data
def test_camvids_daylight_and_dusk_are_its_training_images(real_data):
    day, first, last, train = (
        [sample.name for sample in dataset_kind("camvid").open(real_data / "camvid", split).samples]
        for split in ("day", "dusk-first", "dusk-last", "train")
    )
    assert (len(day), len(first), len(last)) == (305, 31, 31)
    assert sorted(day + first + last) == sorted(train)
    assert max(first) < min(last)


def test_camvid_without_dusk(tmp_path):
    root = make_camvid(tmp_path, 3, split="train")
    assert len(dataset_kind("camvid").open(root, "day")) == 3
    with pytest.raises(DatasetError, match="no images of dusk-last"):
        dataset_kind("camvid").open(root, "dusk-last")


def test_an_empty_folder(tmp_path):
    with pytest.raises(DatasetError, match="no such folder\n`roadseg datasets show cityscapes` shows the layout"):
        checked(DATASETS["cityscapes"], tmp_path)
    with pytest.raises(DatasetError, match="no images in it\nLooked for"):
        checked(DATASETS["frames"], tmp_path)


def test_missing_label_maps_are_counted(tmp_path):
    root = make_gta5(tmp_path, 3)
    (root / "labels" / "00002.png").unlink()
    with pytest.raises(DatasetError, match=r"1 of 3 label maps are missing; the first is .*labels/00002\.png"):
        checked(DATASETS["gta5"], root)


def test_the_report_as_json(tmp_path):
    root = make_folder(tmp_path, 2)
    shutil.copy(root / "masks" / "drive_000.png", root / "masks" / "drive_001.png")
    half(root / "images" / "drive_001.jpg")
    found = checked(DATASETS["folder"], root).as_dict()
    assert found.pop("class_percent").keys() == {"sky", "house", "road", "vehicle"}
    assert found == {
        "fine": False,
        "kind": "folder",
        "root": str(root),
        "split": "train",
        "images": 2,
        "published": None,
        "part": "",
        "checked": 2,
        "sizes": {"96x64": 1},
        "label_space": root.name,
        "ignored_percent": 0,
        "problems": [
            {
                "cause": f"{root}/images/drive_001.jpg: cut off, its end is missing",
                "remedy": "Delete it and unpack or fetch it again.",
            }
        ],
        "notices": [],
    }


def test_classes_that_networks_do_not_have_are_named(tmp_path):
    labels = "ignore = 0\n[classes]\nsky = 10\nhouse = 20\nroad = [30, 31]\nautorickshaw = 1000\n"
    report = checked(DATASETS["folder"], make_folder(tmp_path, 1, labels=labels))
    assert report.fine
    assert report.notices == (
        "house: no such class in cityscapes-19; did you mean building?",
        "autorickshaw: no such class in cityscapes-19",
    )
    assert report.as_dict()["notices"] == list(report.notices)


def half(path):
    """Cut a file in two, as a download that broke off."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
