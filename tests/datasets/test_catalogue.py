from pathlib import Path

import pytest
from helpers.tiny import write_streets
from helpers.tiny_sets import make_camvid, make_cityscapes, make_gta5

from roadseg.datasets.catalogue import DATASETS, dataset_kind, open_dataset, parse_dataset
from roadseg.datasets.check import check_dataset
from roadseg.errors import DatasetError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gta5:data/gta5", ("gta5", Path("data/gta5"), "")),
        ("cityscapes:/data/cs:val", ("cityscapes", Path("/data/cs"), "val")),
        ("frames:my roads", ("frames", Path("my roads"), "")),
        ("frames:20:15/drive", ("frames", Path("20:15/drive"), "")),
        ("camvid:20:15/drive:test", ("camvid", Path("20:15/drive"), "test")),
        ("streets:~/streets", ("streets", Path.home() / "streets", "")),
    ],
)
def test_the_notation(text, expected):
    kind, root, split = parse_dataset(text)
    assert (kind.name, root, split) == expected


def test_a_bare_folder_is_of_the_kind_that_the_caller_expects():
    kind, root, split = parse_dataset("~/drives", folder_kind="frames")
    assert (kind.name, root, split) == ("frames", Path.home() / "drives", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data/gta5", r"'data/gta5' is not KIND:ROOT or KIND:ROOT:SPLIT\nFor example camvid"),
        ("gta5:", "is not KIND:ROOT"),
        ("", "is not KIND:ROOT"),
        ("kitti:data/kitti", "unknown data set 'kitti'\nKnown: streets, gta5, synthia, cityscapes"),
        ("cityscapes:data/cs:validation", "cityscapes: no split 'validation'\nIt has train, val, test"),
        ("camvid:data:val+0006R1", "camvid: no split '0006R1'\nIt has train, .*0001TP, 0006R0, 0016E5"),
        ("camvid:data:val+val", "names a split twice"),
        ("frames:data:val", "frames: no split 'val'\nIt has no splits: leave it out"),
    ],
)
def test_what_is_not_in_the_notation_is_refused_before_any_file_is_looked_at(text, message):
    with pytest.raises(DatasetError, match=message):
        parse_dataset(text)


def test_a_split_that_is_not_written_is_the_default_where_the_kind_has_it(tmp_path):
    for split, count in (("train", 3), ("val", 2)):
        make_cityscapes(tmp_path / "cs", count, split=split)
    assert len(open_dataset(f"cityscapes:{tmp_path}/cs", default_split="train")) == 3
    assert len(open_dataset(f"cityscapes:{tmp_path}/cs")) == 2
    assert len(open_dataset(f"cityscapes:{tmp_path}/cs:train")) == 3
    assert len(open_dataset(f"gta5:{make_gta5(tmp_path / 'gta5', 1)}")) == 1
    assert len(open_dataset(f"streets:{write_streets(tmp_path / 'streets', 4)}")) == 4


def test_a_folder_is_opened_at_val_where_there_is_one(tmp_path):
    make_camvid(tmp_path, 2, split="train")
    make_camvid(tmp_path, 1, split="val")
    assert len(dataset_kind("camvid").open(tmp_path, "val")) == 1
    assert len(dataset_kind("camvid").open(tmp_path, "train")) == 2


def test_splits_are_joined_and_drives_are_chosen(tmp_path):
    make_camvid(tmp_path, 2, split="train", sequence="0006R0")
    make_camvid(tmp_path, 1, split="val")
    both, drive = (open_dataset(f"camvid:{tmp_path}:{split}") for split in ("train+val", "0006R0"))
    assert [sample.name for sample in both.samples] == [
        "train/0006R0_07959",
        "train/0006R0_07961",
        "val/0016E5_07959",
    ]
    assert [sample.drive for sample in both.samples] == ["0006R0", "0006R0", "0016E5"]
    assert list(drive.samples) == list(both.samples[:2])
    assert check_dataset(f"camvid:{tmp_path}:train+val").published == 468
    with pytest.raises(DatasetError, match=r"0006R0_07959.png: belongs to several of train, 0006R0"):
        open_dataset(f"camvid:{tmp_path}:train+0006R0")
    with pytest.raises(DatasetError, match="no images of 0001TP"):
        open_dataset(f"camvid:{tmp_path}:0001TP")
    for label in (tmp_path / "valannot").iterdir():
        label.unlink()
    (tmp_path / "valannot").rmdir()
    assert open_dataset(f"camvid:{tmp_path}:train+val").label_space is None


def test_unknown_kinds_folders_and_splits_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="Known: streets, gta5"):
        dataset_kind("kitti").open(tmp_path)
    with pytest.raises(DatasetError, match="no such folder\n`roadseg datasets show camvid` shows its source"):
        dataset_kind("camvid").open(tmp_path / "nowhere", "val")
    with pytest.raises(DatasetError, match="gta5: no split 'val'\nIt has train"):
        dataset_kind("gta5").open(tmp_path, "val")


def test_kinds_are_listed_under_their_names():
    assert [kind.name for kind in DATASETS.values()] == list(DATASETS)


def test_published_counts():
    counts = {name: dict(DATASETS[name].splits) for name in ("gta5", "synthia", "cityscapes", "camvid")}
    assert counts == {
        "gta5": {"train": 24_966},
        "synthia": {"train": 9_400},
        "cityscapes": {"train": 2_975, "val": 500, "test": 1_525},
        "camvid": {"train": 367, "val": 101, "test": 233, "day": 305, "dusk-first": 31, "dusk-last": 31}
        | {"0001TP": 62, "0006R0": 101, "0016E5": 305},
    }
    assert sum(DATASETS["camvid-original"].splits.values()) == 701
