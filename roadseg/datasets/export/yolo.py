"""Writers of labels for ultralytics: polygons of YOLO segmentation, and masks of its semantic segmentation."""

import json
from collections.abc import Iterable
from pathlib import Path

from roadseg.datasets.export.labelled_image import LabelledImage
from roadseg.datasets.export.png_folder import write_png_folder
from roadseg.datasets.export.polygons import regions
from roadseg.labels.space import LabelMap, LabelSpace

DATA = "data.yaml"
IMAGES, LABELS, MASKS = "images", "labels", "masks"
NOTE = "# train and val are the same images: divide them before you trust a score\n"


def write_yolo(out: Path, space: LabelSpace, labelled: Iterable[LabelledImage]) -> None:
    """Write images/NAME, labels/NAME.txt and data.yaml.

    A line of a text file is a region: its train id, then x and y of its outline in 0..1 of width and height.
    Pixels without a label belong to no region.

    Args:
        out: an empty folder.
        space: label space of the label maps.
        labelled: images with their label maps, taken one after the other.
    """
    for folder in (out / IMAGES, out / LABELS):
        folder.mkdir()
    for image in labelled:
        image.write_to(out / IMAGES)
        (out / LABELS / f"{image.name}.txt").write_text(_lines(image.label, space), encoding="utf-8")
    (out / DATA).write_text(_described(space), encoding="utf-8")


def write_ultralytics(out: Path, space: LabelSpace, labelled: Iterable[LabelledImage]) -> None:
    """Write images/NAME, masks/NAME.png (8-bit train ids, 255 for no label), data.yaml, and roadseg's own labels.toml.

    Args:
        out: an empty folder.
        space: label space of the label maps.
        labelled: images with their label maps, taken one after the other.
    """
    write_png_folder(out, space, labelled)
    (out / DATA).write_text(_described(space, f"masks_dir: {MASKS}\n"), encoding="utf-8")


def _lines(label: LabelMap, space: LabelSpace) -> str:
    size = label.shape[1], label.shape[0]
    return "".join(
        f"{region.train_id} {' '.join(f'{value:.6f}' for value in (region.outline / size).ravel())}\n"
        for region in regions(label, space)
    )


def _described(space: LabelSpace, masks: str = "") -> str:
    """Return the content of data.yaml; without a `path`, folders are relative to the file."""
    names = "".join(f"  {train_id}: {json.dumps(name)}\n" for train_id, name in enumerate(space.classes))
    return f"{NOTE}train: {IMAGES}\nval: {IMAGES}\n{masks}names:\n{names}"
