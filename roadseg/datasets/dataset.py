"""Images on disk, with or without label maps."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.image_files import IMAGE_SUFFIXES, UNREAD_SUFFIXES, read_colours
from roadseg.datasets.label_files import ConvertedLabels, ReadLabel
from roadseg.errors import DatasetError
from roadseg.labels.space import IGNORE, LabelMap, LabelSpace, conversion


@dataclass(frozen=True)
class Sample:
    """One image and, in a labelled data set, its label map."""

    name: str
    """Unique in the data set: the image's path below the root, without extension."""
    image: Path
    label: Path | None = None
    drive: str = ""
    """Drive, sequence or city that the image is from; empty where the data set does not tell."""


@dataclass(frozen=True)
class ImageDataset:
    """A list of samples.

        dataset = open_dataset("cityscapes:data/cityscapes:val")
        image, labels = dataset.pair(0)

    Files are read on request; the data set itself holds no pixels.
    """

    name: str
    samples: Sequence[Sample]
    label_space: LabelSpace | None = None
    """Meaning of the label maps; None for an unlabelled data set."""
    read_label: ReadLabel | None = None
    """Reads a label file as train ids of `label_space`; None for an unlabelled data set."""
    read_image: Callable[[Path], NDArray[np.uint8]] = read_colours
    """Reads an image as (H, W, 3) uint8 RGB; can be pickled, like `read_label`."""
    resize_labels: bool = False
    """True if label maps of another size than their image are known to occur; they are resized to it."""
    is_video: bool = False
    """True if the samples are all frames of one video, in order."""
    unlabelled: str = "Choose a labelled data set."
    """Remedy for missing labels, where there are none."""
    notices: tuple[str, ...] = ()
    """Sentences on files that were left out when the folder was opened, such as images in formats that are not read."""

    def __len__(self) -> int:
        return len(self.samples)

    def every(self, step: int) -> "ImageDataset":
        """Return every `step`-th sample, beginning with the first."""
        return replace(self, samples=self.samples[::step], is_video=self.is_video and step == 1)

    def evenly_spread(self, count: int) -> "ImageDataset":
        """Return at most `count` samples, evenly spread from the first to the last."""
        if count >= len(self):
            return self
        chosen = np.linspace(0, len(self) - 1, count).round().astype(int).tolist()
        return replace(self, samples=[self.samples[index] for index in chosen], is_video=False)

    def part(self, rank: int, world: int) -> "ImageDataset":
        """Return the samples of process `rank` of `world`: every `world`-th, beginning with number `rank`."""
        return replace(self, samples=self.samples[rank::world], is_video=self.is_video and world == 1)

    def in_space(self, space: LabelSpace) -> "ImageDataset":
        """Return the same images with label maps in another label space; classes that it lacks are ignored.

        Raises:
            DatasetError: there are no labels, or the two spaces share no class.
        """
        own, read = self._labels()
        if own == space:
            return self
        table = conversion(own, space)
        if (table == IGNORE).all():
            raise DatasetError(f"{self.name}: {own.name} and {space.name} share no class")
        return replace(self, label_space=space, read_label=ConvertedLabels(read, tuple(table.tolist())))

    def image(self, index: int) -> NDArray[np.uint8]:
        """Read an image as (H, W, 3) uint8 RGB.

        Raises:
            DatasetError: the file cannot be read as an image.
        """
        return self.read_image(self.samples[index].image)

    def label(self, index: int) -> LabelMap:
        """Read a label map as (H, W) uint8 train ids of `label_space`, 255 where ignored.

        Raises:
            DatasetError: the sample has none, or the file has another form than the data set's label files.
        """
        _, read = self._labels()
        path = self.samples[index].label
        if path is None:
            raise DatasetError(f"{self.name}: {self.samples[index].name} has no label map", self.unlabelled)
        return read(path)

    def pair(self, index: int) -> tuple[NDArray[np.uint8], LabelMap]:
        """Read an image and its label map, both of one size, as `image` and `label` return them.

        Raises:
            DatasetError: as for `image` and `label`, or the sizes differ.
        """
        image, label = self.image(index), self.label(index)
        if label.shape == image.shape[:2]:
            return image, label
        sample, size = self.samples[index], (image.shape[1], image.shape[0])
        if not self.resize_labels:
            raise DatasetError(
                f"{sample.image} has {size[0]}x{size[1]} pixels, "
                f"its label map {sample.label} {label.shape[1]}x{label.shape[0]}",
                "Unpack both again, or remove the pair.",
            )
        return image, np.asarray(cv2.resize(label, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)

    def _labels(self) -> tuple[LabelSpace, ReadLabel]:
        if self.label_space is None or self.read_label is None:
            raise DatasetError(f"{self.name}: has no label maps", self.unlabelled)
        return self.label_space, self.read_label


def joined(splits: Mapping[str, ImageDataset]) -> ImageDataset:
    """Return splits of a data set as one, in the order given; without labels if one of them has none.

    Args:
        splits: name of a split -> its images; the name goes before those of its samples, which so stay unique.

    Raises:
        DatasetError: an image belongs to two of them.
    """
    samples = [
        replace(sample, name=f"{split}/{sample.name}")
        for split, dataset in splits.items()
        for sample in dataset.samples
    ]
    (twice, count), *_ = Counter(sample.image for sample in samples).most_common(1)
    if count > 1:
        raise DatasetError(f"{twice}: belongs to several of {', '.join(splits)}", "Join splits that share no image.")
    datasets = list(splits.values())
    first = next((dataset for dataset in datasets if dataset.label_space is None), datasets[0])
    notices = tuple(dict.fromkeys(notice for dataset in datasets for notice in dataset.notices))
    return replace(first, samples=samples, is_video=False, notices=notices)


class FoundImages(NamedTuple):
    """Images below a folder."""

    paths: list[Path]
    """Sorted."""
    notices: tuple[str, ...]
    """A line about images in formats that are not read, if there are any."""


def visible_paths(folder: Path) -> Iterator[Path]:
    """Yield the paths below `folder`, at any depth, without hidden files and folders: thumbnails, deleted images."""
    for path in folder.rglob("*"):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def find_images(folder: Path) -> FoundImages:
    """List the images below `folder`, at any depth; hidden files and folders are skipped.

    Raises:
        DatasetError: the folder is missing or has no images.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder")
    found: list[Path] = []
    unread: Counter[str] = Counter()
    for path in visible_paths(folder):
        suffix = path.suffix.lower()
        if suffix in IMAGE_SUFFIXES:
            found.append(path)
        elif suffix in UNREAD_SUFFIXES:
            unread[suffix] += 1
    skipped = ", ".join(f"{count} {suffix}" for suffix, count in unread.most_common())
    if not found:
        convert = f" It has {skipped}: convert these." if skipped else ""
        raise DatasetError(
            f"{folder}: no images in it", f"Looked for {', '.join(IMAGE_SUFFIXES)} at any depth.{convert}"
        )
    notices = (f"{folder}: images in other formats are left out: {skipped}; convert them to use them",)
    return FoundImages(sorted(found), notices if skipped else ())


def open_pairs(
    name: str,
    images: Path,
    labels: Path,
    space: LabelSpace,
    read_label: ReadLabel,
    *,
    resize_labels: bool = False,
    is_video: bool = False,
) -> ImageDataset:
    """Open a data set that pairs each image below one folder with the PNG of the same name below another.

    Without the second folder the images come without labels: enough for a target domain.

    Args:
        name: name of the data set.
        images: folder of the images.
        labels: folder of the label maps.
        space: meaning of the label maps.
        read_label: reads a label map.
        resize_labels: as in `ImageDataset`.
        is_video: as in `ImageDataset`.

    Raises:
        DatasetError: there are no images, or some have a label map and others none.
    """
    paths, notices = find_images(images)
    stems = [str(path.relative_to(images).with_suffix("")) for path in paths]
    if not labels.is_dir():
        samples = [Sample(stem, path) for stem, path in zip(stems, paths, strict=True)]
        hint = f"Unpack {labels.name} in {labels.parent}."
        return ImageDataset(name, samples, is_video=is_video, unlabelled=hint, notices=notices)
    samples = present(Sample(stem, path, labels / f"{stem}.png") for stem, path in zip(stems, paths, strict=True))
    return ImageDataset(
        name, samples, space, read_label, resize_labels=resize_labels, is_video=is_video, notices=notices
    )


def present(samples: Iterable[Sample]) -> list[Sample]:
    """Return the samples after checking that every label file exists; its extension may be in capital letters.

    Raises:
        DatasetError: label files are missing.
    """
    samples = [_with_existing_label(sample) for sample in samples]
    missing = [sample.label for sample in samples if sample.label is not None and not sample.label.is_file()]
    if missing:
        raise DatasetError(
            f"{len(missing)} of {len(samples)} label maps are missing; the first is {missing[0]}",
            "Unpack the label files again, or remove the images that have none.",
        )
    return samples


def _with_existing_label(sample: Sample) -> Sample:
    if sample.label is None or sample.label.is_file():
        return sample
    capital = sample.label.with_suffix(sample.label.suffix.upper())
    return replace(sample, label=capital) if capital.is_file() else sample
