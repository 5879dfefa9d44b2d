"""Check of a data set on disk: completeness, readable files, meaningful label maps."""

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
from roadseg.datasets.catalogue import DatasetReference, parse_dataset
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.image_files import BROKEN
from roadseg.datasets.kind import JOIN, DatasetKind
from roadseg.errors import DatasetError
from roadseg.labels.catalogue import CITYSCAPES_19, LABEL_SPACES
from roadseg.labels.counterparts import unmatched_notices
from roadseg.labels.space import IGNORE, LabelSpace

SAMPLE = 200
"""Default number of images to read."""
ENDS = {b"\xff\xd8": b"\xff\xd9", b"\x89P": b"IEND"}
"""First two bytes of JPEG and PNG -> bytes that mark their end."""
TAIL_BYTES = 4096
"""Number of bytes at the end that are searched for the mark: some cameras write a little behind it."""

Progress = Callable[[int, int], None]
"""Called with (images read, total to read)."""


class Problem(NamedTuple):
    """A problem of a data set."""

    cause: str
    """One line, naming the file."""
    remedy: str
    """Remedy; may be empty."""


@dataclass(frozen=True)
class CheckReport:
    """Result of a check."""

    kind: str
    root: Path
    split: str
    """Empty for a kind without splits."""
    images: int
    """Number of images."""
    published: int | None
    """Published number of images, in the part or the whole; None where none is published."""
    part: str
    """Name of the part of the download, if exactly that part is present; empty otherwise."""
    checked: int
    """Number of images read, evenly spread over all."""
    sizes: Mapping[tuple[int, int], int]
    """(width, height) -> number of read images of this size, the most frequent first."""
    label_space: LabelSpace | None
    """None where there are no label maps."""
    pixels: NDArray[np.int64]
    """(256,) pixels by train id in the read label maps; 255 counts ignored pixels."""
    problems: tuple[Problem, ...]
    notices: tuple[str, ...] = ()
    """Sentences on losses: images in formats that are not read, classes that the default network cannot predict."""

    @property
    def fine(self) -> bool:
        """True if there are no problems."""
        return not self.problems

    @property
    def shares(self) -> dict[str, float]:
        """Percentage of the labelled pixels by class, in the order of train ids; empty where nothing is labelled."""
        classes = self.label_space.classes if self.label_space else ()
        labelled = int(self.pixels[: len(classes)].sum())
        if not labelled:
            return {}
        return {name: 100 * int(self.pixels[place]) / labelled for place, name in enumerate(classes)}

    @property
    def ignored(self) -> float:
        """Percentage of all pixels of the read label maps that are ignored."""
        return 100 * int(self.pixels[IGNORE]) / max(int(self.pixels.sum()), 1)

    def as_dict(self) -> dict[str, Any]:
        """Return all values, ready for JSON."""
        return {
            "fine": self.fine,
            "kind": self.kind,
            "root": str(self.root),
            "split": self.split,
            "images": self.images,
            "published": self.published,
            "part": self.part,
            "checked": self.checked,
            "sizes": {f"{width}x{height}": count for (width, height), count in self.sizes.items()},
            "label_space": self.label_space.name if self.label_space else None,
            "class_percent": {name: round(share, 4) for name, share in self.shares.items()},
            "ignored_percent": round(self.ignored, 4),
            "problems": [problem._asdict() for problem in self.problems],
            "notices": list(self.notices),
        }


class _Looked(NamedTuple):
    """Findings in one image and its label map."""

    size: tuple[int, int] | None = None
    pixels: NDArray[np.int64] | int = 0
    problems: tuple[Problem, ...] = ()


def check_dataset(
    dataset: str | DatasetReference,
    *,
    sample: int | None = SAMPLE,
    on_progress: Progress = lambda done, total: None,
) -> CheckReport:
    """Open a data set and read images and label maps.

    Args:
        dataset: KIND:ROOT or KIND:ROOT:SPLIT; without a split, the kind's first.
        sample: number of images to read, evenly spread; None for all.
        on_progress: called in this thread with (images read, total to read).

    Returns:
        Counts, sizes, class shares, and the problems that were found.

    Raises:
        DatasetError: the text has another form, or the folder cannot be opened as such a data set.
    """
    kind, root, split = parse_dataset(dataset) if isinstance(dataset, str) else dataset
    opened = _opened(kind, root, split)
    split = split or next(iter(kind.splits), "")
    count = len(opened) if sample is None else min(sample, len(opened))
    chosen = np.linspace(0, len(opened) - 1, count).round().astype(int).tolist()
    sizes: Counter[tuple[int, int]] = Counter()
    pixels = np.zeros(256, np.int64)
    published, part = _published(kind, split, len(opened))
    problems = [] if published in (None, len(opened)) else [_miscounted(root, len(opened), published)]
    # Threads are enough: both decoders work without Python's lock. A loop that is left takes back what was not begun.
    with ThreadPoolExecutor(usable_cores()) as threads:
        for done, looked in enumerate(threads.map(lambda index: _look(opened, index), chosen), start=1):
            sizes.update([looked.size] if looked.size else [])
            pixels += looked.pixels
            problems += looked.problems
            on_progress(done, count)
    if pixels.any() and pixels[IGNORE] == pixels.sum():
        problems.append(Problem(f"{root}: every pixel of the read label maps is ignored", ""))
    return CheckReport(
        kind=kind.name,
        root=root,
        split=split,
        images=len(opened),
        published=published,
        part=part,
        checked=count,
        sizes=dict(sizes.most_common()),
        label_space=opened.label_space,
        pixels=pixels,
        problems=tuple(problems),
        notices=opened.notices + _unmatched(opened.label_space),
    )


def _unmatched(labels: LabelSpace | None) -> tuple[str, ...]:
    """Return notices on classes, named by the data set itself, that networks for Cityscapes cannot predict."""
    if labels is None or labels.name in LABEL_SPACES:
        return ()
    return unmatched_notices(labels, CITYSCAPES_19)


def _published(kind: DatasetKind, split: str, images: int) -> tuple[int | None, str]:
    """Return the published number of images of the split, or of the part that has exactly as many, with its name."""
    for part, count in kind.parts.get(split, {}).items():
        if count == images:
            return count, part
    counts = [kind.splits.get(name) for name in split.split(JOIN)]
    return None if None in counts else sum(filter(None, counts)), ""


def _miscounted(root: Path, images: int, published: int) -> Problem:
    if images < published:
        return Problem(
            f"{root}: only {images:,} of {published:,} published images are present", "Unpack or fetch the others."
        )
    return Problem(
        f"{root}: {images:,} images are present, only {published:,} are published",
        "Remove files that do not belong to the data set.",
    )


def _opened(kind: DatasetKind, root: Path, split: str) -> ImageDataset:
    """Open the data set, or report a nearby folder or split that can be opened."""
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
                there = f"{kind.name}:{nearby}" + (f":{other}" if other else "")
                raise DatasetError(error.cause, f"But {there} can be opened.") from error
        raise


def _nearby(kind: DatasetKind, root: Path) -> list[Path]:
    """Return the folder itself, its parent and its sub-folders; none for a kind that accepts any image."""
    if not root.is_dir() or not (kind.splits or kind.label_space):
        return []
    return [root, root.parent if root.name else root / "..", *sorted(path for path in root.iterdir() if path.is_dir())]


def _look(dataset: ImageDataset, index: int) -> _Looked:
    """Read an image and its label map; problems are reported, not raised."""
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
    """Return True if a PNG or JPEG lacks its end, which some decoders ignore."""
    try:
        with path.open("rb") as file:
            end = ENDS.get(file.read(2))
            file.seek(-min(TAIL_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
            return end is not None and end not in file.read()
    except OSError:
        return False  # The reader reports the problem.
