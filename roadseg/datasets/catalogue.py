"""The kinds of data sets that roadseg knows, and the notation KIND:ROOT:SPLIT for one of them on disk."""

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
from roadseg.datasets.kind import DatasetKind
from roadseg.datasets.streets import STREETS
from roadseg.datasets.synthia import SYNTHIA
from roadseg.errors import DatasetError

DATASETS = {
    kind.name: kind for kind in (STREETS, GTA5, SYNTHIA, CITYSCAPES, CAMVID, CAMVID_ORIGINAL, IDD, FOLDER, CVAT, FRAMES)
}


class DatasetReference(NamedTuple):
    """A data set on disk as recipes and commands write it: KIND:ROOT or KIND:ROOT:SPLIT."""

    kind: DatasetKind
    root: Path
    split: str
    """Empty for the first that the kind has."""

    def open(self) -> ImageDataset:
        """Open it, as `DatasetKind.open` does.

        Raises:
            DatasetError: the folder is not laid out as its kind expects.
        """
        return self.kind.open(self.root, self.split)


def dataset_kind(name: str) -> DatasetKind:
    """Look up a kind of data set by name.

    Raises:
        DatasetError: there is none of that name.
    """
    try:
        return DATASETS[name]
    except KeyError:
        raise DatasetError(f"unknown data set {name!r}", f"Known: {', '.join(DATASETS)}.") from None


def parse_dataset(text: str, default_split: str = "", *, folder_kind: str = "") -> DatasetReference:
    """Read the notation KIND:ROOT or KIND:ROOT:SPLIT; `~` in ROOT is the home folder. Opens no file.

    Args:
        text: the notation.
        default_split: meant where none is written and the kind has it.
        folder_kind: what a bare folder is; empty where that is a mistake.

    Raises:
        DatasetError: the text is not written so, or kind or split are unknown.
    """
    if folder_kind and (":" not in text or Path(text).is_dir()):
        return DatasetReference(dataset_kind(folder_kind), Path(text), "")
    name, _, rest = text.partition(":")
    root, _, split = rest.rpartition(":")
    # A colon inside the path: what follows it is not a split.
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
    """Read what names pictures with labels that people made: as `parse_dataset`, or a bare path to a folder or a zip.

    Raises:
        DatasetError: as `parse_dataset`.
    """
    kind = CVAT if text.lower().endswith(".zip") else FOLDER
    if ":" not in text or Path(text).exists():
        return DatasetReference(kind, Path(text).expanduser(), "")
    return parse_dataset(text, default_split)


def open_described(text: str, default_split: str = "") -> ImageDataset:
    """Open a data set written as KIND:ROOT or KIND:ROOT:SPLIT.

    Args:
        text: the notation.
        default_split: opened where none is written and the kind has it, else the kind's first.

    Raises:
        DatasetError: as `parse_dataset`, or the folder is not laid out as its kind expects.
    """
    return parse_dataset(text, default_split).open()


def open_dataset(kind: str, root: Path, split: str = "") -> ImageDataset:
    """Open a data set folder of a known kind; without `split`, `val` where the kind has it, else its first.

    Raises:
        DatasetError: kind or split are unknown, or the folder is not laid out as its kind expects.
    """
    known = dataset_kind(kind)
    return known.open(root, split or ("val" if "val" in known.splits else ""))
