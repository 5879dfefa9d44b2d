"""Writer of labels for correction in CVAT, in its format "Segmentation mask 1.1"; `roadseg.datasets.cvat` reads them
back."""

import json
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.cvat import BACKGROUND, BLACK, CLASSES, IMAGES, LABELMAP
from roadseg.datasets.export.labelled_image import LabelledImage
from roadseg.errors import DatasetError
from roadseg.files import encode_png
from roadseg.labels.space import LabelMap, LabelSpace

ANNOTATIONS, TASK_LABELS = "annotations.zip", "labels.json"
OBJECTS, IMAGE_SET = "SegmentationObject", "ImageSets/Segmentation/default.txt"


def write_cvat(out: Path, space: LabelSpace, labelled: Iterable[LabelledImage]) -> None:
    """Write the files for a task in CVAT: images/ to upload, labels.json for its labels, annotations.zip.

    All pixels of a class in an image are one object: a brush of another class takes pixels away from it. Pixels without
    a label are CVAT's background.

    Args:
        out: an empty folder.
        space: label space of the label maps.
        labelled: images with their label maps, taken one after the other.

    Raises:
        DatasetError: a class has a name or colour that the format cannot hold.
    """
    labelmap = _labelmap(space)
    (out / IMAGES).mkdir()
    names = []
    # PNG files are already compressed.
    with zipfile.ZipFile(out / ANNOTATIONS, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(LABELMAP, labelmap)
        for image in labelled:
            image.write_to(out / IMAGES)
            archive.writestr(f"{CLASSES}/{image.name}.png", encode_png(space.palette[image.label]))
            archive.writestr(f"{OBJECTS}/{image.name}.png", encode_png(OBJECT_COLOURS[_objects(image.label, space)]))
            names.append(image.name)
        archive.writestr(IMAGE_SET, "".join(f"{name}\n" for name in names))
    labels = [
        {"name": name, "color": "#{:02x}{:02x}{:02x}".format(*colour), "attributes": []}
        for name, colour in zip(space.classes, space.colours, strict=True)
    ]
    (out / TASK_LABELS).write_text(json.dumps(labels, indent=2) + "\n", encoding="utf-8")


def _labelmap(space: LabelSpace) -> str:
    """Return the content of labelmap.txt."""
    if len({*space.colours, BLACK}) <= len(space):
        raise DatasetError(
            f"{space.name}: two classes share a colour, or one is black, which in CVAT is the background",
            "Give each class another colour, or choose --format png.",
        )
    for name in space.classes:
        if name == BACKGROUND or ":" in name or "\n" in name or name.startswith("#") or name != name.strip():
            raise DatasetError(f"{space.name}: CVAT cannot have a label called {name!r}", "Choose another class name.")
    labels = {BACKGROUND: BLACK, **dict(zip(space.classes, space.colours, strict=True))}
    lines = ["# label:color_rgb:parts:actions", *(f"{name}:{r},{g},{b}::" for name, (r, g, b) in labels.items())]
    return "\n".join(lines) + "\n"


def _objects(label: LabelMap, space: LabelSpace) -> NDArray[np.uint8]:
    """Number the objects from 1 without gaps; 0 is the background."""
    numbers = np.zeros(256, np.uint8)
    present = np.unique(label[label < len(space)])
    numbers[present] = np.arange(1, len(present) + 1)
    return numbers[label]


def _object_colours() -> NDArray[np.uint8]:
    """Return the colours (256, 3) by which PASCAL VOC numbers objects: bits of the number, spread over red, green and
    blue."""
    numbers = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= ((numbers >> channel & 1) << (7 - bit)).astype(np.uint8)
        numbers = numbers >> 3
    return colours


OBJECT_COLOURS = _object_colours()
