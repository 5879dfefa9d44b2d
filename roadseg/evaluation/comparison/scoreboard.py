"""Scores of several runs on one data set, with their predictions for some of its images."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.source_images import aspect_ratio
from roadseg.datasets.transforms import Image, resized_image, resized_label
from roadseg.errors import DatasetError
from roadseg.evaluation.evaluate import score
from roadseg.evaluation.score_tables import ABSENT, ScoreTable, score_text
from roadseg.evaluation.scores import Evaluation, rounded
from roadseg.evaluation.trained import scored_segmenter
from roadseg.inference.engines import EngineName
from roadseg.labels.space import LabelMap, LabelSpace, conversion
from roadseg.models.tta import NO_TTA, TTA
from roadseg.runtime import DeviceName

SHOWN_WIDTH = 960
"""Largest width in pixels of images that are kept to be shown."""
Scores = Mapping[str, float | None]
"""IoU in percent by class; None for a class that the truth never shows."""


@dataclass(frozen=True)
class ShownImage:
    """An image of the data set with its truth, both at most `SHOWN_WIDTH` wide."""

    name: str
    image: Image
    """(H, W, 3) uint8 RGB."""
    truth: LabelMap
    """(H, W) train ids of the data set's label space."""


@dataclass(frozen=True)
class Prediction:
    """The prediction of a run for a shown image."""

    labels: LabelMap
    """(H, W) train ids of the data set's label space, of the size of `ShownImage.image`; 255 for no class."""
    iou: Scores
    """IoU in this image alone."""


@dataclass(frozen=True)
class RunScores:
    """Scores of one run on the data set."""

    path: Path
    """The run as it was given."""
    input_size: tuple[int, int]
    """(width, height) in pixels of the network's input, for the first image."""
    evaluation: Evaluation
    predictions: tuple[Prediction, ...]
    """Predictions in the order of the shown images."""

    @property
    def iou(self) -> Scores:
        """IoU over the whole data set."""
        return _by_class(self.evaluation)


@dataclass(frozen=True)
class Scoreboard:
    """Scores of runs on one data set; differences are to the first run."""

    dataset: str
    label_space: LabelSpace
    images: int
    shown: tuple[ShownImage, ...]
    """Images to show, evenly spread over the data set."""
    runs: Mapping[str, RunScores]
    """Scores by the name of the run."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes that at least one run is scored on, in the data set's order."""
        known = {name for run in self.runs.values() for name in run.iou}
        return tuple(name for name in self.label_space.classes if name in known)

    @property
    def shared(self) -> tuple[str, ...]:
        """Classes that all runs are scored on; means are taken over these, so that they compare."""
        return tuple(name for name in self.classes if all(name in run.iou for run in self.runs.values()))

    def miou(self, iou: Scores) -> float | None:
        """Return the mean in percent over the shared classes that the truth shows; None if it shows none of them."""
        shown = [value for name in self.shared if (value := iou[name]) is not None]
        return sum(shown) / len(shown) if shown else None

    @property
    def rows(self) -> dict[str, list[float | None]]:
        """Scores by row name, one column for each run: IoU by class, mIoU and, for a video, steadiness."""
        runs = self.runs.values()
        rows = {name: [run.iou.get(name) for run in runs] for name in self.classes}
        rows["mIoU"] = [self.miou(run.iou) for run in runs]
        if all(run.evaluation.steadiness for run in runs):
            steady = [run.evaluation.steadiness.miou for run in runs if run.evaluation.steadiness]
            rows["temporal consistency"] = list(map(_known, steady))
        return rows

    def as_dict(self) -> dict[str, Any]:
        """Return the scores for JSON, with differences to the first run; in percent, null where there are none."""
        rows = self.rows
        return {
            "dataset": self.dataset,
            "label_space": self.label_space.name,
            "images": self.images,
            "mean_over": list(self.shared),
            "runs": [
                {
                    "name": name,
                    "run": str(run.path),
                    "input_size_px": list(run.input_size),
                    "engine": run.evaluation.engine,
                    "miou": rounded(rows["mIoU"][column]),
                    "iou": {one: rounded(rows[one][column]) for one in self.classes},
                    **(run.evaluation.steadiness.as_dict() if run.evaluation.steadiness else {}),
                    "difference": {one: rounded(difference(values, column)) for one, values in rows.items() if column},
                }
                for column, (name, run) in enumerate(self.runs.items())
            ],
            "shown": [
                {
                    "name": shown.name,
                    "miou": {name: rounded(self.miou(run.predictions[place].iou)) for name, run in self.runs.items()},
                }
                for place, shown in enumerate(self.shown)
            ],
        }

    def table(self) -> ScoreTable:
        """Return IoU by class and the mean, one column for each run, the best of each row in bold."""
        rows = self.rows
        cells = tuple(
            (name, *(score_cell(values, column) for column in range(len(values)))) for name, values in rows.items()
        )
        bold = frozenset((row, column + 1) for row, values in enumerate(rows.values()) for column in best(values))
        title = f"IoU % on {self.dataset}, {self.images} images"
        first = next(iter(self.runs))
        notes = [f"Bold is best; in brackets, the difference to {first}."] if len(self.runs) > 1 else []
        return ScoreTable(title, ("class", *self.runs), cells, (*notes, *self.notes()), bold)

    def notes(self) -> list[str]:
        """Return remarks that a reader of the scores needs."""
        engines = dict.fromkeys(run.evaluation.engine for run in self.runs.values())
        notes = [f"Engine: {' and '.join(engines)}."]
        if self.shared != self.classes:
            notes.append(f"mIoU is over the {len(self.shared)} classes that all runs are scored on.")
        if any(None in values for values in self.rows.values()):
            notes.append(f"{ABSENT}: the truth never shows the class, or the run does not know it.")
        return notes


def score_runs(
    runs: Mapping[str, Path],
    dataset: ImageDataset,
    count: int,
    *,
    device: DeviceName = "auto",
    engine: EngineName = "exact",
    input_size: tuple[int, int] | None = None,
    tta: TTA = NO_TTA,
    smoothing: float = 0.0,
    on_progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> Scoreboard:
    """Score runs on a labelled data set, and keep their predictions for `count` images spread evenly over it.

    Args:
        runs: run folders or `model.safetensors` files by name; at least one.
        dataset: labelled.
        count: number of images to show, at least 1.
        device: device to run on.
        engine: as for `roadseg.evaluation.evaluate.evaluate`.
        input_size: (width, height) in pixels that images are resized to; see `load_segmenter`.
        tta: test-time augmentation.
        smoothing: weight of the past in class scores, for a data set that is a video.
        on_progress: called with (name of a run, images done, images in all).

    Returns:
        The scores of all runs.

    Raises:
        WeightsError: a run has no readable model.
        DatasetError: the data set has no labels, or runs cannot be scored on it, or share no class there.
        InputError: device or engine are missing, or the data set is to be smoothed and is not a video.
    """
    space = dataset.label_space
    if space is None:
        raise DatasetError(f"{dataset.name}: has no label maps to score against", dataset.unlabelled)
    loaded = {  # at once: a missing run should not be noticed after hours
        name: scored_segmenter(path, device=device, engine=engine, input_size=input_size) for name, path in runs.items()
    }
    shown = dataset.evenly_spread(count)
    images = tuple(_shown_image(shown, index) for index in range(len(shown)))
    places = {dataset.samples.index(sample): place for place, sample in enumerate(shown.samples)}
    sizes = {index: images[place].truth.shape[::-1] for index, place in places.items()}
    scores = {}
    for name, (segmenter, settings) in loaded.items():
        predictions = _Predictions(conversion(segmenter.label_space, space), sizes)
        evaluation = score(
            segmenter,
            dataset,
            resampling=settings.resampling,
            scored_classes=settings.scored_classes,
            tta=tta,
            smoothing=smoothing,
            on_progress=partial(on_progress, name),
            on_image=predictions.keep,
        )
        fitted = segmenter.fitted(aspect_ratio(dataset))
        scores[name] = RunScores(runs[name], fitted.input_size, evaluation, tuple(predictions.kept))
    board = Scoreboard(dataset.name, space, len(dataset), images, scores)
    if not board.shared:
        raise DatasetError(f"{dataset.name}: {', '.join(runs)} have no class in common", "Leave out one of them.")
    return board


def difference(values: list[float | None], column: int) -> float | None:
    """Return a score minus that of the first run; None where one of them is missing."""
    first, value = values[0], values[column]
    return None if first is None or value is None else value - first


def best(values: list[float | None]) -> list[int]:
    """Return the columns of the highest score as rounded for display; none if all scores are equal."""
    written = [rounded(value) for value in values]
    there = [value for value in written if value is not None]
    if not there or min(there) == max(there):
        return []
    return [column for column, value in enumerate(written) if value == max(there)]


def score_cell(values: list[float | None], column: int) -> str:
    """Format a score; in columns after the first, followed by the difference to the first run."""
    change = difference(values, column) if column else None
    return score_text(values[column]) + ("" if change is None else f" ({change:+z.2f})")


class _Predictions:
    """Keeps the predictions for the shown images, as train ids of the data set."""

    def __init__(self, to_space: LabelMap, sizes: Mapping[int, tuple[int, int]]) -> None:
        self.kept: list[Prediction] = []
        self._to_space = to_space
        self._sizes = sizes

    def keep(self, index: int, predicted: LabelMap, evaluation: Evaluation) -> None:
        if index in self._sizes:
            labels = resized_label(self._to_space[predicted], self._sizes[index])
            self.kept.append(Prediction(labels, _by_class(evaluation)))


def _shown_image(dataset: ImageDataset, index: int) -> ShownImage:
    image, truth = dataset.pair(index)
    height, width = truth.shape
    size = (SHOWN_WIDTH, max(1, round(height * SHOWN_WIDTH / width))) if width > SHOWN_WIDTH else (width, height)
    return ShownImage(dataset.samples[index].name, resized_image(image, size), resized_label(truth, size))


def _by_class(evaluation: Evaluation) -> dict[str, float | None]:
    values = zip(evaluation.classes, evaluation.iou.tolist(), strict=True)
    return {name: _known(value) for name, value in values}


def _known(value: float) -> float | None:
    """Return None in place of NaN."""
    return None if value != value else value
