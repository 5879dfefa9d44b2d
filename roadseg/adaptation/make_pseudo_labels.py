"""Pseudo-labels: what a trained network sees on unlabelled pictures, where it is surest, as labels to train on.

After Zou et al., "Unsupervised Domain Adaptation for Semantic Segmentation via Class-Balanced Self-Training", ECCV
2018: a threshold a class, so that the classes that a network is rarely sure of keep their share.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.label_files import read_ids
from roadseg.datasets.transforms import Resampling, resized_image
from roadseg.files import write_json, write_png
from roadseg.labels.space import IGNORE, LabelMap, LabelSpace
from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import class_scores, to_tensor
from roadseg.models.tta import TTA, mean_probabilities
from roadseg.runtime import Runtime, is_main_process

TTA_FOR_LABELS = TTA(flip=True, scales=(0.75, 1.0, 1.3))
"""The mean over these is some three points better than a single look, see docs/experiments.md."""
SURE = 0.9
"""Pixels of this probability are kept whatever their class's threshold."""
LEVELS = 256
"""Confidence is stored in so many steps."""
RECORD, LABELS, CONFIDENCE = "pseudo-labels.json", "labels", "confidence"


@dataclass(frozen=True)
class SelectedLabels:
    """Reads a label map, without the pixels that its network was not sure enough of."""

    thresholds: tuple[int, ...]
    """Of each train id, in steps of 1 / 255."""

    def __call__(self, path: Path) -> LabelMap:
        """Read `path` as (H, W) uint8 train ids, 255 where they are not to be trusted.

        Raises:
            DatasetError: the file, or that of its confidence, cannot be read.
        """
        labels = np.asarray(read_ids(path), np.uint8)
        table = np.zeros(LEVELS, np.uint8)
        table[: len(self.thresholds)] = self.thresholds
        return np.where(read_ids(_confidence_of(path)) >= table[labels], labels, IGNORE).astype(np.uint8)


def pseudo_labelled(
    network: SegmentationNetwork,
    space: LabelSpace,
    pictures: ImageDataset,
    out: Path,
    runtime: Runtime,
    *,
    size: tuple[int, int],
    kept: float,
    resampling: Resampling = "area",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> ImageDataset:
    """Label pictures by a network, into the folder `out`; what is there already is kept, so a call can be repeated.

    Args:
        network: on the runtime's device.
        space: of its classes.
        pictures: unlabelled, or with labels that are not read.
        out: gets labels/NAME.png, confidence/NAME.png and a record of the thresholds.
        runtime: gives device and precision.
        size: (width, height) that the network sees at scale 1, and of the label maps.
        kept: share of each class's pixels that are kept, 0..1, those of the highest confidence; more where they are
            surer than 0.9.
        resampling: how pictures are resized.
        on_progress: told (pictures labelled, pictures in all).

    Returns:
        The same pictures with the selected labels; maps are to be scaled to their pictures.

    Raises:
        DatasetError: a picture cannot be read.
        OutputError: the folder cannot be written to.
    """
    labels = [out / LABELS / f"{sample.name}.png" for sample in pictures.samples]
    scores = partial(class_scores, network.eval(), runtime=runtime)
    counts = np.zeros((len(space), LEVELS), np.int64)
    for index, label in enumerate(labels):
        if not label.is_file():
            image = resized_image(pictures.image(index), size, resampling)
            images = to_tensor(image[None], runtime.device)
            _write(label, mean_probabilities(scores, images, size, TTA_FOR_LABELS)[0])
        pixels = np.asarray(read_ids(label), np.int64) * LEVELS + read_ids(_confidence_of(label))
        counts += np.bincount(pixels.ravel(), minlength=counts.size).reshape(counts.shape)
        on_progress(index + 1, len(labels))
    thresholds = selection_thresholds(counts, kept)
    record = {"kept": kept, "thresholds": dict(zip(space.classes, thresholds, strict=True))}
    if is_main_process():
        write_json(out / RECORD, record)
    samples = [replace(sample, label=label) for sample, label in zip(pictures.samples, labels, strict=True)]
    return replace(
        pictures, samples=samples, label_space=space, read_label=SelectedLabels(thresholds), resize_labels=True
    )


def selection_thresholds(counts: NDArray[np.int64], kept: float) -> tuple[int, ...]:
    """The confidence from which on pixels of each class are kept.

    Args:
        counts: (C, 256) pixels by class and confidence in steps of 1 / 255.
        kept: share of each class's pixels that stay, 0..1; it is met from above.

    Returns:
        C steps, none above that of 0.9; 0 for a class that never occurs.
    """
    from_above = counts[:, ::-1].cumsum(1)[:, ::-1]
    enough = from_above >= kept * from_above[:, :1]
    # The highest confidence at which enough pixels are left.
    thresholds = LEVELS - 1 - enough[:, ::-1].argmax(1)
    thresholds = np.where(from_above[:, 0] > 0, thresholds, 0)
    return tuple(np.minimum(thresholds, round(SURE * (LEVELS - 1))).tolist())


def _write(label: Path, probabilities: Tensor) -> None:
    """The class of the highest of (C, H, W) probabilities, and how high it is; a label file means both are whole."""
    confidence, train_ids = probabilities.max(0)
    levels = (confidence * (LEVELS - 1)).to(torch.uint8)
    for path, values in ((_confidence_of(label), levels), (label, train_ids.to(torch.uint8))):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, values.cpu().numpy())


def _confidence_of(label: Path) -> Path:
    """Where the confidence lies that belongs to the label file OUT/labels/NAME.png."""
    out = next(parent.parent for parent in label.parents if parent.name == LABELS)
    return out / CONFIDENCE / label.relative_to(out / LABELS)
