"""Label files: ids or colours, read as train ids; values unknown to the data set are refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.image_files import read_colours, read_ids
from roadseg.errors import DatasetError
from roadseg.labels.space import IGNORE, LabelMap, LabelSpace

ReadLabel = Callable[[Path], LabelMap]
"""Reads a label file as (H, W) uint8 train ids; can be pickled, because worker processes read."""
Colour = tuple[int, int, int]
OTHER_SET = "Check that the files are of this data set, unaltered."


@dataclass(frozen=True)
class IdLabels:
    """Reader of label files with class ids."""

    train_ids: Mapping[int, int]
    """Id in the files -> train id, or 255 for a known id that is ignored; other ids are refused."""
    read: Callable[[Path], NDArray[np.integer]] = read_ids
    """Reads the ids of a file, (H, W) unsigned integers."""
    remedy: str = OTHER_SET
    """Remedy for an unknown id."""

    def __call__(self, path: Path) -> LabelMap:
        """Read `path` as (H, W) uint8 train ids.

        Raises:
            DatasetError: the file cannot be read, or holds an unknown id.
        """
        return self.encode(self.read(path), str(path))

    def encode(self, ids: NDArray[np.integer], origin: str = "label map") -> LabelMap:
        """Map ids to train ids.

        Args:
            ids: unsigned integers of up to 16 bits, any shape.
            origin: name of the file in messages.

        Returns:
            uint8 of the same shape.

        Raises:
            DatasetError: an id is unknown.
        """
        table = np.full(1 << 16, -1, np.int16)
        table[list(self.train_ids)] = list(self.train_ids.values())
        encoded = np.take(table, ids)
        if encoded.min(initial=0) < 0:
            unknown = np.unique(ids[encoded < 0])
            raise DatasetError(f"{origin}: {_listed(unknown)} unknown in this data set", self.remedy)
        return encoded.astype(np.uint8)


@dataclass(frozen=True)
class ColourLabels:
    """Reader of label files that show each class in its own colour."""

    train_ids: Mapping[Colour, int]
    """RGB colour -> train id, or 255 for a known colour that is ignored; other colours are refused."""
    read: Callable[[Path], NDArray[np.uint8]] = read_colours
    """Reads the colours of a file, (H, W, 3) uint8 RGB."""
    remedy: str = OTHER_SET
    """Remedy for an unknown colour."""

    def __call__(self, path: Path) -> LabelMap:
        """Read `path` as (H, W) uint8 train ids.

        Raises:
            DatasetError: the file cannot be read, or shows an unknown colour.
        """
        packed = _packed(self.read(path))
        known = _packed(np.array(list(self.train_ids), np.uint8))
        order = np.argsort(known)
        places = np.searchsorted(known[order], packed).clip(max=len(known) - 1)
        strange = known[order][places] != packed
        if strange.any():
            value = int(packed[strange][0])
            colour = (value >> 16, value >> 8 & 255, value & 255)
            raise DatasetError(
                f"{path}: {strange.sum()} pixels have unknown colours; the first is RGB {colour}, #{value:06x}",
                self.remedy,
            )
        encoded: LabelMap = np.array(list(self.train_ids.values()), np.uint8)[order][places]
        return encoded


@dataclass(frozen=True)
class ConvertedLabels:
    """Reader of label maps in one label space that returns train ids of another."""

    read: ReadLabel
    table: tuple[int, ...]
    """Train id there -> train id here, for all 256 values."""

    def __call__(self, path: Path) -> LabelMap:
        """Read `path` as (H, W) uint8 train ids.

        Raises:
            DatasetError: as for `read`.
        """
        return np.take(np.array(self.table, np.uint8), self.read(path))


def train_id_labels(space: LabelSpace) -> IdLabels:
    """Return a reader of label files that hold train ids of `space`, and 255 where ignored."""
    return IdLabels({**{train_id: train_id for train_id in range(len(space))}, IGNORE: IGNORE})


def named_ids(names: Mapping[int, str], space: LabelSpace) -> dict[int, int]:
    """Return the train id of each id in `names`, by class name; 255 for names without a counterpart in `space`."""
    counterparts = {number: space.counterpart(name) for number, name in names.items()}
    return {number: IGNORE if name is None else space.classes.index(name) for number, name in counterparts.items()}


def _packed(colours: NDArray[np.uint8]) -> NDArray[np.integer]:
    """Pack RGB colours (..., 3) as (...) 0xRRGGBB."""
    red, green, blue = (colours[..., channel].astype(np.uint32) for channel in range(3))
    return red << 16 | green << 8 | blue


def _listed(ids: NDArray[np.integer]) -> str:
    shown = ", ".join(str(value) for value in ids[:5]) + (", ..." if len(ids) > 5 else "")
    return f"label id {shown} is" if len(ids) == 1 else f"label ids {shown} are"
