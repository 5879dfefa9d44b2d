"""Exported labels, read by the programs that they are for and by roadseg."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.tiny import SIZE, street

from roadseg.datasets.catalogue import dataset_kind, parse_labelled
from roadseg.datasets.export.coco import run_lengths
from roadseg.datasets.export.formats import FORMATS
from roadseg.datasets.export.labelled_image import LabelledImage
from roadseg.datasets.export.polygons import regions
from roadseg.errors import DatasetError
from roadseg.labels.catalogue import CAMVID_11, CITYSCAPES_19
from roadseg.labels.space import LabelSpace

OWN = LabelSpace("mine", ("road", "vehicle, big"), ((1, 2, 3), (200, 0, 0)), {"truck": "vehicle, big"})
SPACES = [CITYSCAPES_19, CAMVID_11, OWN]
NAMES = ("drive-1_000003", "drive 2.x")


def labels_of(space):
    """Maps of all classes and of noise, ignored pixels in both; one with the first class in its first pixel."""
    draw = np.random.default_rng(0)
    first = draw.integers(0, len(space) + 1, (SIZE[1], SIZE[0])).astype(np.uint8)
    first[first == len(space)] = 255
    second = np.repeat(np.arange(SIZE[0], dtype=np.uint8)[None] // 10 % len(space), SIZE[1] - 7, 0)
    second[-3:, 4:20] = 255
    return dict(zip(NAMES, (first, second), strict=True))


def write(name, space, out):
    def pictures():
        for index, (stem, label) in enumerate(labels_of(space).items()):
            image = street(index)[0][: label.shape[0]]
            yield LabelledImage(stem, ".jpg", cv2.imencode(".jpg", image)[1].tobytes(), label)

    out.mkdir()
    FORMATS[name](out, space, pictures())
    return out


def python_with(program):
    """An interpreter that has `program`: ROADSEG_DATUMARO_PYTHON, ROADSEG_FIFTYONE_PYTHON, ..., or this one."""
    named = os.environ.get(f"ROADSEG_{program.upper()}_PYTHON")
    if named is None and importlib.util.find_spec(program) is None:
        pytest.skip(f"{program} not installed; ROADSEG_{program.upper()}_PYTHON may name a Python that has it")
    return named or sys.executable


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("datumaro", "cvat"),
        ("datumaro", "coco"),
        ("pycocotools", "coco"),
        ("pycocotools", "coco-polygons"),
        ("yaml", "yolo"),
        ("yaml", "ultralytics"),
        ("fiftyone", "fiftyone"),
    ],
)
def test_their_own_importers_read_the_same_pixel_for_pixel(program, name, space, tmp_path):
    python = python_with(program)
    folder = write(name, space, tmp_path / "out")
    read_back(python, program, name, folder, tmp_path / "read.npz")
    with np.load(tmp_path / "read.npz") as read:
        assert read["classes"].tolist() == list(space.classes)
        assert {key for key in read if key != "classes"} == set(NAMES)
        for stem, label in labels_of(space).items():
            assert np.array_equal(read[stem], label)


def read_back(python, *arguments):
    command = [python, str(Path(__file__).parents[1] / "helpers" / "read_back.py"), *map(str, arguments)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_a_zip_that_cvats_library_wrote_is_read_with_the_images_in_it(space, tmp_path):
    folder = write("cvat", space, tmp_path / "out")
    exported = tmp_path / "elsewhere" / "exported.zip"
    exported.parent.mkdir()
    read_back(python_with("datumaro"), "datumaro", "cvat", folder, exported)
    dataset = parse_labelled(str(exported)).open()
    assert dataset.label_space.classes == space.classes
    for index, sample in enumerate(dataset.samples):
        image, label = dataset.pair(index)
        assert np.array_equal(label, labels_of(space)[sample.name])
        assert image.shape[:2] == label.shape
    assert len(dataset) == len(NAMES)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
@pytest.mark.parametrize("name", ["png", "cvat"])
def test_roadseg_reads_back_what_it_wrote(name, space, tmp_path):
    folder = write(name, space, tmp_path / "out")
    dataset = parse_labelled(str(folder if name == "png" else folder / "annotations.zip")).open()
    assert dataset.label_space.classes == space.classes
    assert [sample.name for sample in dataset.samples] == sorted(NAMES)
    for index, sample in enumerate(dataset.samples):
        image, label = dataset.pair(index)
        assert np.array_equal(label, labels_of(space)[sample.name])
        assert np.array_equal(image, cv2.imread(str(folder / "images" / f"{sample.name}.jpg"))[..., ::-1])
    if space is not OWN:
        assert dataset.label_space == space
    elif name == "png":
        assert dataset.label_space.contains == OWN.contains


def test_the_png_folder_holds_train_ids_of_eight_bits(tmp_path):
    folder = write("png", CITYSCAPES_19, tmp_path / "out")
    label = cv2.imread(str(folder / "masks" / f"{NAMES[0]}.png"), cv2.IMREAD_UNCHANGED)
    assert label.dtype == np.uint8
    assert np.array_equal(label, labels_of(CITYSCAPES_19)[NAMES[0]])


def test_cvat_is_told_of_every_colour_and_frame(tmp_path):
    folder = write("cvat", CITYSCAPES_19, tmp_path / "out")
    with zipfile.ZipFile(folder / "annotations.zip") as archive:
        lines = archive.read("labelmap.txt").decode().splitlines()
        assert archive.read("ImageSets/Segmentation/default.txt").decode().splitlines() == list(NAMES)
        assert archive.testzip() is None
    assert lines[1:3] == ["background:0,0,0::", "road:128,64,128::"]
    assert len(lines) == 2 + 19
    task = json.loads((folder / "labels.json").read_text())
    assert task[0] == {"name": "road", "color": "#804080", "attributes": []}
    assert sorted(path.name for path in folder.iterdir()) == ["annotations.zip", "images", "labels.json"]


@pytest.mark.parametrize(
    ("space", "complaint"),
    [
        (LabelSpace("two", ("a", "b"), ((1, 1, 1), (1, 1, 1))), "two classes share a colour"),
        (LabelSpace("black", ("a",), ((0, 0, 0),)), "or one is black"),
        (LabelSpace("colon", ("a:b",), ((1, 1, 1),)), "CVAT cannot have a label called 'a:b'"),
        (LabelSpace("void", ("background",), ((1, 1, 1),)), "have a label called 'background'"),
    ],
    ids=lambda case: getattr(case, "name", ""),
)
def test_what_cvat_cannot_hold_is_refused(space, complaint, tmp_path):
    with pytest.raises(DatasetError, match=complaint):
        FORMATS["cvat"](tmp_path, space, [])


def test_outlines_by_hand():
    label = np.array([[0, 0, 0, 1], [0, 1, 0, 255], [0, 0, 0, 255]], np.uint8)
    ring, hole, corner = regions(label, LabelSpace("two", ("a", "b"), ((0, 0, 0), (1, 1, 1))))
    assert (ring.train_id, ring.area, ring.box) == (0, 8, (0, 0, 3, 3))
    assert {(0.25, 0.25), (2.75, 2.75), (0.75, 1.25), (2.25, 1.75)} <= set(map(tuple, ring.outline.tolist()))
    assert (hole.train_id, hole.area, hole.box) == (1, 1, (1, 1, 1, 1))
    assert corner.outline.tolist() == [[3.25, 0.25], [3.25, 0.75], [3.75, 0.75], [3.75, 0.25]]


def test_holes_in_a_row_and_within_each_other_are_kept():
    """Rings around rings, and holes side by side, of which some share their borders."""
    label = np.zeros((23, 41), np.uint8)
    for inset in (2, 4, 6):
        label[inset:-inset, inset : 20 - inset] = inset // 2 % 2
    label[3:20:2, 22:39:2] = 1
    label[10, 20:40] = 1
    space = LabelSpace("two", ("a", "b"), ((0, 0, 0), (1, 1, 1)))
    back = np.full(label.shape, 255, np.uint8)
    for region in regions(label, space):
        mask = cv2.fillPoly(np.zeros(label.shape, np.uint8), [region.outline.astype(np.int32)], 1) == 1
        assert mask.sum() == region.area and (back[mask] == 255).all()
        back[mask] = region.train_id
    assert np.array_equal(back, label)


def test_run_lengths_by_hand():
    mask = np.array([[0, 1, 1], [0, 0, 1]], bool)
    assert run_lengths(mask) == [2, 1, 1, 2]
    assert run_lengths(~mask) == [0, 2, 1, 1, 2]
    assert run_lengths(np.zeros((2, 2), bool)) == [4]


def test_a_folder_of_pngs_can_be_checked_and_divided_as_any_data_set(tmp_path):
    folder = write("png", CITYSCAPES_19, tmp_path / "out")
    assert len(dataset_kind("folder").open(folder, "train")) == 2
