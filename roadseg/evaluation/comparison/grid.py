"""What runs see in pictures, side by side."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.transforms import Image, resized_image, resized_label
from roadseg.evaluation.comparison.scoreboard import Scoreboard, best, difference, score_cell
from roadseg.evaluation.comparison.sheets import Column, Line, draw_sheet
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.space import LabelMap, LabelSpace

CELL_WIDTH = 400
"""Pixels across pictures in a grid."""


def comparison_picture(board: Scoreboard, *, width: int = CELL_WIDTH) -> Image:
    """A grid: a row a picture, a column for the pictures, one a run and one for the truth, above a legend.

    Classes that the data set does not have are black, as what its truth leaves open. The best run of all and of each
    picture stands out.

    Args:
        board: with at least one picture.
        width: of a cell in pixels; the height of a row follows its picture's.

    Returns:
        (H, W, 3) RGB uint8.
    """
    palette = board.label_space.palette
    sizes = [_size(picture.image, width) for picture in board.pictures]
    means = board.rows["mIoU"]
    by_picture = [[board.miou(run.predictions[row].iou) for run in board.runs.values()] for row in range(len(sizes))]

    def coloured(labels: Sequence[LabelMap]) -> list[Image]:
        return [palette[resized_label(one, size)] for one, size in zip(labels, sizes, strict=True)]

    images = [resized_image(picture.image, size) for picture, size in zip(board.pictures, sizes, strict=True)]
    names = [Line(note=picture.name) for picture in board.pictures]
    columns = [Column(Line("picture"), images, names)]
    for column, (name, run) in enumerate(board.runs.items()):
        columns.append(
            Column(
                Line(name, f"mIoU {score_cell(means, column)}", column in best(means)),
                coloured([prediction.labels for prediction in run.predictions]),
                [_score_line(scores, column) for scores in by_picture],
            )
        )
    columns.append(Column(Line("ground truth"), coloured([picture.truth for picture in board.pictures])))
    return draw_sheet(columns, legend(board.label_space))


def legend(space: LabelSpace) -> list[tuple[str, tuple[int, int, int]]]:
    """The classes of label maps and their colours, and black for what has none."""
    return [*zip(space.classes, space.colours, strict=True), ("none of these", (0, 0, 0))]


def overlay_grid(
    segmenters: Mapping[str, Segmenter], dataset: ImageDataset, count: int, *, width: int = CELL_WIDTH
) -> Image:
    """Draw what segmenters see on `count` pictures, evenly spread over a data set, above a legend.

    Args:
        segmenters: by the heading of their column; of one label space.
        dataset: labelled or not.
        count: rows.
        width: of a cell in pixels; the height of a row follows its picture's.

    Returns:
        (H, W, 3) RGB uint8: a column for the picture, one a segmenter.
    """
    shown = dataset.evenly_spread(count)
    pictures = [shown.image(index) for index in range(len(shown))]
    cells = [resized_image(picture, _size(picture, width)) for picture in pictures]
    columns = [Column(Line("picture"), cells)]
    for heading, segmenter in segmenters.items():
        drawn = [_drawn(segmenter, picture, cell) for picture, cell in zip(pictures, cells, strict=True)]
        columns.append(Column(Line(heading), drawn))
    space = next(iter(segmenters.values())).label_space
    return draw_sheet(columns, list(zip(space.classes, space.colours, strict=True)))


def _drawn(segmenter: Segmenter, picture: Image, cell: Image) -> Image:
    labels = segmenter.segment(resized_image(picture, segmenter.input_size)[None])[0]
    colours: NDArray[np.uint8] = segmenter.label_space.palette[resized_label(labels, cell.shape[1::-1])]
    return np.asarray(cv2.addWeighted(cell, 0.5, colours, 0.5, 0), np.uint8)


def _score_line(scores: list[float | None], column: int) -> Line:
    """mIoU of a run in one picture, and the difference to the first run's."""
    change = difference(scores, column) if column else None
    value = scores[column]
    text = "no shared class" if value is None else f"mIoU {value:.1f}"
    return Line(text, "" if change is None else f"{change:+.1f}", column in best(scores))


def _size(picture: Image, width: int) -> tuple[int, int]:
    return width, max(1, round(width * picture.shape[0] / picture.shape[1]))
