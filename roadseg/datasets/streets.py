"""Streets rendered by `roadseg synth`."""

import tomllib
from pathlib import Path

from roadseg.datasets.dataset import ImageDataset, same_names
from roadseg.datasets.kind import DatasetKind
from roadseg.datasets.label_files import train_id_labels
from roadseg.errors import DatasetError
from roadseg.labels.catalogue import label_space

STREETS_FILE = "dataset.toml"
DRIVE = "drive"
"""Beginning of `contents` in the description of a drive, whose images are the frames of a video."""


def open_streets(root: Path, split: str) -> ImageDataset:
    """Pair images/ with labels/, whose PNGs hold train ids of the label space named in dataset.toml."""
    description = root / STREETS_FILE
    if not description.is_file():
        raise DatasetError(f"{root}: no {STREETS_FILE} in it", "Create the folder with `roadseg synth`.")
    try:
        described = tomllib.loads(description.read_text(encoding="utf-8"))
        space = label_space(described["label_space"])
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise DatasetError(f"{description}: not readable ({error})", "Render the folder again.") from error
    samples = same_names(root / "images", root / "labels")
    is_drive = str(described.get("contents", "")).startswith(DRIVE)
    return ImageDataset("streets", samples, space, train_id_labels(space), is_video=is_drive)


STREETS = DatasetKind(
    name="streets",
    title="streets rendered by roadseg",
    url="",
    licence="yours: created by `roadseg synth`",
    layout="""\
images/NNNNNN.png
labels/NNNNNN.png    8-bit train ids
dataset.toml""",
    splits={},
    image_size="as rendered",
    label_space="cityscapes-19",
    paper="",
    opener=open_streets,
)
