"""Label spaces: what the classes are called, how they look, and how label files number them.

A label map holds train ids 0..C-1 and `IGNORE` (255). Data sets store raw ids of their own; a `LabelSpace` maps them.
Two spaces are compared over the classes they share, see `conversion`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import DatasetError

IGNORE = 255
LabelMap = NDArray[np.uint8]


@dataclass(frozen=True)
class LabelSpace:
    """The classes of a data set or of a network, in train-id order."""

    name: str
    """As written in recipes, for example `cityscapes-19`."""
    classes: tuple[str, ...]
    """Class names; position is train id."""
    colours: tuple[tuple[int, int, int], ...]
    """One RGB colour a class, 0..255."""
    raw_ids: Mapping[int, int]
    """Raw id in the data set's label files -> train id; every other raw id is ignored."""
    contains: Mapping[str, str] = field(default_factory=dict)
    """Class name of a finer space -> name of the class here that it is part of, where the names differ."""

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

    def encode(self, raw: NDArray[np.integer]) -> LabelMap:
        """Map raw ids 0..255 of a label file, any shape, to train ids uint8 of the same shape.

        Raises:
            DatasetError: an id lies outside 0..255.
        """
        if raw.size and (raw.min() < 0 or raw.max() > 255):
            raise DatasetError(
                f"label ids {raw.min()}..{raw.max()} do not fit {self.name}, whose ids are 0..255",
                "Check that this is a label-id image and not a colour image.",
            )
        table = np.full(256, IGNORE, np.uint8)
        for raw_id, train_id in self.raw_ids.items():
            table[raw_id] = train_id
        encoded: LabelMap = table[raw]
        return encoded


def conversion(source: LabelSpace, target: LabelSpace) -> NDArray[np.uint8]:
    """(256,) uint8 table from train ids of `source` to train ids of `target`; classes without a counterpart map to 255.

    A class maps to the class of the same name, or to the one that `target.contains` puts it in.
    """
    table = np.full(256, IGNORE, np.uint8)
    for train_id, name in enumerate(source.classes):
        counterpart = name if name in target.classes else target.contains.get(name)
        if counterpart is not None:
            table[train_id] = target.classes.index(counterpart)
    return table


# Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016; GTA5 shares its ids.
CITYSCAPES_19 = LabelSpace(
    name="cityscapes-19",
    classes=(
        "road",
        "sidewalk",
        "building",
        "wall",
        "fence",
        "pole",
        "traffic light",
        "traffic sign",
        "vegetation",
        "terrain",
        "sky",
        "person",
        "rider",
        "car",
        "truck",
        "bus",
        "train",
        "motorcycle",
        "bicycle",
    ),
    colours=(
        (128, 64, 128),
        (244, 35, 232),
        (70, 70, 70),
        (102, 102, 156),
        (190, 153, 153),
        (153, 153, 153),
        (250, 170, 30),
        (220, 220, 0),
        (107, 142, 35),
        (152, 251, 152),
        (70, 130, 180),
        (220, 20, 60),
        (255, 0, 0),
        (0, 0, 142),
        (0, 0, 70),
        (0, 60, 100),
        (0, 80, 100),
        (0, 0, 230),
        (119, 11, 32),
    ),
    raw_ids={
        7: 0,
        8: 1,
        11: 2,
        12: 3,
        13: 4,
        17: 5,
        19: 6,
        20: 7,
        21: 8,
        22: 9,
        23: 10,
        24: 11,
        25: 12,
        26: 13,
        27: 14,
        28: 15,
        31: 16,
        32: 17,
        33: 18,
    },
)

# Brostow et al., "Semantic object classes in video", 2009, in the 11 classes of Badrinarayanan et al. (SegNet).
CAMVID_11 = LabelSpace(
    name="camvid-11",
    classes=(
        "Sky",
        "Building",
        "Pole",
        "Road",
        "Pavement",
        "Tree",
        "SignSymbol",
        "Fence",
        "Car",
        "Pedestrian",
        "Bicyclist",
    ),
    colours=(
        (128, 128, 128),
        (128, 0, 0),
        (192, 192, 128),
        (128, 64, 128),
        (60, 40, 222),
        (128, 128, 0),
        (192, 128, 128),
        (64, 64, 128),
        (64, 0, 128),
        (64, 64, 0),
        (0, 128, 192),
    ),
    raw_ids={train_id: train_id for train_id in range(11)},
    contains={
        "sky": "Sky",
        "building": "Building",
        "pole": "Pole",
        "road": "Road",
        "sidewalk": "Pavement",
        "vegetation": "Tree",
        "terrain": "Tree",
        "traffic sign": "SignSymbol",
        "traffic light": "SignSymbol",
        "wall": "Fence",
        "fence": "Fence",
        "car": "Car",
        "truck": "Car",
        "bus": "Car",
        "train": "Car",
        "person": "Pedestrian",
        "rider": "Bicyclist",
        "motorcycle": "Bicyclist",
        "bicycle": "Bicyclist",
    },
)

LABEL_SPACES = {space.name: space for space in (CITYSCAPES_19, CAMVID_11)}


def label_space(name: str) -> LabelSpace:
    """Look up a label space by name.

    Raises:
        DatasetError: there is none of that name.
    """
    try:
        return LABEL_SPACES[name]
    except KeyError:
        raise DatasetError(f"unknown label space {name!r}", f"Known: {', '.join(LABEL_SPACES)}.") from None
