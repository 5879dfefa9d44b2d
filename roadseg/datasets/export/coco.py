"""Writers of labels in the format of COCO: run lengths of each class, or a polygon around each region."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.export.labelled_image import LabelledImage
from roadseg.datasets.export.polygons import regions
from roadseg.labels.space import LabelMap, LabelSpace

ANNOTATIONS = Path("annotations", "instances_default.json")


Annotations = Callable[[LabelMap, LabelSpace], Iterator[dict[str, Any]]]


def write_coco(out: Path, space: LabelSpace, labelled: Iterable[LabelledImage]) -> None:
    """Write images/ and annotations/instances_default.json.

    A category's id is its train id plus one. An annotation holds all pixels of a class in an image, one object or many,
    so `iscrowd` is 1; its mask is uncompressed run lengths. Pixels without a label belong to no annotation.

    Args:
        out: an empty folder.
        space: label space of the label maps.
        labelled: images with their label maps, taken one after the other.
    """
    _write(out, space, labelled, _masks)


def write_coco_polygons(out: Path, space: LabelSpace, labelled: Iterable[LabelledImage]) -> None:
    """Write the same files for programs that skip crowds and run lengths: an annotation is a region, as one polygon.

    Args:
        out: an empty folder.
        space: label space of the label maps.
        labelled: images with their label maps, taken one after the other.
    """
    _write(out, space, labelled, _polygons)


def _write(out: Path, space: LabelSpace, labelled: Iterable[LabelledImage], of: Annotations) -> None:
    (out / "images").mkdir()
    (out / ANNOTATIONS).parent.mkdir()
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image in labelled:
        image.write_to(out / "images")
        height, width = image.label.shape
        image_id = len(images) + 1
        images.append({"id": image_id, "file_name": image.file_name, "width": width, "height": height})
        for annotation in of(image.label, space):
            annotations.append({"id": len(annotations) + 1, "image_id": image_id, **annotation})
    categories = [
        {"id": train_id + 1, "name": name, "supercategory": ""} for train_id, name in enumerate(space.classes)
    ]
    written = {
        "info": {"description": f"labels of {space.name}, by roadseg"},
        "licenses": [],
        "categories": categories,
        "images": images,
        "annotations": annotations,
    }
    (out / ANNOTATIONS).write_text(json.dumps(written), encoding="utf-8")


def _masks(label: LabelMap, space: LabelSpace) -> Iterator[dict[str, Any]]:
    for train_id in np.unique(label[label < len(space)]).tolist():
        mask = label == train_id
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        left, top = int(columns[0]), int(rows[0])
        yield {
            "category_id": train_id + 1,
            "segmentation": {"size": list(mask.shape), "counts": run_lengths(mask)},
            "area": int(mask.sum()),
            "bbox": [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top],
            "iscrowd": 1,
        }


def _polygons(label: LabelMap, space: LabelSpace) -> Iterator[dict[str, Any]]:
    for region in regions(label, space):
        yield {
            "category_id": region.train_id + 1,
            "segmentation": [region.outline.ravel().tolist()],
            "area": region.area,
            "bbox": list(region.box),
            "iscrowd": 0,
        }


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Return COCO's run lengths of a mask (H, W): column by column, unset and set pixels in turn, unset first."""
    pixels = mask.ravel(order="F")
    bounds = np.concatenate([[0], np.flatnonzero(np.diff(pixels)) + 1, [pixels.size]])
    return [*([0] if pixels[0] else []), *np.diff(bounds).tolist()]
