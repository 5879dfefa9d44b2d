import cv2
import numpy as np
import pytest
from tiny import street, write_streets

from roadseg.datasets.catalogue import open_dataset
from roadseg.errors import DatasetError


def test_streets_come_back_as_they_were_written(tmp_path):
    dataset = open_dataset("streets", write_streets(tmp_path / "set", 3))
    image, label = street(1)
    assert len(dataset) == 3
    assert np.array_equal(dataset.image(1), image)
    assert np.array_equal(dataset.label(1), label)


def test_frames_are_found_at_any_depth_and_have_no_labels(tmp_path):
    for name in ("a/1.jpg", "b/c/2.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.zeros((8, 8, 3), np.uint8))
    dataset = open_dataset("frames", tmp_path)
    assert [sample.name for sample in dataset.samples] == ["a/1", "b/c/2"]
    with pytest.raises(DatasetError, match="no label map"):
        dataset.label(0)


@pytest.mark.real_data
def test_camvid_is_read_as_it_is_downloaded(real_data):
    train, val = (open_dataset("camvid", real_data / "camvid", split) for split in ("train", "val"))
    assert (len(train), len(val)) == (367, 101)
    labels = np.unique(np.stack([val.label(i) for i in range(0, 101, 10)]))
    assert set(labels) <= {*range(11), 255}
    assert val.image(0).shape == (360, 480, 3)


def break_missing(root):
    (root / "labels" / "000001.png").unlink()


def break_colour(root):
    cv2.imwrite(str(root / "labels" / "000001.png"), np.zeros((64, 96, 3), np.uint8))


def break_image(root):
    (root / "images" / "000001.png").write_text("not a picture")


def break_description(root):
    (root / "dataset.toml").write_text("label_space = ")


def break_emptiness(root):
    for path in (root / "images").iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_missing, "1 of 3 label maps are missing.*000001"),
        (break_colour, "000001.png: a label map has one channel"),
        (break_image, "000001.png: cannot be read as a picture"),
        (break_description, "dataset.toml: not readable"),
        (break_emptiness, "no pictures in it"),
    ],
)
def test_a_damaged_set_says_which_file_is_wrong(tmp_path, damage, message):
    root = write_streets(tmp_path / "set", 3)
    damage(root)
    with pytest.raises(DatasetError, match=message):
        dataset = open_dataset("streets", root)
        dataset.image(1), dataset.label(1)


def test_unknown_kinds_and_folders_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="Known: streets, gta5, synthia"):
        open_dataset("kitti", tmp_path)
    with pytest.raises(DatasetError, match="no such folder"):
        open_dataset("camvid", tmp_path / "nowhere")
