"""Streets rendered by `roadseg synth`."""

from pathlib import Path

from roadseg.datasets.dataset import ImageDataset, open_pairs
from roadseg.datasets.kind import DatasetKind
from roadseg.datasets.label_files import train_id_labels
from roadseg.errors import DatasetError
from roadseg.inputs.documents import read_toml
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
        described = read_toml(description)
        space = label_space(described["label_space"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{description}: not readable ({error})", "Render the folder again.") from error
    is_drive = str(described.get("contents", "")).startswith(DRIVE)
    return open_pairs("streets", root / "images", root / "labels", space, train_id_labels(space), is_video=is_drive)


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
    label_space="indian-20",
    paper="",
    opener=open_streets,
)
