"""The kinds of data sets that roadseg knows, and the notation KIND:ROOT:SPLIT for one of them on disk."""

from pathlib import Path
from typing import NamedTuple

from roadseg.datasets.camvid import CAMVID, CAMVID_ORIGINAL
from roadseg.datasets.cityscapes import CITYSCAPES
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
    kind.name: kind for kind in (STREETS, GTA5, SYNTHIA, CITYSCAPES, CAMVID, CAMVID_ORIGINAL, IDD, FOLDER, FRAMES)
}


class DatasetReference(NamedTuple):
    """A data set on disk as recipes and commands write it: KIND:ROOT or KIND:ROOT:SPLIT."""

    kind: DatasetKind
    root: Path
    split: str
    """Empty where none is written."""


def dataset_kind(name: str) -> DatasetKind:
    """Look up a kind of data set by name.

    Raises:
        DatasetError: there is none of that name.
    """
    try:
        return DATASETS[name]
    except KeyError:
        raise DatasetError(f"unknown data set {name!r}", f"Known: {', '.join(DATASETS)}.") from None


def parse_dataset(text: str) -> DatasetReference:
    """Read the notation KIND:ROOT or KIND:ROOT:SPLIT; `~` in ROOT is the home folder. Looks at no file.

    Raises:
        DatasetError: the text is not written so, or kind or split are unknown.
    """
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
    return DatasetReference(kind, Path(root).expanduser(), split)


def open_described(text: str, default_split: str = "") -> ImageDataset:
    """Open a data set written as KIND:ROOT or KIND:ROOT:SPLIT.

    Args:
        text: the notation.
        default_split: opened where none is written and the kind has it, else the kind's first.

    Raises:
        DatasetError: as `parse_dataset`, or the folder is not laid out as its kind expects.
    """
    kind, root, split = parse_dataset(text)
    return kind.open(root, split or (default_split if default_split in kind.splits else ""))


def open_dataset(kind: str, root: Path, split: str = "") -> ImageDataset:
    """Open a data set folder of a known kind; without `split`, `val` where the kind has it, else its first.

    Raises:
        DatasetError: kind or split are unknown, or the folder is not laid out as its kind expects.
    """
    known = dataset_kind(kind)
    return known.open(root, split or ("val" if "val" in known.splits else ""))
