"""Writer of label maps as a data set of the kind `folder`, with the train ids of its label space."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tomli_w

from roadseg.datasets.export.labelled_image import LabelledImage
from roadseg.datasets.folder_labels import LABELS_FILE
from roadseg.files import encode_png
from roadseg.labels.catalogue import LABEL_SPACES
from roadseg.labels.space import IGNORE, LabelSpace


def write_png_folder(out: Path, space: LabelSpace, labelled: Iterable[LabelledImage]) -> None:
    """Write images/NAME, masks/NAME.png (8-bit train ids, 255 for no label) and the labels.toml that defines them.

    Args:
        out: an empty folder.
        space: label space of the label maps.
        labelled: images with their label maps, taken one after the other.
    """
    for folder in (out / "images", out / "masks"):
        folder.mkdir()
    for image in labelled:
        image.write_to(out / "images")
        (out / "masks" / f"{image.name}.png").write_bytes(encode_png(image.label))
    (out / LABELS_FILE).write_text(tomli_w.dumps(_described(space)), encoding="utf-8")


def _described(space: LabelSpace) -> dict[str, Any]:
    if LABEL_SPACES.get(space.name) == space:
        return {"label_space": space.name}
    contains: dict[str, list[str]] = {}
    for part, whole in space.contains.items():
        contains.setdefault(whole, []).append(part)
    classes = {name: train_id for train_id, name in enumerate(space.classes)}
    return {"ignore": IGNORE, "classes": classes, **({"contains": contains} if contains else {})}
