"""Score a segmenter on a labelled data set, over the classes that both know."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.read_ahead import read_ahead
from roadseg.datasets.transforms import Image, Resampling, resized_image
from roadseg.errors import DatasetError
from roadseg.evaluation.confusion import confusion_matrix, intersection_over_union, pixel_accuracy
from roadseg.evaluation.consistency import TemporalConsistency
from roadseg.labels.space import IGNORE, LabelMap, LabelSpace, conversion
from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import predict
from roadseg.runtime import Runtime

Predict = Callable[[NDArray[np.uint8], tuple[int, int]], NDArray[np.uint8]]
"""Label RGB images (N, H, W, 3) uint8 with train ids (N, height, width) uint8 for a (width, height)."""
Progress = Callable[[int, int], None]
"""Told (images done, images in all)."""
READ_AHEAD = 2
"""Samples that are read and resized while the network works on another."""


@dataclass(frozen=True)
class Steadiness:
    """How steady predictions over a video are, see `roadseg.evaluation.consistency.TemporalConsistency`."""

    miou: float
    """With the prediction before, in percent."""
    changed: float
    """Share of pixels whose class is another than before, in percent."""

    def as_dict(self) -> dict[str, float]:
        """For JSON: `temporal_consistency` and `changed_pixels`."""
        return {"temporal_consistency": round(self.miou, 2), "changed_pixels": round(self.changed, 2)}


@dataclass(frozen=True)
class Evaluation:
    """Scores over a whole data set, from counts summed over all its images."""

    dataset: str
    label_space: LabelSpace
    """Whose classes are scored: the data set's."""
    classes: tuple[str, ...]
    """Classes that were scored, in the data set's order."""
    confusion: NDArray[np.int64]
    """(C + 1, C + 1) pixels by [truth, prediction]; the last column holds predictions that no scored class contains,
    the last row the truth of classes that were left out by `within`."""
    images: int
    steadiness: Steadiness | None = None
    """Of predictions over a video; None for other data sets."""

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

    @property
    def pixel_accuracy(self) -> float:
        """Share in percent of the pixels of the scored classes that are right."""
        return 100 * pixel_accuracy(self.confusion[: len(self.classes)])

    def within(self, space: LabelSpace) -> "Evaluation":
        """The same predictions scored over the classes that those of `space` map to alone: mIoU13 of a 16-class run.

        Classes keep their IoU, for those that are left out still compete for pixels; only the means change.

        Raises:
            DatasetError: none of the scored classes is one of `space`, or the truth shows none of them.
        """
        named = {self.label_space.classes[i] for i in conversion(space, self.label_space) if i != IGNORE}
        kept = [index for index, name in enumerate(self.classes) if name in named]
        if not self.confusion[kept].sum():
            raise DatasetError(
                f"{self.dataset}: shows no class of {space.name}", f"Its classes are {', '.join(self.classes)}."
            )
        place = np.full(len(self.confusion), len(kept))
        place[kept] = np.arange(len(kept))
        confusion = np.zeros((len(kept) + 1, len(kept) + 1), np.int64)
        np.add.at(confusion, (place[:, None], place[None]), self.confusion)
        return replace(self, classes=tuple(self.classes[index] for index in kept), confusion=confusion)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: `miou` and `iou` by class in percent (null where the truth never shows it), `pixel_accuracy` in
        percent, `images`, `dataset`, `label_space`; of a video `temporal_consistency` and `changed_pixels` in percent.
        """
        iou = {
            name: None if np.isnan(value) else round(float(value), 2)
            for name, value in zip(self.classes, self.iou, strict=True)
        }
        return {
            "dataset": self.dataset,
            "label_space": self.label_space.name,
            "images": self.images,
            "miou": round(self.miou, 2),
            "iou": iou,
            "pixel_accuracy": round(self.pixel_accuracy, 2),
            **(self.steadiness.as_dict() if self.steadiness else {}),
        }


OnPicture = Callable[[int, LabelMap, Evaluation], None]
"""Told the number of a picture in its data set, what is predicted there, (H, W) train ids, and the scores of it alone.
"""


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
    on_picture: OnPicture = lambda index, predicted, evaluation: None,
) -> Evaluation:
    """Predict every picture of a labelled data set and count.

    Pictures are resized to `input_size` = (width, height) by `resampling`; predictions are made at the size of the
    label maps. Only classes that some class of `labels` maps to are scored, see `roadseg.labels.space.conversion`; a
    predicted class that the data set does not have is an error wherever it stands. Of a video, it is told
    too how steady the predictions are.

    Pictures go through the network one at a time: in batches, rounding differs, and a CPU takes longer.

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
    classes = tuple(space.classes[i] for i in scored)
    predicted_position = np.minimum(position[to_truth], other)

    confusion = np.zeros((other + 1, other + 1), np.int64)
    consistency = TemporalConsistency(len(labels)) if dataset.is_video and len(dataset) > 1 else None
    for done, (image, label) in enumerate(_samples(dataset, input_size, resampling), start=1):
        predicted = predictor(image[None], label.shape[::-1])[0]
        counts = confusion_matrix(predicted_position[predicted], position[label], other + 1)
        confusion += counts
        on_picture(done - 1, predicted, Evaluation(dataset.name, space, classes, counts, 1))
        if consistency is not None:
            consistency.add(image, predicted)
        on_progress(done, len(dataset))
    if not confusion.sum():
        raise DatasetError(f"{dataset.name}: every pixel of its label maps is ignored", "Check the label ids.")
    steadiness = Steadiness(consistency.miou, consistency.changed) if consistency is not None else None
    return Evaluation(dataset.name, space, classes, confusion, len(dataset), steadiness)


def _samples(
    dataset: ImageDataset, input_size: tuple[int, int], resampling: Resampling
) -> Iterator[tuple[Image, LabelMap]]:
    """Pictures at `input_size` with their label maps, in order, read ahead by threads."""

    def read(index: int) -> tuple[Image, LabelMap]:
        image, label = dataset.pair(index)
        return resized_image(image, input_size, resampling), label

    return read_ahead(read, range(len(dataset)), READ_AHEAD)
