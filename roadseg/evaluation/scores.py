"""Scores of a segmenter on a labelled data set: IoU by class, means, and steadiness on video."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import DatasetError
from roadseg.evaluation.safe_iou import safe_iou
from roadseg.labels.catalogue import IDD_26
from roadseg.labels.confusion import intersection_over_union, pixel_accuracy
from roadseg.labels.space import IGNORE, LabelSpace, conversion


@dataclass(frozen=True)
class Steadiness:
    """Steadiness of predictions over a video, see `roadseg.evaluation.consistency.TemporalConsistency`."""

    miou: float
    """Mean IoU with the prediction of the frame before, in percent; NaN where no frame follows from the one before."""
    changed: float
    """Pixels whose class differs from the frame before, in percent; NaN in the same case."""

    def as_dict(self) -> dict[str, float | None]:
        """Return `temporal_consistency` and `changed_pixels` for JSON; null in place of NaN."""
        return {"temporal_consistency": rounded(self.miou), "changed_pixels": rounded(self.changed)}


def rounded(score: float | None) -> float | None:
    """Return a score in percent with two decimals, for JSON; None where it is None or NaN."""
    return None if score is None or np.isnan(score) else round(float(score), 2)


def shown_iou(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return IoU by class in percent.

    Where a class that the truth never shows is predicted, it lowers the IoU of the classes that are there. The
    published code also counts it as 0, so that a stray pixel moves the mean over a small set; where the truth shows
    every class, as on full benchmarks, both conventions agree.

    Args:
        confusion: (..., C + 1, C + 1) pixels, as in `Evaluation.confusion`.

    Returns:
        (..., C) float64; NaN for a class that the truth never shows.
    """
    shown = confusion[..., :-1, :].sum(-1) > 0
    return np.where(shown, 100 * intersection_over_union(confusion)[..., :-1], np.nan)


def mean_iou(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean in percent over the classes that the truth shows, (...); NaN where it shows none.

    Args:
        confusion: (..., C + 1, C + 1) pixels, as in `Evaluation.confusion`.
    """
    iou = shown_iou(confusion)
    shown = (~np.isnan(iou)).sum(-1)
    mean: NDArray[np.float64] = np.divide(np.nansum(iou, -1), shown, out=np.full(shown.shape, np.nan), where=shown > 0)
    return mean


@dataclass(frozen=True)
class Evaluation:
    """Scores over a whole data set, from pixel counts summed over all its images."""

    dataset: str
    label_space: LabelSpace
    """Label space of the data set, whose classes are scored."""
    classes: tuple[str, ...]
    """Classes that are scored, in the data set's order."""
    confusion: NDArray[np.int64]
    """(C + 1, C + 1) pixels by [truth, prediction]. The last column counts predictions that belong to no scored class,
    the last row the truth of classes that `within` left out."""
    images: int
    engine: str = ""
    """Program, precision and size at which labels are decided, for example `torch float32, full size`."""
    steadiness: Steadiness | None = None
    """Steadiness of predictions over a video; None for other data sets."""
    notices: tuple[str, ...] = ()
    """Sentences on losses: images in formats that are not read, classes of the data set that cannot be predicted."""
    blocks: tuple[NDArray[np.int64], ...] = ()
    """Counts by block of contiguous images, each of the shape of `confusion`, which is their sum."""
    drives: tuple["Evaluation", ...] = ()
    """Scores of each drive, under its name as `dataset`, where the data set knows several."""

    @property
    def units(self) -> tuple[NDArray[np.int64], ...]:
        """Counts that a bootstrap draws: those of drives where several are known, else those of blocks."""
        return tuple(drive.confusion for drive in self.drives) or self.blocks or (self.confusion,)

    @property
    def iou(self) -> NDArray[np.float64]:
        """IoU by class in percent, (C,); NaN for a class that the truth never shows, see `shown_iou`."""
        return shown_iou(self.confusion)

    @property
    def miou(self) -> float:
        """Mean IoU in percent over the classes that the truth shows."""
        return float(mean_iou(self.confusion))

    @property
    def safe_miou(self) -> float | None:
        """Mean safe IoU in percent over the same classes, -100 to 100; None for labels other than those of IDD."""
        if self.label_space != IDD_26:
            return None
        return float(np.nanmean(safe_iou(self.confusion, self.classes)))

    @property
    def pixel_accuracy(self) -> float:
        """Pixels of scored classes with the right label, in percent."""
        return 100 * pixel_accuracy(self.confusion[: len(self.classes)])

    def within(self, space: LabelSpace) -> "Evaluation":
        """Return the same predictions scored over the classes of `space` alone, e.g. mIoU13 of a 16-class run.

        Each class keeps its IoU, because classes that are left out still compete for pixels; only the means change.

        Raises:
            DatasetError: no scored class belongs to `space`, or the truth shows none of them.
        """
        named = {self.label_space.classes[i] for i in conversion(space, self.label_space) if i != IGNORE}
        kept = [index for index, name in enumerate(self.classes) if name in named]
        if not self.confusion[kept].sum():
            raise DatasetError(
                f"{self.dataset}: shows no class of {space.name}", f"Its classes are {', '.join(self.classes)}."
            )
        return self.over([self.classes[index] for index in kept])

    def over(self, classes: Collection[str]) -> "Evaluation":
        """Return the same predictions scored over these of its classes alone, as `within` does."""
        kept = [index for index, name in enumerate(self.classes) if name in classes]
        place = np.full(len(self.confusion), len(kept))
        place[kept] = np.arange(len(kept))

        def merged(counts: NDArray[np.int64]) -> NDArray[np.int64]:
            fewer = np.zeros((len(kept) + 1, len(kept) + 1), np.int64)
            np.add.at(fewer, (place[:, None], place[None]), counts)
            return fewer

        return replace(
            self,
            classes=tuple(self.classes[index] for index in kept),
            confusion=merged(self.confusion),
            blocks=tuple(map(merged, self.blocks)),
            drives=tuple(drive.over(classes) for drive in self.drives),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the scores for JSON.

        `miou`, `iou` by class (null where the truth never shows it) and `pixel_accuracy` in percent; `images`,
        `dataset`, `label_space`, `engine`; for labels of IDD also `safe_miou`, and for a video
        `temporal_consistency` and `changed_pixels`, all in percent;
        `notices`, where something was left out.
        """
        iou = {name: rounded(value) for name, value in zip(self.classes, self.iou, strict=True)}
        return {
            "dataset": self.dataset,
            "label_space": self.label_space.name,
            "images": self.images,
            "engine": self.engine,
            "miou": round(self.miou, 2),
            "iou": iou,
            "pixel_accuracy": round(self.pixel_accuracy, 2),
            **({"safe_miou": round(self.safe_miou, 2)} if self.safe_miou is not None else {}),
            **(self.steadiness.as_dict() if self.steadiness else {}),
            **({"notices": list(self.notices)} if self.notices else {}),
        }
