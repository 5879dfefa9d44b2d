"""Pseudo-labels: predictions of a trained network on unlabelled images, where it is most confident, to train on.

After Zou et al., "Unsupervised Domain Adaptation for Semantic Segmentation via Class-Balanced Self-Training", ECCV
2018: one threshold for each class, so that classes of which a network is rarely confident keep their share.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.image_files import read_ids
from roadseg.datasets.transforms import Resampling, resized_image
from roadseg.files import write_json, write_png
from roadseg.labels.space import IGNORE, LabelMap, LabelSpace
from roadseg.models.engine import Engine
from roadseg.models.predict import to_tensor
from roadseg.models.tta import TTA, mean_probabilities
from roadseg.runtime import is_main_process

TTA_FOR_LABELS = TTA(flip=True, scales=(0.75, 1.0, 1.3))
"""Test-time augmentation for labels to learn from or to correct."""
SURE = 0.9
"""Probability from which on pixels are kept, even below the threshold of their class."""
LEVELS = 256
"""Number of steps in which confidence is stored."""
RECORD, LABELS, CONFIDENCE = "pseudo-labels.json", "labels", "confidence"


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
    engine: Engine,
    space: LabelSpace,
    images: ImageDataset,
    out: Path,
    *,
    size: tuple[int, int],
    keep_ratio: float,
    tta: TTA = TTA_FOR_LABELS,
    resampling: Resampling = "area",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> ImageDataset:
    """Label images by a network and write the labels to `out`; maps that are there already are kept.

    Args:
        engine: the network.
        space: label space that the network predicts.
        images: unlabelled, or with labels that are not read.
        out: folder for labels/NAME.png, confidence/NAME.png and a record of the thresholds.
        size: (width, height) of images as the network sees them at scale 1, and of the label maps.
        keep_ratio: share of each class's pixels to keep, 0..1, those of the highest confidence; pixels with a
            probability of 0.9 or more are kept in any case.
        tta: flips and scales whose probabilities are averaged.
        resampling: how images are resized.
        on_progress: called with (images labelled, images in all).

    Returns:
        The same images with the selected labels; label maps have to be resized to their images.

    Raises:
        DatasetError: an image cannot be read.
        OutputError: the folder cannot be written to.
    """
    labels = [out / LABELS / f"{sample.name}.png" for sample in images.samples]
    missing = [index for index, label in enumerate(labels) if not label.is_file()]
    at_once = engine.batch_size or 1
    for start in range(0, len(missing), at_once):
        some = missing[start : start + at_once]
        batch = np.stack([resized_image(images.image(index), size, resampling) for index in some])
        labelled = mean_probabilities(engine.scores, to_tensor(batch, engine.device), size, tta)
        for index, probabilities in zip(some, labelled, strict=True):
            _write(labels[index], probabilities)
        on_progress(len(labels) - len(missing) + start + len(some), len(labels))
    counts = np.zeros((len(space), LEVELS), np.int64)
    for label in labels:
        pixels = np.asarray(read_ids(label), np.int64) * LEVELS + read_ids(_confidence_of(label))
        counts += np.bincount(pixels.ravel(), minlength=counts.size).reshape(counts.shape)
    thresholds = selection_thresholds(counts, keep_ratio)
    if is_main_process():
        by_class = dict(zip(space.classes, thresholds, strict=True))
        write_json(out / RECORD, {"keep_ratio": keep_ratio, **asdict(tta), "thresholds": by_class})
    samples = [replace(sample, label=label) for sample, label in zip(images.samples, labels, strict=True)]
    return replace(
        images, samples=samples, label_space=space, read_label=SelectedLabels(thresholds), resize_labels=True
    )


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


def _write(label: Path, probabilities: Tensor) -> None:
    """Write class and confidence maps of (C, H, W) probabilities; the label map is last and marks both as done."""
    confidence, train_ids = probabilities.max(0)
    levels = (confidence * (LEVELS - 1)).to(torch.uint8)
    for path, values in ((_confidence_of(label), levels), (label, train_ids.to(torch.uint8))):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, values.cpu().numpy())


def _confidence_of(label: Path) -> Path:
    """Return the path of the confidence map that belongs to the label map OUT/labels/NAME.png."""
    out = next(parent.parent for parent in label.parents if parent.name == LABELS)
    return out / CONFIDENCE / label.relative_to(out / LABELS)
