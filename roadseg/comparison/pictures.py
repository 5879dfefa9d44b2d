"""A grid of pictures: what each run sees in them, and the truth."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.transforms import Image, resized_image, resized_label
from roadseg.errors import DatasetError
from roadseg.files import writing
from roadseg.inference.segmenter import Segmenter
from roadseg.labels import conversion
from roadseg.models.predict import predict
from roadseg.overlay import draw_legend
from roadseg.runtime import DeviceName, start
from roadseg.scoring import Candidate

GAP = 4
"""White pixels between cells."""
HEADING = 24
"""Height in pixels of the line of headings."""
FONT, FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.5


def picture_grid(
    candidates: Mapping[str, Candidate],
    dataset: ImageDataset,
    count: int,
    *,
    width: int = 320,
    device: DeviceName = "auto",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Image:
    """Label `count` pictures of a labelled data set, evenly spread over it.

    Args:
        candidates: by the heading of their column.
        dataset: its classes give the colours; classes that it does not have are black, as what it ignores.
        count: rows.
        width: of a cell in pixels; the height follows the first picture's.
        device: where the networks run.
        on_progress: told (cells predicted, cells in all).

    Returns:
        (rows, columns, 3) RGB uint8: a column for the picture, one a candidate, one for the truth.

    Raises:
        DatasetError: the data set has no labels, or no picture.
        InputError: the device is not there.
    """
    space = dataset.label_space
    if space is None:
        raise DatasetError(f"{dataset.name}: has no label maps to show", "Choose a labelled data set.")
    pairs = [dataset.pair(index) for index in _spread(len(dataset), count)]
    height = round(width * pairs[0][0].shape[0] / pairs[0][0].shape[1])
    size = (width, height)
    columns = {"picture": [resized_image(image, size) for image, _ in pairs]}
    runtime = start(device)
    total = len(candidates) * len(pairs)
    for position, (heading, candidate) in enumerate(candidates.items()):
        network = runtime.place(candidate.network)
        to_space = conversion(candidate.labels, space)
        columns[heading] = []
        for row, (image, _) in enumerate(pairs, start=1):
            small = resized_image(image, candidate.input_size, candidate.resampling)
            columns[heading].append(space.palette[to_space[predict(network, small[None], size, runtime)[0]]])
            on_progress(position * len(pairs) + row, total)
    columns["truth"] = [space.palette[resized_label(label, size)] for _, label in pairs]
    return _laid_out(columns, size)


def overlay_grid(segmenters: Mapping[str, Segmenter], dataset: ImageDataset, count: int, *, width: int = 480) -> Image:
    """Draw what segmenters see on `count` pictures, evenly spread over a data set, above a legend.

    Args:
        segmenters: by the heading of their column; of one label space.
        dataset: labelled or not.
        count: rows.
        width: of a cell in pixels; the height follows the first picture's.

    Returns:
        (rows, columns, 3) RGB uint8: a column for the picture, one a segmenter.
    """
    pictures = [dataset.image(index) for index in _spread(len(dataset), count)]
    size = (width, round(width * pictures[0].shape[0] / pictures[0].shape[1]))
    columns = {"picture": [resized_image(picture, size) for picture in pictures]}
    for heading, segmenter in segmenters.items():
        columns[heading] = []
        for picture, cell in zip(pictures, columns["picture"], strict=True):
            labels = segmenter.segment(resized_image(picture, segmenter.input_size)[None])[0]
            colours = segmenter.label_space.palette[resized_label(labels, size)]
            columns[heading].append(np.asarray(cv2.addWeighted(cell, 0.5, colours, 0.5, 0), np.uint8))
    grid = _laid_out(columns, size)
    legend = draw_legend(next(iter(segmenters.values())).label_space, grid.shape[1], grid.shape[1] // 2)
    return grid if legend is None else _above(grid, *legend)


def write_png(path: Path, pixels: Image) -> None:
    """Write an RGB picture, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    _, data = cv2.imencode(".png", pixels[..., ::-1])
    with writing(path) as part:
        part.write_bytes(data.tobytes())


def _spread(length: int, count: int) -> list[int]:
    """Up to `count` of the numbers 0..length - 1, evenly spread."""
    return [int(index) for index in np.linspace(0, length - 1, min(count, length)).round()]


def _above(grid: Image, panel: NDArray[np.float32], opacity: NDArray[np.float32]) -> Image:
    """The grid with a half-transparent panel on white below it."""
    strip = np.full((panel.shape[0] + 2 * GAP, *grid.shape[1:]), 255, np.uint8)
    left = (grid.shape[1] - panel.shape[1]) // 2
    below = strip[GAP:-GAP, left : left + panel.shape[1]]
    below[:] = np.rint(below + (panel - below) * opacity[..., None])
    return np.vstack([grid, strip])


def _laid_out(columns: Mapping[str, Sequence[NDArray[np.uint8]]], size: tuple[int, int]) -> Image:
    """Columns of cells of one size under their headings, on white."""
    width, height = size
    rows = max(map(len, columns.values()))
    grid = np.full((HEADING + rows * (height + GAP) - GAP, len(columns) * (width + GAP) - GAP, 3), 255, np.uint8)
    for column, (heading, cells) in enumerate(columns.items()):
        left = column * (width + GAP)
        cv2.putText(grid, _shortened(heading, width), (left, HEADING - 8), FONT, FONT_SCALE, (0, 0, 0), 1, cv2.LINE_AA)
        for row, cell in enumerate(cells):
            top = HEADING + row * (height + GAP)
            grid[top : top + height, left : left + width] = cell
    return grid


def _shortened(text: str, width: int) -> str:
    """As much of the end of a text as fits into `width` pixels: folders differ at their ends."""
    shown = text
    while len(shown) > 3 and cv2.getTextSize(shown, FONT, FONT_SCALE, 1)[0][0] > width:
        shown = "..." + shown[4 if shown.startswith("...") else 3 :]
    return shown
