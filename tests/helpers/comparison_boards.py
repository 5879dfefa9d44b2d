"""Scores of runs on two images of sky, road and cars, counted from label maps that a test can read."""

from pathlib import Path

import numpy as np

from roadseg.evaluation.comparison.scoreboard import Prediction, RunScores, Scoreboard, ShownImage
from roadseg.evaluation.scores import Evaluation
from roadseg.labels.confusion import confusion_matrix
from roadseg.labels.space import IGNORE, LabelSpace

SPACE = LabelSpace(
    "three", ("sky", "road", "car", "tree"), ((70, 130, 180), (128, 64, 128), (0, 0, 142), (30, 120, 40))
)
SKY, ROAD, CAR, TREE = range(4)
SIZE = (64, 32)


def truth(place: int) -> np.ndarray:
    """Sky over road, a car on the right, and a row at the bottom that is left open."""
    labels = np.full(SIZE[::-1], SKY, np.uint8)
    labels[16:] = ROAD
    labels[14 : 22 + place, 40:52] = CAR
    labels[-1] = IGNORE
    return labels


def misjudged(place: int, columns: int) -> np.ndarray:
    """The truth, but with this number of columns on the left labelled as road."""
    labels = truth(place)
    labels[:, :columns] = ROAD
    labels[-1] = ROAD
    return labels


def picture(place: int) -> np.ndarray:
    """Something that no label map looks like."""
    shades = np.linspace(40, 220, SIZE[0]).astype(np.uint8)
    return np.repeat(np.repeat(shades[None, :, None], SIZE[1], 0), 3, 2) // (1 + place)


def evaluation(pairs, classes=(SKY, ROAD, CAR, TREE)) -> Evaluation:
    """Confusion counts of pairs (truth, prediction)."""
    counts = sum(confusion_matrix(predicted, true, len(SPACE) + 1) for true, predicted in pairs)
    whole = Evaluation("toys", SPACE, SPACE.classes, counts, len(pairs), "toy engine")
    names = tuple(SPACE.classes[one] for one in classes)
    return whole.within(LabelSpace("some", names, ((0, 0, 0),) * len(names)))


def iou(scores: Evaluation):
    """IoU by class, as boards store it."""
    return {name: None if np.isnan(one) else float(one) for name, one in zip(scores.classes, scores.iou, strict=True)}


def make_board(wrong=None, names=("first", "second"), classes=None) -> Scoreboard:
    """Runs by name that misjudge this number of columns in each image; `classes` are those that a run is scored on."""
    runs = {}
    for run, columns in (wrong or {"baseline": 24, "adapted": 6}).items():
        maps = [misjudged(place, columns) for place in range(2)]
        pairs = [(truth(place), maps[place]) for place in range(2)]
        scored = (classes or {}).get(run, (SKY, ROAD, CAR, TREE))
        predictions = tuple(Prediction(one[1], iou(evaluation([one], scored))) for one in pairs)
        runs[run] = RunScores(Path("runs") / run, (64, 48), evaluation(pairs, scored), predictions)
    shown = tuple(ShownImage(name, picture(place), truth(place)) for place, name in enumerate(names))
    return Scoreboard("toys", SPACE, 2, shown, runs)
