"""Label maps and label spaces: names and colours of the classes of a network or a data set.

A label map holds train ids 0..C-1 and `IGNORE` (255). The numbers in label files are read by
`roadseg.datasets`. Two spaces are compared over the classes they share, see `conversion`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

IGNORE = 255
LabelMap = NDArray[np.uint8]


@dataclass(frozen=True)
class LabelSpace:
    """Classes of a data set or of a network, in train-id order."""

    name: str
    """Name in recipes, for example `cityscapes-19`."""
    classes: tuple[str, ...]
    """Class names; position is train id."""
    colours: tuple[tuple[int, int, int], ...]
    """RGB colour of each class, 0..255."""
    contains: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Class name of another space -> name of the class here that it is part of, where the names differ."""

    def __post_init__(self) -> None:
        if len(self.classes) != len(self.colours):
            raise ValueError(f"{self.name}: {len(self.classes)} classes but {len(self.colours)} colours")

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def palette(self) -> NDArray[np.uint8]:
        """(256, 3) uint8 RGB colour of every label value; ids beyond the classes, and `IGNORE`, are black."""
        palette = np.zeros((256, 3), np.uint8)
        palette[: len(self)] = self.colours
        return palette

    def counterpart(self, name: str) -> str | None:
        """Return the class that equals or contains the class `name` of another space; None if there is none."""
        return name if name in self.classes else self.contains.get(name)


def conversion(source: LabelSpace, target: LabelSpace) -> NDArray[np.uint8]:
    """Return a (256,) uint8 table from train ids of `source` to those of `target`; 255 for classes without counterpart.

    A class maps to the class of the same name, or to the one that `target.contains` puts it in.
    """
    table = np.full(256, IGNORE, np.uint8)
    for train_id, name in enumerate(source.classes):
        counterpart = target.counterpart(name)
        if counterpart is not None:
            table[train_id] = target.classes.index(counterpart)
    return table
