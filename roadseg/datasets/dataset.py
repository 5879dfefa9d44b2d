"""Pictures on disk, with label maps or without."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.errors import DatasetError
from roadseg.labels import LabelMap, LabelSpace

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Sample:
    """One picture and, in a labelled data set, its label map."""

    name: str
    """Unique in the data set; the picture's path below the root, without suffix."""
    image: Path
    label: Path | None = None


@dataclass(frozen=True)
class ImageDataset:
    """A list of samples, read when asked for; holds no pictures."""

    name: str
    samples: Sequence[Sample]
    label_space: LabelSpace | None = None
    """What the label maps mean; None for an unlabelled data set."""
    raw_ids: bool = True
    """Whether label files hold the raw ids of the space, as published sets do, or train ids."""

    def __len__(self) -> int:
        return len(self.samples)

    def every(self, step: int) -> "ImageDataset":
        """Every `step`-th sample, from the first on."""
        return replace(self, samples=self.samples[::step])

    def image(self, index: int) -> NDArray[np.uint8]:
        """Read a picture as (H, W, 3) uint8 RGB.

        Raises:
            DatasetError: the file cannot be read as a picture.
        """
        pixels = cv2.imread(str(self.samples[index].image), cv2.IMREAD_COLOR_RGB)
        if pixels is None:
            raise DatasetError(
                f"{self.samples[index].image}: cannot be read as a picture", "Delete it or fetch it again."
            )
        return np.asarray(pixels, np.uint8)

    def label(self, index: int) -> LabelMap:
        """Read a label map as (H, W) uint8 train ids of `label_space`, 255 where it is to be ignored.

        Raises:
            DatasetError: the sample has none, or it is not an index image.
        """
        path = self.samples[index].label
        if path is None or self.label_space is None:
            raise DatasetError(f"{self.name}: {self.samples[index].name} has no label map")
        raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if raw is None:
            raise DatasetError(f"{path}: cannot be read as a label map", "Delete it or fetch it again.")
        if raw.ndim != 2:
            raise DatasetError(
                f"{path}: a label map has one channel of class ids, this picture has {raw.shape[2]}",
                "Give label-id images, not the coloured ones.",
            )
        if self.raw_ids:
            return self.label_space.encode(np.asarray(raw, np.int32))
        return np.asarray(raw, np.uint8)


def find_images(folder: Path) -> list[Path]:
    """Pictures below `folder`, at any depth, in sorted order.

    Raises:
        DatasetError: the folder is missing or holds none.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise DatasetError(f"{folder}: no pictures in it", f"Looked for {', '.join(IMAGE_SUFFIXES)} at any depth.")
    return found


def pair_up(name: str, images: Path, labels: Path, space: LabelSpace, *, raw_ids: bool = True) -> ImageDataset:
    """Pair every picture of one folder with the PNG label map of the same name in another.

    Raises:
        DatasetError: a folder is missing or empty, or a label map is.
    """
    samples = []
    missing = []
    for image in find_images(images):
        relative = image.relative_to(images).with_suffix("")
        label = (labels / relative).with_suffix(".png")
        if not label.is_file():
            missing.append(label)
        samples.append(Sample(str(relative), image, label))
    if missing:
        raise DatasetError(
            f"{labels}: {len(missing)} of {len(samples)} label maps are missing, the first is {missing[0]}"
        )
    return ImageDataset(name, samples, space, raw_ids)
