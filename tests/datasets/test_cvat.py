"""Zips as CVAT exports them, and those that it would not."""

import pickle
import tracemalloc
import zipfile

import cv2
import numpy as np
import pytest
from helpers.bombs import huge_png
from helpers.tiny import BUILDING, CAR, ROAD, SKY, street

from roadseg.datasets.catalogue import dataset_kind, parse_labelled
from roadseg.datasets.check import check_dataset
from roadseg.errors import DatasetError
from roadseg.labels.catalogue import CITYSCAPES_19

LABELMAP = """\
# label:color_rgb:parts:actions
background:0,0,0::
building:70,70,70::
rickshaw:9,9,9::
car:0,0,142::
road:128,64,128::
sky:70,130,180::
"""
COLOURS = {ROAD: (128, 64, 128), BUILDING: (70, 70, 70), SKY: (70, 130, 180), CAR: (9, 9, 9)}


def png(pixels):
    return cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()


def files(count=2, *, pictures=True):
    """Files of a zip of toy streets whose cars are relabelled as rickshaws; the last frame has no labels."""
    found = {"labelmap.txt": LABELMAP.encode(), "ImageSets/Segmentation/default.txt": b"f_0\nf_1\nf_2\n"}
    for index in range(count):
        image, label = street(index)
        colours = np.zeros_like(image)
        for train_id, colour in COLOURS.items():
            colours[label == train_id] = colour
        colours[:3] = 0
        found[f"SegmentationClass/f_{index}.png"] = png(colours)
        found |= {f"JPEGImages/f_{index}.PNG": png(image)} if pictures else {}
    return found


def zipped(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def test_labels_and_images_are_read_out_of_the_zip(tmp_path):
    dataset = pickle.loads(pickle.dumps(dataset_kind("cvat").open(zipped(tmp_path / "a.zip", files()))))
    assert dataset.label_space.classes == ("building", "rickshaw", "car", "road", "sky")
    assert [sample.name for sample in dataset.samples] == ["f_0", "f_1"]
    image, label = dataset.in_space(CITYSCAPES_19).pair(1)
    expected_image, expected = street(1)
    expected[:3] = 255
    expected[expected == CAR] = 255  # of a class that the network does not have
    assert np.array_equal(image, expected_image)
    assert np.array_equal(label, expected)
    report = check_dataset(f"cvat:{tmp_path}/a.zip")
    assert report.fine
    assert report.shares["rickshaw"] > 0


def test_images_may_lie_beside_the_zip(tmp_path):
    archive = zipped(tmp_path / "a.zip", files(pictures=False))
    with pytest.raises(
        DatasetError, match=r"2 of 2 labelled frames have no image; the first is f_0\nPut the folder im"
    ):
        dataset_kind("cvat").open(archive)
    (tmp_path / "images").mkdir()
    for index in range(2):
        cv2.imwrite(str(tmp_path / "images" / f"f_{index}.jpg"), street(index)[0][..., ::-1])
    dataset = parse_labelled(str(archive)).open()
    assert dataset.pair(0)[0].shape == street(0)[0].shape


def without(name):
    return {key: data for key, data in files().items() if not key.startswith(name)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"annotations.xml": b"<annotations/>"}, "no labelmap.txt in it, so it is not CVAT's 'Segmentation mask 1.1'"),
        (without("SegmentationClass"), "no label map in it: SegmentationClass/ is missing or empty"),
        (files() | {"labelmap.txt": b"road:1,2::\n"}, "'road:1,2::' is not NAME:RED,GREEN,BLUE"),
        (files() | {"labelmap.txt": b"road:1,2,256::\n"}, "is not NAME:RED,GREEN,BLUE"),
        (files() | {"labelmap.txt": b"road:1,2,3::\ncar:1,2,3::\n"}, "'car:1,2,3::' has the name or the colour of an"),
        (files() | {"labelmap.txt": b"a" * 9000 + b":1,2,3::\n"}, "... is a name of 9000 characters"),
        (files() | {"labelmap.txt": b"# nothing\nbackground:0,0,0::\n"}, "no label in it"),
    ],
)
def test_what_is_no_export_is_refused_at_once(tmp_path, content, message):
    with pytest.raises(DatasetError, match=message) as refused:
        dataset_kind("cvat").open(zipped(tmp_path / "a.zip", content))
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"labelmap.txt": LABELMAP.replace("road", "#").encode()},
            r"a.zip/SegmentationClass/f_0.png: \d+ pixels have ",
        ),
        (
            {"SegmentationClass/f_0.png": png(np.zeros((9, 9, 3), np.uint8))},
            "JPEGImages/f_0.PNG has 96x64 pixels, its la",
        ),
        ({"SegmentationClass/f_0.png": b"no picture"}, "a.zip/SegmentationClass/f_0.png: cannot be read as an image"),
        ({"JPEGImages/f_0.PNG": b""}, "a.zip/JPEGImages/f_0.PNG: cannot be read as an image"),
    ],
)
def test_what_is_wrong_with_a_frame_is_named(tmp_path, content, message):
    dataset = dataset_kind("cvat").open(zipped(tmp_path / "a.zip", files() | content))
    with pytest.raises(DatasetError, match=message):
        dataset.pair(0)


def test_a_file_that_is_no_zip_or_damaged_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", files())
    whole = path.read_bytes()
    place = whole.index(b"SegmentationClass/f_0.png") + 60
    path.write_bytes(whole[:place] + bytes(20) + whole[place + 20 :])
    with pytest.raises(DatasetError, match=r"a.zip/SegmentationClass/f_0.png: cannot be read \(Bad CRC"):
        dataset_kind("cvat").open(path).label(0)
    path.write_bytes(whole[:-40])
    with pytest.raises(
        DatasetError, match=r"a.zip: cannot be read as a zip \(File is not a zip file\)\nExport the labels"
    ):
        dataset_kind("cvat").open(path)
    with pytest.raises(DatasetError, match=r"b.zip: no such file\n`roadseg datasets show cvat`"):
        dataset_kind("cvat").open(tmp_path / "b.zip")


def test_what_macos_adds_and_a_folder_around_everything_do_not_matter(tmp_path):
    added = {"__MACOSX/SegmentationClass/._f_0.png": b"?", "SegmentationClass/._f_0.png": b"?", ".DS_Store": b"?"}
    for wrapper in ("", "my export/"):
        content = {f"{wrapper}{name}": data for name, data in (files() | added).items() if "__MACOSX" not in name}
        dataset = dataset_kind("cvat").open(zipped(tmp_path / "a.zip", content | {"__MACOSX/._a": b"?"}))
        assert [sample.name for sample in dataset.samples] == ["f_0", "f_1"]
        assert np.array_equal(dataset.pair(1)[0], street(1)[0])


@pytest.mark.parametrize(
    "name", ["../f.png", "SegmentationClass/../../f.png", "/etc/f.png", "SegmentationClass\\..\\..\\f.png"]
)
def test_names_that_lead_out_of_the_zip_are_refused(tmp_path, name):
    with pytest.raises(DatasetError, match=r"leads out of the zip\nExport the labels"):
        dataset_kind("cvat").open(zipped(tmp_path / "a.zip", files() | {name: b"?"}))


def bomb(path, name, *, compression=zipfile.ZIP_DEFLATED, declared=None):
    """An export with 32 MiB of zeros in one of its files, perhaps with another size in the table of contents."""
    zipped(path, {other: data for other, data in files().items() if other != name})
    with zipfile.ZipFile(path, "a", compression) as archive:
        archive.writestr(name, bytes(1 << 25))
    if declared is not None:
        data = bytearray(path.read_bytes())
        place = data.rindex(b"PK\x01\x02") + 24
        data[place : place + 4] = declared.to_bytes(4, "little")
        path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("labelmap.txt", {}, "33,554,432 bytes, more than the 1,048,576 that are read"),
        ("labelmap.txt", {"declared": 99}, "Bad CRC"),
        ("SegmentationClass/f_0.png", {"declared": 1 << 31}, "2,147,483,648 bytes, more than"),
        ("JPEGImages/f_0.PNG", {"compression": zipfile.ZIP_BZIP2}, "compressed in another way"),
    ],
)
def test_bombs_take_no_memory(tmp_path, name, options, message):
    path = bomb(tmp_path / "a.zip", name, **options)
    tracemalloc.start()
    try:
        with pytest.raises(DatasetError, match=rf"a.zip/{name}: cannot be read \({message}"):
            dataset_kind("cvat").open(path).pair(0)
        assert tracemalloc.get_traced_memory()[1] < 1 << 23
    finally:
        tracemalloc.stop()


def test_a_mask_that_would_take_all_memory_is_refused_by_its_header(tmp_path):
    path = zipped(tmp_path / "a.zip", files() | {"SegmentationClass/f_0.png": huge_png(colour_type=2)})
    with pytest.raises(DatasetError, match=r"a.zip/SegmentationClass/f_0.png: too large to be read as an image\n"):
        dataset_kind("cvat").open(path).pair(0)


def test_a_labelmap_of_a_thousand_labels_or_numbers_without_end_is_refused(tmp_path):
    many = "".join(f"l{number}:{number >> 8},{number & 255},7::\n" for number in range(1000))
    endless = f"road:{'9' * 5000},2,3::\n"
    for labelmap, message in ((many, "more than 255 labels"), (endless, "is not NAME:RED,GREEN,BLUE")):
        with pytest.raises(DatasetError, match=message) as refused:
            dataset_kind("cvat").open(zipped(tmp_path / "a.zip", files() | {"labelmap.txt": labelmap.encode()}))
        assert len(str(refused.value)) < 500


def test_a_bare_path_is_a_folder_or_a_zip(tmp_path):
    found = [parse_labelled(text)[:2] for text in ("a/b", "a/B.ZIP", "camvid:data:val")]
    assert [(kind.name, str(root)) for kind, root in found] == [
        ("folder", "a/b"),
        ("cvat", "a/B.ZIP"),
        ("camvid", "data"),
    ]
