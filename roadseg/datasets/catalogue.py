"""Kinds of data sets by name, and the notation KIND:ROOT[:SPLIT] for a data set on disk."""

from pathlib import Path
from typing import NamedTuple

from roadseg.datasets.camvid import CAMVID, CAMVID_ORIGINAL
from roadseg.datasets.cityscapes import CITYSCAPES
from roadseg.datasets.cvat import CVAT
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.folder import FOLDER
from roadseg.datasets.frames import FRAMES
from roadseg.datasets.gta5 import GTA5
from roadseg.datasets.idd import IDD
from roadseg.datasets.idd_aw import IDD_AW
from roadseg.datasets.kind import DatasetKind
from roadseg.datasets.streets import STREETS
from roadseg.datasets.synthia import SYNTHIA
from roadseg.errors import DatasetError

DATASETS = {
    kind.name: kind
    for kind in (STREETS, GTA5, SYNTHIA, CITYSCAPES, CAMVID, CAMVID_ORIGINAL, IDD, IDD_AW, FOLDER, CVAT, FRAMES)
}


class DatasetReference(NamedTuple):
    """A data set on disk, as recipes and commands write it: KIND:ROOT or KIND:ROOT:SPLIT."""

    kind: DatasetKind
    root: Path
    split: str = ""
    """Empty for the first split of the kind."""

    def open(self) -> ImageDataset:
        """Open it, as `DatasetKind.open` does.

        Raises:
            DatasetError: the folder has another layout than its kind requires.
        """
        return self.kind.open(self.root, self.split)


def dataset_kind(name: str) -> DatasetKind:
    """Return the kind of data set of this name.

    Raises:
        DatasetError: there is no such kind.
    """
    try:
        return DATASETS[name]
    except KeyError:
        raise DatasetError(f"unknown data set {name!r}", f"Known: {', '.join(DATASETS)}.") from None


def parse_dataset(text: str, default_split: str = "", *, folder_kind: str = "") -> DatasetReference:
    """Read the notation KIND:ROOT or KIND:ROOT:SPLIT, without opening any file.

    Args:
        text: the notation; `~` in ROOT is the home folder.
        default_split: split where the text names none and the kind has it.
        folder_kind: kind of a text that is a bare folder; empty to refuse it.

    Raises:
        DatasetError: the text has another form, or its kind or split is unknown.
    """
    if folder_kind and (":" not in text or Path(text).is_dir()):
        return DatasetReference(dataset_kind(folder_kind), Path(text).expanduser(), "")
    name, _, rest = text.partition(":")
    root, _, split = rest.rpartition(":")
    # A colon inside the path: the text behind it is not a split.
    if not root or "/" in split:
        root, split = rest, ""
    if not root:
        raise DatasetError(
            f"{text!r} is not KIND:ROOT or KIND:ROOT:SPLIT",
            f"For example camvid:data/camvid:val. Known kinds: {', '.join(DATASETS)}.",
        )
    kind = dataset_kind(name)
    if split:
        kind.check_split(split)
    elif default_split in kind.splits:
        split = default_split
    return DatasetReference(kind, Path(root).expanduser(), split)


def parse_labelled(text: str, default_split: str = "train") -> DatasetReference:
    """Read the notation of manually labelled images: as for `parse_dataset`, or the bare path of a folder or zip.

    Raises:
        DatasetError: as for `parse_dataset`.
    """
    kind = CVAT if text.lower().endswith(".zip") else FOLDER
    if ":" not in text or Path(text).exists():
        return DatasetReference(kind, Path(text).expanduser(), "")
    return parse_dataset(text, default_split)


def open_dataset(dataset: str, *, default_split: str = "val") -> ImageDataset:
    """Open a data set written as KIND:ROOT or KIND:ROOT:SPLIT.

        dataset = open_dataset("cityscapes:data/cityscapes:val")

    Args:
        dataset: the notation; `roadseg datasets` lists the kinds.
        default_split: split where the text names none and the kind has it; otherwise the kind's first.

    Returns:
        The data set; its images are read on request.

    Raises:
        DatasetError: the text has another form, its kind or split is unknown, or the folder has another layout than
            its kind requires.
    """
    return parse_dataset(dataset, default_split).open()
