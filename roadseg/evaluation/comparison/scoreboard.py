"""Runs scored on one data set, beside each other, and what they see in some of its pictures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.transforms import Image, resized_image, resized_label
from roadseg.errors import DatasetError
from roadseg.evaluation.evaluate import Evaluation
from roadseg.evaluation.score_tables import ABSENT, ScoreTable, score
from roadseg.evaluation.scoring import load_run
from roadseg.evaluation.scoring import score as score_run
from roadseg.labels.space import LabelMap, LabelSpace, conversion
from roadseg.models.tta import NO_TTA, TTA
from roadseg.runtime import Runtime

SHOWN_WIDTH = 960
"""Pixels across pictures that are kept to be shown."""
Scores = Mapping[str, float | None]
"""IoU in percent by class; None for a class that the truth never shows."""


@dataclass(frozen=True)
class Picture:
    """A picture of the data set with its truth, both at most `SHOWN_WIDTH` wide."""

    name: str
    image: Image
    """(H, W, 3) uint8 RGB."""
    truth: LabelMap
    """(H, W) train ids of the data set's label space."""


@dataclass(frozen=True)
class Prediction:
    """What a run sees in a picture."""

    labels: LabelMap
    """(H, W) train ids of the data set's label space, of the size of `Picture.image`; 255 for what it has no class for.
    """
    iou: Scores
    """In this picture alone."""


@dataclass(frozen=True)
class RunScores:
    """A run on the data set."""

    path: Path
    """As it was given."""
    input_size: tuple[int, int]
    """(width, height) that the network was shown."""
    evaluation: Evaluation
    predictions: tuple[Prediction, ...]
    """In the order of the pictures."""

    @property
    def iou(self) -> Scores:
        """Over the whole data set."""
        return _by_class(self.evaluation)


@dataclass(frozen=True)
class Scoreboard:
    """Runs on one data set; differences are to the first of them."""

    dataset: str
    label_space: LabelSpace
    images: int
    pictures: tuple[Picture, ...]
    """Those that are shown, evenly spread over the data set."""
    runs: Mapping[str, RunScores]
    """By name."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Those that some run is scored on, in the data set's order."""
        known = {name for run in self.runs.values() for name in run.iou}
        return tuple(name for name in self.label_space.classes if name in known)

    @property
    def shared(self) -> tuple[str, ...]:
        """Those that all runs are scored on: means are taken over these, or they would not compare."""
        return tuple(name for name in self.classes if all(name in run.iou for run in self.runs.values()))

    def miou(self, iou: Scores) -> float | None:
        """Mean in percent over the shared classes that the truth shows; None if it shows none of them."""
        shown = [value for name in self.shared if (value := iou[name]) is not None]
        return sum(shown) / len(shown) if shown else None

    @property
    def rows(self) -> dict[str, list[float | None]]:
        """Scores by what is scored, a column a run: IoU by class, their mean and, of a video, how steady labels are."""
        runs = self.runs.values()
        rows = {name: [run.iou.get(name) for run in runs] for name in self.classes}
        rows["mIoU"] = [self.miou(run.iou) for run in runs]
        if all(run.evaluation.steadiness for run in runs):
            rows["temporal consistency"] = [run.evaluation.steadiness.miou for run in runs if run.evaluation.steadiness]
        return rows

    def as_dict(self) -> dict[str, Any]:
        """For JSON; scores and differences to the first run in percent, null where there are none."""
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
                    "miou": _rounded(rows["mIoU"][column]),
                    "iou": {one: _rounded(rows[one][column]) for one in self.classes},
                    **(run.evaluation.steadiness.as_dict() if run.evaluation.steadiness else {}),
                    "difference": {one: _rounded(difference(values, column)) for one, values in rows.items() if column},
                }
                for column, (name, run) in enumerate(self.runs.items())
            ],
            "pictures": [
                {
                    "name": picture.name,
                    "miou": {name: _rounded(self.miou(run.predictions[place].iou)) for name, run in self.runs.items()},
                }
                for place, picture in enumerate(self.pictures)
            ],
        }

    def table(self) -> ScoreTable:
        """IoU a class, a row each, and the mean; a column a run, the best of each row in bold."""
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
        """What a reader of the scores must know."""
        notes = []
        if self.shared != self.classes:
            notes.append(f"mIoU is over the {len(self.shared)} classes that all runs are scored on.")
        if any(None in values for values in self.rows.values()):
            notes.append(f"{ABSENT}: the truth never shows it, or the run does not know it.")
        return notes


def score_runs(
    runs: Mapping[str, Path],
    dataset: ImageDataset,
    count: int,
    runtime: Runtime,
    *,
    input_size: tuple[int, int] | None = None,
    tta: TTA = NO_TTA,
    smoothing: float = 0.0,
    on_progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> Scoreboard:
    """Score runs on a labelled data set, and keep what they see in `count` pictures that are evenly spread over it.

    Args:
        runs: run folders or files of weights, by name; at least one.
        dataset: labelled.
        count: at least 1.
        runtime: where networks run.
        input_size: (width, height) that pictures are resized to; by default what each run was trained for.
        tta: test-time augmentation.
        smoothing: weight of the past in class scores, for a data set that is a video.
        on_progress: told a run's name, the images that are done, and all of them.

    Raises:
        WeightsError: a run has no readable model.
        DatasetError: the data set has no labels, or runs cannot be scored on it, or share no class there.
        InputError: what is no video is to be smoothed.
    """
    space = dataset.label_space
    if space is None:
        raise DatasetError(f"{dataset.name}: has no label maps to score against", dataset.unlabelled)
    candidates = {name: load_run(path) for name, path in runs.items()}  # all, before much time goes into the first
    shown = dataset.evenly_spread(count)
    pictures = tuple(_picture(shown, index) for index in range(len(shown)))
    places = {dataset.samples.index(sample): place for place, sample in enumerate(shown.samples)}
    sizes = {index: pictures[place].truth.shape[::-1] for index, place in places.items()}
    scores = {}
    for name, loaded in candidates.items():
        candidate = replace(loaded, input_size=input_size or loaded.input_size)
        predictions = _Predictions(conversion(candidate.labels, space), sizes)
        evaluation = score_run(
            candidate,
            dataset,
            runtime,
            tta=tta,
            smoothing=smoothing,
            on_progress=partial(on_progress, name),
            on_picture=predictions.keep,
        )
        scores[name] = RunScores(runs[name], candidate.input_size, evaluation, tuple(predictions.kept))
    board = Scoreboard(dataset.name, space, len(dataset), pictures, scores)
    if not board.shared:
        raise DatasetError(f"{dataset.name}: no class that all of {', '.join(runs)} are scored on", "Leave one out.")
    return board


def difference(values: list[float | None], column: int) -> float | None:
    """A score less that of the first run; None where one of them is missing."""
    first, value = values[0], values[column]
    return None if first is None or value is None else value - first


def best(values: list[float | None]) -> list[int]:
    """Where the highest score stands, as it is written; nowhere if it is the lowest too."""
    written = [None if value is None else round(value, 2) for value in values]
    there = [value for value in written if value is not None]
    if not there or min(there) == max(there):
        return []
    return [column for column, value in enumerate(written) if value == max(there)]


def score_cell(values: list[float | None], column: int) -> str:
    """A score and, behind the first run's, the difference to that."""
    change = difference(values, column) if column else None
    return score(values[column]) + ("" if change is None else f" ({change:+.2f})")


class _Predictions:
    """Keeps what is predicted in some pictures, as train ids of the data set."""

    def __init__(self, to_space: LabelMap, sizes: Mapping[int, tuple[int, int]]) -> None:
        self.kept: list[Prediction] = []
        self._to_space = to_space
        self._sizes = sizes

    def keep(self, index: int, predicted: LabelMap, evaluation: Evaluation) -> None:
        if index in self._sizes:
            labels = resized_label(self._to_space[predicted], self._sizes[index])
            self.kept.append(Prediction(labels, _by_class(evaluation)))


def _picture(dataset: ImageDataset, index: int) -> Picture:
    image, truth = dataset.pair(index)
    height, width = truth.shape
    size = (SHOWN_WIDTH, max(1, round(height * SHOWN_WIDTH / width))) if width > SHOWN_WIDTH else (width, height)
    return Picture(dataset.samples[index].name, resized_image(image, size), resized_label(truth, size))


def _by_class(evaluation: Evaluation) -> dict[str, float | None]:
    values = zip(evaluation.classes, evaluation.iou.tolist(), strict=True)
    return {name: None if value != value else value for name, value in values}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
