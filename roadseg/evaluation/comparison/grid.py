"""PNG grids of images beside the labels of several runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.transforms import Image, resized_image, resized_label
from roadseg.evaluation.comparison.scoreboard import Scoreboard, best, difference, score_cell
from roadseg.evaluation.comparison.sheets import Column, Legend, Line, draw_sheet
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.drawing import draw_labels
from roadseg.labels.space import LabelMap, LabelSpace

CELL_WIDTH = 400
"""Width of a cell in pixels."""
IMAGE, TRUTH = "image", "ground truth"
"""Headings of columns beside those of runs."""


def comparison_grid(board: Scoreboard, *, width: int = CELL_WIDTH) -> Image:
    """Draw a grid of images, the labels of each run and the truth, with a legend below.

    Each row is an image. Pixels without a class of the data set are black. The best run, over all and in each image, is
    bold.

    Args:
        board: scores with at least one shown image.
        width: width of a cell in pixels; the height of a row keeps its image's proportions.

    Returns:
        (H, W, 3) RGB uint8.
    """
    palette = board.label_space.palette
    sizes = [_size(shown.image, width) for shown in board.shown]
    means = board.rows["mIoU"]
    by_image = [[board.miou(run.predictions[row].iou) for run in board.runs.values()] for row in range(len(sizes))]

    def coloured(labels: Sequence[LabelMap]) -> list[Image]:
        return [palette[resized_label(one, size)] for one, size in zip(labels, sizes, strict=True)]

    images = [resized_image(shown.image, size) for shown, size in zip(board.shown, sizes, strict=True)]
    names = [Line(note=shown.name) for shown in board.shown]
    columns = [Column(Line(IMAGE), images, names)]
    for column, (name, run) in enumerate(board.runs.items()):
        columns.append(
            Column(
                Line(name, f"mIoU {score_cell(means, column)}", column in best(means)),
                coloured([prediction.labels for prediction in run.predictions]),
                [_score_line(scores, column) for scores in by_image],
            )
        )
    columns.append(Column(Line(TRUTH), coloured([shown.truth for shown in board.shown])))
    return draw_sheet(columns, legend(board.label_space))


def legend(space: LabelSpace) -> list[tuple[str, tuple[int, int, int]]]:
    """Return classes with their colours, and black for pixels without a class."""
    return [*zip(space.classes, space.colours, strict=True), ("no class", (0, 0, 0))]


@dataclass(frozen=True)
class OverlayColumns:
    """A few images of a data set, and what segmenters see in them."""

    columns: list[Column]
    """The images, the labels of each segmenter on them, and the truth where the data set is labelled."""
    legend: Legend

    @classmethod
    def of(
        cls, segmenters: Mapping[str, Segmenter], dataset: ImageDataset, count: int, *, width: int = CELL_WIDTH
    ) -> Self:
        """Draw the labels of segmenters on `count` images spread evenly over a data set.

        Args:
            segmenters: segmenters of one label space by the heading of their column.
            dataset: with truth or without.
            count: number of images.
            width: width of a cell in pixels; the height keeps its image's proportions.
        """
        shown = dataset.evenly_spread(count)
        images = [shown.image(index) for index in range(len(shown))]
        cells = [resized_image(image, _size(image, width)) for image in images]
        columns = [Column(Line(IMAGE), cells)]
        for heading, segmenter in segmenters.items():
            drawn = [
                segmenter.draw(cell, segmenter.label(image, size=cell.shape[1::-1]))
                for image, cell in zip(images, cells, strict=True)
            ]
            columns.append(Column(Line(heading), drawn))
        spaces = [next(iter(segmenters.values())).label_space]
        if shown.label_space is not None:
            space = shown.label_space
            truth = [resized_label(shown.label(index), cell.shape[1::-1]) for index, cell in enumerate(cells)]
            drawn = [draw_labels(cell, labels, space) for cell, labels in zip(cells, truth, strict=True)]
            columns.append(Column(Line(TRUTH), drawn))
            spaces.append(space)
        named = {name: colour for space in spaces for name, colour in zip(space.classes, space.colours, strict=True)}
        return cls(columns, list(named.items()))

    def sheet(self) -> Image:
        """Draw the columns side by side and the legend below them: (H, W, 3) RGB uint8."""
        return draw_sheet(self.columns, self.legend)


def _score_line(scores: list[float | None], column: int) -> Line:
    """Return the mIoU of a run in one image, and the difference to the first run."""
    change = difference(scores, column) if column else None
    value = scores[column]
    text = "no shared class" if value is None else f"mIoU {value:.1f}"
    return Line(text, "" if change is None else f"{change:+z.1f}", column in best(scores))


def _size(image: Image, width: int) -> tuple[int, int]:
    return width, max(1, round(width * image.shape[0] / image.shape[1]))
