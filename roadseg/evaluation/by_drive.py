"""Scores by drive and by data set with bootstrap intervals, and their mean over drives.

Images of one drive are much alike, so single images are not independent samples. The bootstrap draws blocks (Künsch,
"The jackknife and the bootstrap for general stationary observations", Annals of Statistics 1989) with replacement:

- whole drives for a data set that knows several of them, and for the mean over drives;
- for a drive, and for a data set that knows none, blocks of contiguous images, at most
  `roadseg.evaluation.blocks.BLOCKS`, which unlike Künsch's do not overlap.

Counts of the drawn blocks are added up and scored like those of a data set. The interval lies between percentiles of
`RESAMPLES` draws with the seed `SEED`. Of three drives it is about their range: it says that three drives are few.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from roadseg.evaluation.blocks import BLOCKS
from roadseg.evaluation.score_tables import ScoreTable, score_text
from roadseg.evaluation.scores import Evaluation, mean_iou, rounded

RESAMPLES = 1000
SEED = 0
CONFIDENCE = 95
"""Share of the draws inside of an interval, in percent."""
WHOLE = "all"
"""Drive of a row that stands for a whole data set."""
NOTE = (
    f"Intervals: {CONFIDENCE} %, block bootstrap, {RESAMPLES} draws, seed {SEED}: of whole drives for data sets that "
    f"know several and for the mean over drives; else of up to {BLOCKS} blocks of contiguous images. In the mean, a "
    "data set that knows no drives counts as one."
)


class Part(NamedTuple):
    """A drive of a data set, or a whole data set."""

    dataset: str
    """Data set as it was named."""
    drive: str
    """Name of the drive, `all` for a whole data set."""
    evaluation: Evaluation
    averaged: bool
    """True if it counts in the mean over drives: a drive, or a data set that knows none, whose truth has a class."""


@dataclass(frozen=True)
class DriveScore:
    """Score of a drive, of a data set, or mean over drives."""

    dataset: str
    """Name of the data set; for the mean what it is over."""
    drive: str
    """Name of the drive, `all` for a whole data set; empty for the mean."""
    images: int
    miou: float
    """Mean IoU in percent over the classes that the truth shows; NaN where it shows none."""
    low: float
    """Lower end of the interval, in percent; NaN where there are not two blocks to draw from."""
    high: float

    def as_dict(self) -> dict[str, Any]:
        """Return all values for JSON; null in place of NaN."""
        scores = {name: rounded(getattr(self, name)) for name in ("miou", "low", "high")}
        return {"dataset": self.dataset, "drive": self.drive, "images": self.images, **scores}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "DriveScore":
        """Return the score that `as_dict` gave, to two decimals."""
        known: dict[str, Any] = {name: float("nan") if value is None else value for name, value in values.items()}
        return DriveScore(**known)


@dataclass(frozen=True)
class ScoresByDrive:
    """Scores of one segmenter on one or several data sets."""

    sets: Mapping[str, Evaluation]
    """Data set as it was named -> its scores."""

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The drives of each data set, then the data set."""
        return tuple(part for name, evaluation in self.sets.items() for part in _parts(name, evaluation))

    @cached_property
    def rows(self) -> tuple[DriveScore, ...]:
        """The score of each part; last, where several count in it, the mean over drives."""
        rows = [
            DriveScore(
                part.dataset,
                part.drive,
                part.evaluation.images,
                part.evaluation.miou,
                *miou_interval(np.stack(part.evaluation.units)),
            )
            for part in self.parts
        ]
        averaged = [row for row, part in zip(rows, self.parts, strict=True) if part.averaged]
        if len(averaged) < 2:
            return tuple(rows)
        mean, low, high = mean_of_drives(np.array([row.miou for row in averaged]))
        images = sum(row.images for row in averaged)
        return (*rows, DriveScore(f"mean over {len(averaged)} drives", "", images, mean, low, high))

    def table(self, title: str) -> ScoreTable:
        """Return the rows as a table."""
        header = ("data set", "drive", "images", "mIoU %", "from", "to")
        cells = tuple(
            (row.dataset, row.drive, str(row.images), *map(score_text, (row.miou, row.low, row.high)))
            for row in self.rows
        )
        engines = dict.fromkeys(evaluation.engine for evaluation in self.sets.values() if evaluation.engine)
        return ScoreTable(title, header, cells, (NOTE, *(f"Engine: {engine}." for engine in engines)))

    def as_dict(self) -> dict[str, Any]:
        """Return `rows` and, by data set, `sets` for JSON; see `DriveScore` and `Evaluation`."""
        sets = {name: evaluation.as_dict() for name, evaluation in self.sets.items()}
        return {"rows": [row.as_dict() for row in self.rows], "sets": sets}


def _parts(name: str, evaluation: Evaluation) -> list[Part]:
    drives = [Part(name, drive.dataset, drive, averaged=not np.isnan(drive.miou)) for drive in evaluation.drives]
    return [*drives, Part(name, WHOLE, evaluation, averaged=not drives and not np.isnan(evaluation.miou))]


def mean_of_drives(scores: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the mean over the (D,) values of drives, and the ends of its interval."""
    low, high = bootstrap_interval(lambda draws: scores[draws].mean(-1), len(scores))
    return float(scores.mean()), low, high


def miou_interval(units: NDArray[np.int64]) -> tuple[float, float]:
    """Return the bootstrap interval of a mean IoU.

    Args:
        units: (U, C + 1, C + 1) pixels by [truth, prediction] of each unit that is drawn, as in `Evaluation.confusion`.

    Returns:
        Lower and upper end in percent; NaN if there are not two units.
    """

    return bootstrap_interval(lambda draws: drawn_mious(units, draws), len(units))


def drawn_mious(units: NDArray[np.int64], draws: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the mean IoU in percent of each draw.

    Args:
        units: as for `miou_interval`.
        draws: (N, U) places in `units`.
    """
    times = np.zeros((len(draws), len(units)), np.int64)
    np.add.at(times, (np.arange(len(draws))[:, None], draws), 1)
    return mean_iou(np.tensordot(times, units, 1))


def bootstrap_interval(scored: Callable[[NDArray[np.intp]], NDArray[np.float64]], units: int) -> tuple[float, float]:
    """Return the interval of a score.

    Args:
        scored: returns the (RESAMPLES,) scores of draws, (RESAMPLES, units) places of units.
        units: number of units to draw from; the draws are the same for the same number.

    Returns:
        Lower and upper end; NaN if there are not two units.
    """
    if units < 2:
        return float("nan"), float("nan")
    draws = np.random.default_rng(SEED).integers(units, size=(RESAMPLES, units))
    scores = scored(draws)
    tail = (100 - CONFIDENCE) / 2
    low, high = np.nanpercentile(scores, (tail, 100 - tail)) if not np.isnan(scores).all() else (np.nan, np.nan)
    return float(low), float(high)
