"""Gain of one run over another on the same labelled images, with intervals of the difference.

Each draw of the bootstrap of `roadseg.evaluation.by_drive` scores both runs, and the interval is that of the difference
(paired bootstrap; Koehn, "Statistical Significance Tests for Machine Translation Evaluation", EMNLP 2004). What makes
an image hard for both leaves it, so that it is mostly narrower than the intervals of the two scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from roadseg.errors import InputError
from roadseg.evaluation.by_drive import NOTE, Part, ScoresByDrive, bootstrap_interval, drawn_mious, mean_of_drives
from roadseg.evaluation.score_tables import ScoreTable, gain_text, score_text
from roadseg.evaluation.scores import Evaluation, rounded

PAIRED = (
    "Both runs are scored on each draw. A gain whose interval holds 0 may be chance; one whose interval leaves it out "
    "holds for these images, not for other seeds or roads."
)


@dataclass(frozen=True)
class Gain:
    """Scores of two runs on a drive or a data set, or their means over drives."""

    dataset: str
    """Name of the data set; for the mean what it is over."""
    drive: str
    """Name of the drive, `all` for a whole data set; empty for the mean."""
    images: int
    before: float
    """Mean IoU of the run that is compared with, in percent; NaN where the truth shows no class."""
    after: float
    """Mean IoU of the run, in percent."""
    low: float
    """Lower end of the interval of `gain`, in points; NaN where there are not two blocks to draw from."""
    high: float

    @property
    def gain(self) -> float:
        """`after` less `before`, in points."""
        return self.after - self.before

    def as_dict(self) -> dict[str, Any]:
        """Return all values and `gain` for JSON; null in place of NaN."""
        scores = {name: rounded(getattr(self, name)) for name in ("before", "after", "gain", "low", "high")}
        return {"dataset": self.dataset, "drive": self.drive, "images": self.images, **scores}


def comparable(after: ScoresByDrive, before: ScoresByDrive) -> tuple[ScoresByDrive, ScoresByDrive, tuple[str, ...]]:
    """Return the scores of two runs over the classes that both know, and a sentence on those that are left out.

    Raises:
        InputError: the runs are scored on different data sets, or share no class.
    """
    if list(after.sets) != list(before.sets):
        raise InputError(
            f"one run is scored on {', '.join(after.sets)}, the other on {', '.join(before.sets)}",
            "Score both on the same data sets.",
        )
    pairs = {name: (evaluation, before.sets[name]) for name, evaluation in after.sets.items()}
    shared = {name: set(new.classes) & set(old.classes) for name, (new, old) in pairs.items()}
    if not all(shared.values()):
        raise InputError("the two runs share no class of the data set", "Compare runs with like label spaces.")
    left_out = {one for name, runs in pairs.items() for run in runs for one in run.classes if one not in shared[name]}
    notices = (f"left out of the scores, since they are not scored for both runs: {', '.join(sorted(left_out))}",)
    both = [
        ScoresByDrive({name: _over(evaluation, shared[name]) for name, evaluation in scores.sets.items()})
        for scores in (after, before)
    ]
    return both[0], both[1], notices if left_out else ()


def _over(evaluation: Evaluation, classes: set[str]) -> Evaluation:
    """Return the scores over these classes; without steadiness, which counts all, where some are left out."""
    if classes >= set(evaluation.classes):
        return evaluation
    return replace(evaluation.over(classes), steadiness=None)


def gains(after: ScoresByDrive, before: ScoresByDrive) -> tuple[Gain, ...]:
    """Return the gain on each drive and data set; last, where several count in it, the mean over drives.

    Args:
        after: scores of the run.
        before: scores of the run that it is compared with, on the same data sets and `comparable` with it.
    """
    pairs = list(zip(after.parts, before.parts, strict=True))
    rows = [_gain(new, old) for new, old in pairs]
    averaged = [row for row, (new, _) in zip(rows, pairs, strict=True) if new.averaged]
    if len(averaged) < 2:
        return tuple(rows)
    old = float(np.mean([row.before for row in averaged]))
    gain, low, high = mean_of_drives(np.array([row.gain for row in averaged]))
    name, images = f"mean over {len(averaged)} drives", sum(row.images for row in averaged)
    return (*rows, Gain(name, "", images, old, old + gain, low, high))


def _gain(new: Part, old: Part) -> Gain:
    after, before = np.stack(new.evaluation.units), np.stack(old.evaluation.units)
    low, high = bootstrap_interval(lambda draws: drawn_mious(after, draws) - drawn_mious(before, draws), len(after))
    images = new.evaluation.images
    return Gain(new.dataset, new.drive, images, old.evaluation.miou, new.evaluation.miou, low, high)


def gain_table(rows: Sequence[Gain], title: str) -> ScoreTable:
    """Return gains by drive and data set as a table."""
    header = ("data set", "drive", "images", "before", "after", "gain", "from", "to")
    cells = tuple(
        (
            row.dataset,
            row.drive,
            str(row.images),
            *map(score_text, (row.before, row.after)),
            *map(gain_text, (row.gain, row.low, row.high)),
        )
        for row in rows
    )
    return ScoreTable(title, header, cells, (f"{NOTE} {PAIRED}",))
