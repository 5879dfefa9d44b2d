"""A look at a data set on disk: is it all there, can every file be read, do the label maps mean something."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from roadseg.cores import usable_cores
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.kind import DatasetKind
from roadseg.datasets.label_files import BROKEN
from roadseg.errors import DatasetError
from roadseg.labels.space import IGNORE, LabelSpace

SAMPLE = 200
"""How many pictures are read unless all are."""
ENDS = {b"\xff\xd8": b"\xff\xd9", b"\x89P": b"IEND"}
"""First two bytes of JPEG and PNG -> what their end has in it."""
TAIL_BYTES = 4096
"""Where the end of a picture is looked for: some cameras write a little behind it."""

Progress = Callable[[int, int], None]
"""Told (pictures read, pictures to read)."""


class Problem(NamedTuple):
    """Something wrong."""

    cause: str
    """One line, naming the file."""
    remedy: str
    """What to do about it; may be empty."""


@dataclass(frozen=True)
class CheckReport:
    """What was found."""

    kind: str
    root: Path
    split: str
    """Empty for a kind without splits."""
    pictures: int
    """How many there are."""
    published: int | None
    """How many there should be, in the part or the whole; None where nothing is published."""
    part: str
    """Which part of the download it is, if that part is all there and nothing else; empty otherwise."""
    checked: int
    """How many were read, evenly spread over all."""
    sizes: Mapping[tuple[int, int], int]
    """(width, height) -> how many of the pictures read have it, the most frequent first."""
    label_space: LabelSpace | None
    """None where there are no label maps."""
    pixels: NDArray[np.int64]
    """(256,) pixels by train id in the label maps read; 255 counts the ignored ones."""
    problems: tuple[Problem, ...]

    @property
    def fine(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def shares(self) -> dict[str, float]:
        """Percent of the labelled pixels by class, in train-id order; empty where nothing is labelled."""
        classes = self.label_space.classes if self.label_space else ()
        labelled = int(self.pixels[: len(classes)].sum())
        if not labelled:
            return {}
        return {name: 100 * int(self.pixels[place]) / labelled for place, name in enumerate(classes)}

    @property
    def ignored(self) -> float:
        """Percent of all pixels of the label maps read that are ignored."""
        return 100 * int(self.pixels[IGNORE]) / max(int(self.pixels.sum()), 1)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "fine": self.fine,
            "kind": self.kind,
            "root": str(self.root),
            "split": self.split,
            "pictures": self.pictures,
            "published": self.published,
            "part": self.part,
            "checked": self.checked,
            "sizes": {f"{width}x{height}": count for (width, height), count in self.sizes.items()},
            "label_space": self.label_space.name if self.label_space else None,
            "class_percent": {name: round(share, 4) for name, share in self.shares.items()},
            "ignored_percent": round(self.ignored, 4),
            "problems": [problem._asdict() for problem in self.problems],
        }


class _Looked(NamedTuple):
    """What one picture and its label map showed."""

    size: tuple[int, int] | None = None
    pixels: NDArray[np.int64] | int = 0
    problems: tuple[Problem, ...] = ()


def check_dataset(
    kind: DatasetKind,
    root: Path,
    split: str = "",
    *,
    sample: int | None = SAMPLE,
    on_progress: Progress = lambda done, total: None,
) -> CheckReport:
    """Open a data set and read pictures and label maps.

    Args:
        kind: what it should be.
        root: its folder.
        split: one of the kind's; empty for the first.
        sample: how many pictures to read, evenly spread; None for all.
        on_progress: called in this thread.

    Raises:
        DatasetError: the folder cannot be opened as such a data set at all.
    """
    dataset = _opened(kind, root, split)
    split = split or next(iter(kind.splits), "")
    count = len(dataset) if sample is None else min(sample, len(dataset))
    chosen = np.linspace(0, len(dataset) - 1, count).round().astype(int).tolist()
    sizes: Counter[tuple[int, int]] = Counter()
    pixels = np.zeros(256, np.int64)
    published, part = _published(kind, split, len(dataset))
    problems = [] if published in (None, len(dataset)) else [_miscounted(root, len(dataset), published)]
    # Threads are enough: both decoders work without Python's lock. A loop that is left takes back what was not begun.
    with ThreadPoolExecutor(usable_cores()) as threads:
        for done, looked in enumerate(threads.map(lambda index: _look(dataset, index), chosen), start=1):
            sizes.update([looked.size] if looked.size else [])
            pixels += looked.pixels
            problems += looked.problems
            on_progress(done, count)
    if pixels.any() and pixels[IGNORE] == pixels.sum():
        problems.append(Problem(f"{root}: every pixel of the label maps read is ignored", ""))
    return CheckReport(
        kind=kind.name,
        root=root,
        split=split,
        pictures=len(dataset),
        published=published,
        part=part,
        checked=count,
        sizes=dict(sizes.most_common()),
        label_space=dataset.label_space,
        pixels=pixels,
        problems=tuple(problems),
    )


def _published(kind: DatasetKind, split: str, pictures: int) -> tuple[int | None, str]:
    """How many pictures the split should have; of a part, with its name, if there are just as many as in one."""
    for part, count in kind.parts.get(split, {}).items():
        if count == pictures:
            return count, part
    return kind.splits.get(split), ""


def _miscounted(root: Path, pictures: int, published: int) -> Problem:
    if pictures < published:
        return Problem(
            f"{root}: only {pictures:,} of {published:,} published pictures are there", "Unpack or fetch the others."
        )
    return Problem(
        f"{root}: {pictures:,} pictures are there, only {published:,} are published",
        "Remove what is not of the set.",
    )


def _opened(kind: DatasetKind, root: Path, split: str) -> ImageDataset:
    """Open the data set, or say what nearby could be opened."""
    if split:
        kind.check_split(split)
    try:
        return kind.open(root, split)
    except DatasetError as error:
        for nearby in _nearby(kind, root):
            for other in kind.splits or ("",):
                try:
                    kind.open(nearby, other)
                except DatasetError:
                    continue
                there = f"split {other} of {nearby}" if other else f"{nearby}"
                raise DatasetError(error.cause, f"But {there} could be opened.") from error
        raise


def _nearby(kind: DatasetKind, root: Path) -> list[Path]:
    """The folder itself, that above it and those in it; none for a kind that any picture is of."""
    if not root.is_dir() or not (kind.splits or kind.label_space):
        return []
    return [root, root.parent if root.name else root / "..", *sorted(path for path in root.iterdir() if path.is_dir())]


def _look(dataset: ImageDataset, index: int) -> _Looked:
    """Read a picture and its label map; what is wrong with them is told, not raised."""
    sample = dataset.samples[index]
    cut = [path for path in (sample.image, sample.label) if path is not None and _is_cut_off(path)]
    if cut:
        return _Looked(problems=tuple(Problem(f"{path}: cut off, its end is missing", BROKEN) for path in cut))
    try:
        if sample.label is None:
            image = dataset.image(index)
            return _Looked((image.shape[1], image.shape[0]))
        image, label = dataset.pair(index)
        return _Looked((image.shape[1], image.shape[0]), np.bincount(label.ravel(), minlength=256))
    except DatasetError as error:
        return _Looked(problems=(Problem(error.cause, error.remedy),))


def _is_cut_off(path: Path) -> bool:
    """Whether a PNG or JPEG lacks its end, which not every decoder minds."""
    try:
        with path.open("rb") as file:
            end = ENDS.get(file.read(2))
            file.seek(-min(TAIL_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
            return end is not None and end not in file.read()
    except OSError:
        return False  # The reader says what is wrong with it.
