"""Label files: ids or colours as data sets store them, read as train ids; what a data set does not know is refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roadseg.errors import DatasetError
from roadseg.labels.space import IGNORE, LabelMap, LabelSpace

ReadLabel = Callable[[Path], LabelMap]
"""Reads a label file as (H, W) uint8 train ids; picklable, because worker processes read."""
Colour = tuple[int, int, int]
BROKEN = "Delete it and unpack or fetch it again."
OTHER_SET = "Check that the files are of this data set, unaltered."


def read_ids(path: Path) -> NDArray[np.integer]:
    """Read a picture of one channel, or with a palette, as the numbers it stores: (H, W) uint8 or uint16.

    Raises:
        DatasetError: the file is missing, broken or a colour picture.
    """
    # Pillow, because OpenCV replaces palette indices by the palette's colours.
    try:
        with Image.open(path) as picture:
            if picture.mode not in ("P", "L", "I;16"):
                raise DatasetError(
                    f"{path}: a label map has one channel of class ids, this picture is {picture.mode}",
                    "Give label-id images, not the coloured ones.",
                )
            return np.asarray(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetError(f"{path}: cannot be read as a label map ({error})", BROKEN) from error


def read_colours(path: Path) -> NDArray[np.uint8]:
    """Read a picture as (H, W, 3) uint8 RGB.

    Raises:
        DatasetError: the file is missing or broken.
    """
    return _rgb(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), path)


def decode_colours(data: bytes, origin: Path) -> NDArray[np.uint8]:
    """As `read_colours`, of the bytes of a file; messages call it `origin`.

    Raises:
        DatasetError: they are no picture.
    """
    encoded = np.frombuffer(data, np.uint8)
    return _rgb(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB) if encoded.size else None, origin)


def _rgb(pixels: NDArray[Any] | None, origin: Path) -> NDArray[np.uint8]:
    if pixels is None:
        raise DatasetError(f"{origin}: cannot be read as a picture", BROKEN)
    return np.asarray(pixels, np.uint8)


@dataclass(frozen=True)
class IdLabels:
    """Reads label files of class ids."""

    train_ids: Mapping[int, int]
    """Id in the files -> train id, or 255 for an id that is known and ignored; any other id is refused."""
    read: Callable[[Path], NDArray[np.integer]] = read_ids
    """How the ids are got out of a file, (H, W) unsigned integers."""
    remedy: str = OTHER_SET
    """What to do about an unknown id."""

    def __call__(self, path: Path) -> LabelMap:
        """Read `path` as (H, W) uint8 train ids.

        Raises:
            DatasetError: the file cannot be read, or holds an unknown id.
        """
        return self.encode(self.read(path), str(path))

    def encode(self, ids: NDArray[np.integer], origin: str = "label map") -> LabelMap:
        """Map ids, unsigned integers of up to 16 bits in any shape, to train ids uint8 of the same shape.

        Raises:
            DatasetError: an id is unknown; the message says that it came from `origin`.
        """
        table = np.full(1 << 16, -1, np.int16)
        table[list(self.train_ids)] = list(self.train_ids.values())
        encoded = np.take(table, ids)
        if encoded.min(initial=0) < 0:
            unknown = np.unique(ids[encoded < 0])
            raise DatasetError(f"{origin}: {_listed(unknown)} no label id of this data set", self.remedy)
        return encoded.astype(np.uint8)


@dataclass(frozen=True)
class ColourLabels:
    """Reads label files that show every class in a colour of its own."""

    train_ids: Mapping[Colour, int]
    """RGB colour -> train id, or 255 for a colour that is known and ignored; any other colour is refused."""
    read: Callable[[Path], NDArray[np.uint8]] = read_colours
    """How the colours are got out of a file, (H, W, 3) uint8 RGB."""
    remedy: str = OTHER_SET
    """What to do about an unknown colour."""

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
                f"{path}: {strange.sum()} pixels have colours of no class, the first is RGB {colour}, #{value:06x}",
                self.remedy,
            )
        encoded: LabelMap = np.array(list(self.train_ids.values()), np.uint8)[order][places]
        return encoded


@dataclass(frozen=True)
class ConvertedLabels:
    """Reads label maps of one space as those of another."""

    read: ReadLabel
    table: tuple[int, ...]
    """Train id there -> train id here, of all 256 values."""

    def __call__(self, path: Path) -> LabelMap:
        """Read `path` as (H, W) uint8 train ids.

        Raises:
            DatasetError: as `read`.
        """
        return np.take(np.array(self.table, np.uint8), self.read(path))


def train_id_labels(space: LabelSpace) -> IdLabels:
    """Reads label files that hold train ids of `space`, and 255 where they are to be ignored."""
    return IdLabels({**{train_id: train_id for train_id in range(len(space))}, IGNORE: IGNORE})


def named_ids(names: Mapping[int, str], space: LabelSpace) -> dict[int, int]:
    """Train ids of the ids that `names` lists, by name: 255 for names that have no counterpart in `space`."""
    counterparts = {number: space.counterpart(name) for number, name in names.items()}
    return {number: IGNORE if name is None else space.classes.index(name) for number, name in counterparts.items()}


def _packed(colours: NDArray[np.uint8]) -> NDArray[np.integer]:
    """(..., 3) RGB -> (...) 0xRRGGBB."""
    red, green, blue = (colours[..., channel].astype(np.uint32) for channel in range(3))
    return red << 16 | green << 8 | blue


def _listed(ids: NDArray[np.integer]) -> str:
    shown = ", ".join(str(value) for value in ids[:5]) + (", ..." if len(ids) > 5 else "")
    return f"{shown} {'is' if len(ids) == 1 else 'are'}"
