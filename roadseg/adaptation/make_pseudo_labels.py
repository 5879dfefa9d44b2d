"""Pseudo-labels: predictions of a trained network on unlabelled images, where it is most confident, to train on.

After Zou et al., "Unsupervised Domain Adaptation for Semantic Segmentation via Class-Balanced Self-Training", ECCV
2018: one threshold for each class, so that classes of which a network is rarely confident keep their share.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.dataset import ImageDataset, Sample
from roadseg.datasets.image_files import read_ids
from roadseg.datasets.transforms import Resampling, resized_image
from roadseg.files import fingerprint, write_json, write_png
from roadseg.inputs.documents import read_json
from roadseg.labels.space import IGNORE, LabelMap, LabelSpace, conversion
from roadseg.models.tta import TTA
from roadseg.runtime import is_main_process

TTA_FOR_LABELS = TTA(flip=True, scales=(0.75, 1.0, 1.3))
"""Test-time augmentation for labels to learn from or to correct."""
SURE = 0.9
"""Probability from which pixels are kept, even below the threshold of their class."""
LEVELS = 256
"""Number of steps in which confidence is stored."""
RECORD, LABELS, CONFIDENCE = "pseudo-labels.json", "labels", "confidence"


class Labeller(Protocol):
    """Trained network that labels images and tells how sure it is; a `roadseg.inference.segmenter.Segmenter` is one."""

    name: str
    """Weights and engine."""
    label_space: LabelSpace
    """Classes whose train ids it gives."""
    input_size: tuple[int, int]
    """(width, height) of the images that it takes."""

    def fitted(self, aspect_ratio: float) -> Self:
        """Return one whose input size has the shape of images with this width over height, where it takes several."""
        ...

    @property
    def batch_size(self) -> int:
        """Recommended number of images in a batch."""
        ...

    def labels_with_confidence(
        self, images: NDArray[np.uint8], size: tuple[int, int], tta: TTA
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return train ids and their probabilities in steps of 1 / 255, each (N, height, width) uint8 of this size.

        Args:
            images: (N, H, W, 3) uint8 RGB of the input size.
            size: (width, height) of the maps.
            tta: flips and scales whose probabilities are averaged.
        """
        ...


@dataclass(frozen=True)
class SelectedLabels:
    """Reader of label maps that drops pixels below their class's confidence threshold."""

    thresholds: tuple[int, ...]
    """Lowest confidence that is kept, in steps of 1 / 255, by train id."""

    def __call__(self, path: Path) -> LabelMap:
        """Read `path` as (H, W) uint8 train ids, 255 where confidence is below the threshold.

        Raises:
            DatasetError: the label map or its confidence map cannot be read.
        """
        labels = np.asarray(read_ids(path), np.uint8)
        table = np.zeros(LEVELS, np.uint8)
        table[: len(self.thresholds)] = self.thresholds
        return np.where(read_ids(_confidence_of(path)) >= table[labels], labels, IGNORE).astype(np.uint8)


def pseudo_labelled(
    labeller: Labeller,
    space: LabelSpace,
    images: ImageDataset,
    out: Path,
    *,
    size: tuple[int, int],
    keep_ratio: float,
    tta: TTA = TTA_FOR_LABELS,
    resampling: Resampling = "area",
    teacher: str = "",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> ImageDataset:
    """Label images by a network and write the labels to `out`; maps that are there already are kept.

    Args:
        labeller: the network; of its classes, those that `space` lacks are ignored.
        space: label space of the result.
        images: unlabelled, or with labels that are not read.
        out: folder for labels/NAME.png, confidence/NAME.png and a record of the thresholds.
        size: (width, height) of the label maps.
        keep_ratio: share of each class's pixels to keep, 0..1, those of the highest confidence; pixels with a
            probability of 0.9 or more are kept in any case.
        tta: flips and scales whose probabilities are averaged.
        resampling: how images are resized.
        teacher: name of the labeller: maps that another one made, or that are of other images, are deleted first.
            Empty for the network that training starts from, which is the same at every call.
        on_progress: called with (images labelled, images in all).

    Returns:
        The same images with the selected labels; label maps have to be resized to their images.

    Raises:
        DatasetError: an image cannot be read.
        OutputError: the folder cannot be written to.
    """
    made_of = {"teacher": teacher, "labels": space.name, "size": list(size), "flip": tta.flip}
    made_of |= {"scales": list(tta.scales), "images": _digest(images.samples)}
    if teacher and is_main_process():
        _begin(out, made_of)
    labels = [out / LABELS / f"{sample.name}.png" for sample in images.samples]
    missing = [index for index, label in enumerate(labels) if not label.is_file()]
    table = conversion(labeller.label_space, space)
    done = len(labels) - len(missing)
    for places, fitted, batch in _batches(labeller, images, missing, resampling):
        train_ids, confidence = fitted.labels_with_confidence(batch, size, tta)
        for index, *maps in zip(places, table[train_ids], confidence, strict=True):
            _write(labels[index], *maps)
        done += len(places)
        on_progress(done, len(labels))
    thresholds = selection_thresholds(_confidence_counts(labels, len(space)), keep_ratio)
    if is_main_process():
        by_class = dict(zip(space.classes, thresholds, strict=True))
        write_json(out / RECORD, {**made_of, "keep_ratio": keep_ratio, "thresholds": by_class})
    samples = [replace(sample, label=label) for sample, label in zip(images.samples, labels, strict=True)]
    return replace(
        images, samples=samples, label_space=space, read_label=SelectedLabels(thresholds), resize_labels=True
    )


def _begin(out: Path, made_of: dict[str, Any]) -> None:
    """Delete labels in `out` that were made of anything else, and record what the next ones are made of."""
    try:
        record = read_json(out / RECORD)
    except (OSError, ValueError):
        record = None
    if isinstance(record, dict) and {key: record.get(key) for key in made_of} == made_of:
        return
    for folder in (LABELS, CONFIDENCE):
        shutil.rmtree(out / folder, ignore_errors=True)
    write_json(out / RECORD, made_of)


def _digest(samples: Sequence[Sample]) -> str:
    """Return hex digits that differ for other images: by name, and by content where they are files of their own."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(f"{sample.name}\0{fingerprint(sample.image) if sample.image.is_file() else ''}\n".encode())
    return digest.hexdigest()


def _batches(
    labeller: Labeller, images: ImageDataset, places: Sequence[int], resampling: Resampling
) -> Iterator[tuple[list[int], Labeller, NDArray[np.uint8]]]:
    """Read some images; yield batches of one input size: their places, the labeller for this size, and the images."""
    chosen: list[int] = []
    pixels: list[NDArray[np.uint8]] = []
    for_these = labeller
    for place in places:
        image = images.image(place)
        fitted = labeller.fitted(image.shape[1] / image.shape[0])
        if chosen and fitted.input_size != for_these.input_size:
            yield chosen, for_these, np.stack(pixels)
            chosen, pixels = [], []
        for_these = fitted
        chosen.append(place)
        pixels.append(resized_image(image, fitted.input_size, resampling))
        if len(chosen) >= fitted.batch_size:
            yield chosen, fitted, np.stack(pixels)
            chosen, pixels = [], []
    if chosen:
        yield chosen, for_these, np.stack(pixels)


def _confidence_counts(labels: Sequence[Path], classes: int) -> NDArray[np.int64]:
    """Count the pixels of label maps by class and confidence: (C, 256)."""
    counts = np.zeros((IGNORE + 1, LEVELS), np.int64)
    for label in labels:
        pixels = np.asarray(read_ids(label), np.int64) * LEVELS + read_ids(_confidence_of(label))
        counts += np.bincount(pixels.ravel(), minlength=counts.size).reshape(counts.shape)
    return counts[:classes]


def selection_thresholds(counts: NDArray[np.int64], keep_ratio: float) -> tuple[int, ...]:
    """Return the lowest confidence at which pixels of each class are kept.

    Args:
        counts: (C, 256) pixels by class and confidence in steps of 1 / 255.
        keep_ratio: smallest share of each class's pixels to keep, 0..1.

    Returns:
        C steps of 1 / 255, none above that of 0.9; 0 for a class that never occurs.
    """
    from_above = counts[:, ::-1].cumsum(1)[:, ::-1]
    enough = from_above >= keep_ratio * from_above[:, :1]
    # The highest confidence at which enough pixels are left.
    thresholds = LEVELS - 1 - enough[:, ::-1].argmax(1)
    thresholds = np.where(from_above[:, 0] > 0, thresholds, 0)
    return tuple(np.minimum(thresholds, round(SURE * (LEVELS - 1))).tolist())


def _write(label: Path, train_ids: NDArray[np.uint8], confidence: NDArray[np.uint8]) -> None:
    """Write the maps of an image; the label map is last and marks both as done."""
    for path, values in ((_confidence_of(label), confidence), (label, train_ids)):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, values)


def _confidence_of(label: Path) -> Path:
    """Return the path of the confidence map that belongs to the label map OUT/labels/NAME.png."""
    out = next(parent.parent for parent in label.parents if parent.name == LABELS)
    return out / CONFIDENCE / label.relative_to(out / LABELS)
