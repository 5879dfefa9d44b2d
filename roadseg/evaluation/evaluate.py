"""Score a segmenter on a labelled data set, over the classes that both know."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.transforms import Resampling, resized_image
from roadseg.errors import DatasetError
from roadseg.evaluation.confusion import confusion_matrix, intersection_over_union, pixel_accuracy
from roadseg.labels import IGNORE, LabelMap, LabelSpace, conversion
from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import predict
from roadseg.runtime import Runtime

Predict = Callable[[NDArray[np.uint8], tuple[int, int]], NDArray[np.uint8]]
"""Label RGB images (N, H, W, 3) uint8 with train ids (N, height, width) uint8 for a (width, height)."""
Progress = Callable[[int, int], None]
"""Told (images done, images in all)."""


@dataclass(frozen=True)
class Evaluation:
    """Scores over a whole data set, from counts summed over all its images."""

    dataset: str
    classes: tuple[str, ...]
    """Classes that were scored, in the data set's order."""
    confusion: NDArray[np.int64]
    """(C + 1, C + 1) pixels by [truth, prediction]; the last column holds predictions that no scored class contains."""
    images: int

    @property
    def iou(self) -> NDArray[np.float64]:
        """IoU a class in percent, (C,); NaN for a class that the truth never shows.

        Where such a class is predicted, it lowers the IoU of the classes that stand there. The published code counts it
        as 0 besides, which makes the mean over a small set swing by a stray pixel; where the truth shows every class,
        as on full benchmarks, both agree.
        """
        shown = self.confusion[: len(self.classes)].sum(1) > 0
        return np.where(shown, 100 * intersection_over_union(self.confusion)[: len(self.classes)], np.nan)

    @property
    def miou(self) -> float:
        """Mean IoU in percent over the classes that the truth shows."""
        return float(np.nanmean(self.iou))

    def as_dict(self) -> dict[str, Any]:
        """For JSON: `miou` and `iou` by class in percent (null where the truth never shows it), `pixel_accuracy` in
        percent, `images`, `dataset`.
        """
        iou = {
            name: None if np.isnan(value) else round(float(value), 2)
            for name, value in zip(self.classes, self.iou, strict=True)
        }
        return {
            "dataset": self.dataset,
            "images": self.images,
            "miou": round(self.miou, 2),
            "iou": iou,
            "pixel_accuracy": round(100 * pixel_accuracy(self.confusion), 2),
        }


def network_predictor(network: SegmentationNetwork, runtime: Runtime) -> Predict:
    """The `Predict` of a network on the runtime's device."""
    return lambda images, size: predict(network, images, size, runtime)


def evaluate(
    predictor: Predict,
    labels: LabelSpace,
    dataset: ImageDataset,
    *,
    input_size: tuple[int, int],
    resampling: Resampling = "area",
    on_progress: Progress = lambda done, total: None,
) -> Evaluation:
    """Predict every picture of a labelled data set and count.

    Pictures are resized to `input_size` = (width, height) by `resampling`; predictions are made at the size of the
    label maps. Only classes that some class of `labels` maps to are scored, see `roadseg.labels.conversion`; a
    predicted class that the data set does not have is an error wherever it stands.

    Raises:
        DatasetError: the data set has no labels, shares no class with `labels`, or has no scored pixel.
    """
    space = dataset.label_space
    if space is None:
        raise DatasetError(f"{dataset.name}: has no label maps to score against", "Choose a labelled data set.")
    to_truth = conversion(labels, space)
    scored = sorted(set(to_truth[: len(labels)].tolist()) - {IGNORE})
    if not scored:
        raise DatasetError(f"{dataset.name}: {space.name} and {labels.name} share no class")
    position = np.full(256, IGNORE, np.uint8)
    position[scored] = np.arange(len(scored))
    other = len(scored)
    predicted_position = np.minimum(position[to_truth], other)

    confusion = np.zeros((other + 1, other + 1), np.int64)
    for index in range(len(dataset)):
        truth: LabelMap = position[dataset.label(index)]
        image = resized_image(dataset.image(index), input_size, resampling)
        predicted = predictor(image[None], (truth.shape[1], truth.shape[0]))[0]
        confusion += confusion_matrix(predicted_position[predicted], truth, other + 1)
        on_progress(index + 1, len(dataset))
    if not confusion.sum():
        raise DatasetError(f"{dataset.name}: every pixel of its label maps is ignored", "Check the label ids.")
    return Evaluation(dataset.name, tuple(space.classes[i] for i in scored), confusion, len(dataset))
