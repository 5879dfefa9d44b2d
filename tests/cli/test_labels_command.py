"""`roadseg labels` as people use it: from images to labels for training."""

import json
import zipfile
from fractions import Fraction

import cv2
import numpy as np
import pytest
import tomli_w
from helpers.tiny import RECIPE, SIZE, street, write_streets

from roadseg.datasets.catalogue import parse_labelled
from roadseg.drives.find import find_drives
from roadseg.video.frame import Frame
from roadseg.video.writer import VideoWriter


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    """A second at 20 Hz, a street a frame."""
    path = tmp_path_factory.mktemp("videos") / "a drive.mp4"
    with VideoWriter(path, width=SIZE[0], height=SIZE[1], time_base=Fraction(1, 20)) as video:
        for index in range(20):
            image = street(index)[0]
            video.write(Frame.from_rgb(image, index=index, pts=index, time_base=Fraction(1, 20), duration=1))
    return path


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_frames_of_a_video_become_a_data_set(roadseg, run, drive, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["labels", drive, "--every", "250ms", "--min-change", "0", "--run", run, "--out", out, "--json"]
    assert roadseg(*arguments) == 0
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert printed.err == ""
    assert (told["images"], told["format"], told["label_space"]) == (4, "png", "cityscapes-19")
    found = names(out)
    assert found[-1] == "masks/" + found[3].removeprefix("images/").replace(".jpg", ".png")
    assert found[0].startswith("images/a_drive-")
    assert len(found) == 4 + 4 + 1
    dataset = parse_labelled(str(out)).open()
    assert dataset.pair(3)[1].shape == SIZE[::-1]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.slow
def test_labels_go_to_cvat_and_come_back_into_training(roadseg, run, tmp_path, capsys):
    pictures = write_streets(tmp_path / "target", 5, night=True) / "images"
    out = tmp_path / "to correct"
    assert roadseg("labels", pictures, "--count", 2, "--run", run, "--format", "cvat", "--out", out) == 0
    assert "upload annotations.zip" in capsys.readouterr().out
    assert names(out / "images") == ["000000.png", "000004.png"]

    with zipfile.ZipFile(out / "annotations.zip") as archive, zipfile.ZipFile(out / "corrected.zip", "w") as corrected:
        for name in archive.namelist():
            data = archive.read(name)
            if name == "SegmentationClass/000004.png":  # somebody saw that all of it is road
                data = cv2.imencode(".png", np.full((*SIZE[::-1], 3), (128, 64, 128), np.uint8))[1].tobytes()
            corrected.writestr(name, data)
    source = write_streets(tmp_path / "source", 2)
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(tomli_w.dumps({**RECIPE, "steps": 1}))
    arguments = ["--recipe", recipe, "--method", "source-only", "--source", source, "--out", tmp_path / "run"]
    assert roadseg("adapt", *arguments, "--target-labels", out / "corrected.zip", "--json") == 0
    assert json.loads(capsys.readouterr().out)["losses"]["target-labels/main"] > 0

    again = tmp_path / "again"
    assert roadseg("labels", out / "corrected.zip", "--out", again, "--json") == 0
    assert json.loads(capsys.readouterr().out)["labels"] == "those of cvat"
    assert (cv2.imread(str(again / "masks" / "000004.png"), cv2.IMREAD_UNCHANGED) == 0).all()
    assert (again / "images" / "000004.png").read_bytes() == (pictures / "000004.png").read_bytes()


@pytest.mark.parametrize("label_format", ["coco", "fiftyone"])
def test_labels_that_are_there_are_kept(roadseg, tmp_path, capsys, label_format):
    root = write_streets(tmp_path / "set", 2)
    (root / "images" / "seen.heic").write_bytes(b"")
    out = tmp_path / "out"
    assert roadseg("labels", f"streets:{root}", "--format", label_format, "--out", out) == 0
    printed = capsys.readouterr()
    assert "labels those of streets" in printed.out
    assert "images: images in other formats are left out: 1 .heic" in printed.err
    if label_format == "coco":
        annotations = json.loads((out / "annotations" / "instances_default.json").read_text())["annotations"]
        areas = {one["category_id"] - 1: one["area"] for one in annotations if one["image_id"] == 2}
        assert areas == {train_id: int((street(1)[1] == train_id).sum()) for train_id in np.unique(street(1)[1])}
    else:
        mask = cv2.imread(str(out / "fields" / "segmentation" / "000001.png"), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(mask, street(1)[1] + 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sources", "options", "message"),
    [
        (["missing.mp4"], [], "missing.mp4: no such file"),
        (["pictures", "pictures"], [], "2 sources that are not all videos"),
        (["pictures"], ["--every", "1s"], "holds images, which cannot be chosen by time"),
        (["pictures"], ["--run", "nowhere"], "nowhere: no trained model here"),
        (["twice"], [], "another image is called 'a' too"),
        (["pictures"], ["--out", "full"], "full: is not empty"),
        (["broken.zip"], [], "broken.zip: cannot be read as a zip"),
        (["kitti:data"], [], "unknown data set 'kitti'"),
    ],
)
def test_bad_input_leaves_nothing(roadseg, tmp_path, monkeypatch, capsys, sources, options, message):
    monkeypatch.chdir(tmp_path)
    for picture in ("pictures/a.png", "twice/a.png", "twice/a.jpg", "full/mine.png"):
        (tmp_path / picture).parent.mkdir(exist_ok=True)
        cv2.imwrite(picture, street(0)[0])
    (tmp_path / "broken.zip").write_text("no zip")
    before = names(tmp_path)
    assert roadseg("labels", *sources, "--out", "out", *options) == 1
    assert message in capsys.readouterr().err
    assert names(tmp_path) == before
    assert not (tmp_path / "out").exists()


def test_a_broken_video_is_told_and_the_others_go_on(roadseg, run, drive, tmp_path, capsys):
    broken = tmp_path / "broken.mp4"
    broken.write_text("no video")
    out = tmp_path / "out"
    find_drives(drive).write(tmp_path / "drives.json")
    assert roadseg("labels", broken, tmp_path / "drives.json", "--count", 2, "--run", run, "--out", out) == 1
    assert f"error: {broken}: not a video" in capsys.readouterr().err
    assert len(names(out / "masks")) == 2


def test_help_fits_a_screen(roadseg, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert roadseg("labels", "--help") == 0
    shown = capsys.readouterr().out
    assert "roadseg labels drive.mp4 --format cvat" in shown
    assert len(shown.splitlines()) <= 62
