"""Pixel counts of each class in each label map, counted once and stored in a folder of roadseg."""

import hashlib
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadseg.cores import usable_cores
from roadseg.datasets.dataset import ImageDataset
from roadseg.files import in_turn, writing
from roadseg.labels.space import IGNORE


def class_counts(
    dataset: ImageDataset, folder: Path, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> NDArray[np.int64]:
    """Count the pixels of each class in each label map, or read stored counts.

    Counts are stored in `folder`, not beside the label maps, whose folder may be read-only. Stored counts are used as
    long as the label files (path, size and modification time) and the meaning of their values are unchanged.

    Args:
        dataset: labelled data set of N samples.
        folder: folder for the counts, a file for each data set.
        on_progress: called with (label maps counted, total).

    Returns:
        (N, 256) int64 pixels by train id of each label map; the last column counts ignored pixels.

    Raises:
        DatasetError: a label map is missing or cannot be read.
        OutputError: the counts cannot be written.
    """
    kept = folder / f"{dataset.name}-{_identity(dataset)[:16]}.npy"
    counts = _stored(kept)
    if counts is not None:
        return counts
    with in_turn(kept):
        counts = _stored(kept)  # by another process, meanwhile
        if counts is None:
            counts = _counted(dataset, on_progress)
            with writing(kept) as part, part.open("wb") as file:
                np.save(file, counts)
    return counts


def _stored(file: Path) -> NDArray[np.int64] | None:
    """Return stored counts; None where there are none, or damaged ones."""
    try:
        return np.asarray(np.load(file), np.int64)
    except (OSError, ValueError, EOFError):
        return None


def _counted(dataset: ImageDataset, on_progress: Callable[[int, int], None]) -> NDArray[np.int64]:
    def count(index: int) -> NDArray[np.int64]:
        return np.bincount(dataset.label(index).ravel(), minlength=IGNORE + 1)

    counts = np.zeros((len(dataset), IGNORE + 1), np.int64)
    with ThreadPoolExecutor(usable_cores()) as threads:
        for index, row in enumerate(threads.map(count, range(len(dataset)))):
            counts[index] = row
            on_progress(index + 1, len(dataset))
    return counts


def _identity(dataset: ImageDataset) -> str:
    digest = hashlib.sha256(pickle.dumps(dataset.read_label))
    for sample in dataset.samples:
        if sample.label is not None:
            about = sample.label.stat()
            digest.update(f"{sample.label.absolute()}\0{about.st_size}\0{about.st_mtime_ns}\0".encode())
    return digest.hexdigest()
