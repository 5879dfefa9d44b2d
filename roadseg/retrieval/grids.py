"""Queries beside their nearest neighbours, as pictures in frames of their domain's colour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from roadseg.datasets.transforms import Image, resized_image
from roadseg.retrieval.embedding import Domain
from roadseg.retrieval.retrieve import Pair, RunResult, View

COLOURS: Mapping[Domain, tuple[int, int, int]] = {"source": (47, 111, 222), "target": (230, 126, 18)}
"""RGB; told apart with any vision."""
WIDTH = 240
"""Of a picture, in pixels; the height follows its own."""
FRAME, GAP, MARGIN = 4, 10, 24
CAPTION, HEADER, LABEL = 26, 92, 74
"""Heights below pictures and above all, width of the column that names runs."""
INK, MUTED, GROUND = (29, 29, 27), (106, 106, 101), 255
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 22, 14, 13
BOLD = 650


@dataclass(frozen=True)
class Shown:
    """A picture of a grid."""

    domain: Domain
    name: str
    picture: Image
    """(H, `WIDTH`, 3) uint8 RGB."""
    distance: float | None = None
    """From its query; None for that itself."""
    same: bool = False
    """Whether it is known to show the same place as its query."""


@dataclass(frozen=True)
class Row:
    """A query and its neighbours, nearest first, by what the runs are called that found them."""

    query: Shown
    neighbours: Mapping[str, Sequence[Shown]]


class Thumbnails:
    """Pictures of two data sets, each read once."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._read: dict[tuple[Domain, int], Image] = {}

    def __call__(self, domain: Domain, index: int, *, distance: float | None = None, same: bool = False) -> Shown:
        """Picture `index` of a domain.

        Raises:
            DatasetError: it cannot be read.
        """
        dataset = self._pair.of(domain)
        if (domain, index) not in self._read:
            image = dataset.image(index)
            height = max(1, round(WIDTH * image.shape[0] / image.shape[1]))
            self._read[domain, index] = resized_image(image, (WIDTH, height))
        return Shown(domain, dataset.samples[index].name, self._read[domain, index], distance, same)


def rows_of(
    results: Mapping[str, RunResult], view: View, query: Domain, count: int, thumbnails: Thumbnails
) -> list[Row]:
    """Up to `count` queries, evenly spread over their data set, each with the neighbours that every run found.

    Raises:
        DatasetError: a picture cannot be read.
    """
    directions = {
        label: next(one for one in result.views[view].directions if one.query == query)
        for label, result in results.items()
    }
    first = next(iter(directions.values()))
    length = len(first.neighbours.indices)
    rows = []
    for index in np.linspace(0, length - 1, min(count, length)).round().astype(int).tolist():
        neighbours = {
            label: [
                thumbnails(
                    one.gallery,
                    int(place),
                    distance=float(one.neighbours.distances[index, rank]),
                    same=one.matches is not None and bool(one.matches[index, rank]),
                )
                for rank, place in enumerate(one.neighbours.indices[index])
            ]
            for label, one in directions.items()
        }
        rows.append(Row(thumbnails(query, index), neighbours))
    return rows


def retrieval_grid(rows: Sequence[Row], title: str, subtitle: str) -> Image:
    """Lay rows out on white: the query at the left, its neighbours beside it, a strip a run.

    Args:
        rows: at least one; all with the same runs and number of neighbours.
        title: the first line.
        subtitle: the second.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    runs = list(rows[0].neighbours)
    label = LABEL if len(runs) > 1 else 0
    count = len(rows[0].neighbours[runs[0]])
    cell = WIDTH + 2 * FRAME
    first = MARGIN + cell + 2 * GAP + label
    width = first + count * (cell + GAP) - GAP + MARGIN
    heights = [[_height([row.query, *row.neighbours[run]]) for run in runs] for row in rows]
    height = HEADER + sum(map(sum, heights)) + GAP * (sum(map(len, heights)) + len(rows)) + MARGIN - 2 * GAP
    canvas = np.full((height, width, 3), GROUND, np.uint8)

    _text(canvas, title, (MARGIN, 40), TITLE_SIZE, INK, BOLD)
    _text(canvas, _shortened(subtitle, width - 2 * MARGIN, SMALL_SIZE), (MARGIN, 64), SMALL_SIZE, MUTED)
    right = width - MARGIN
    for domain in ("target", "source"):
        right -= _text_width(domain, TEXT_SIZE)
        _text(canvas, domain, (right, 38), TEXT_SIZE, INK)
        right -= 22
        canvas[26:40, right : right + 14] = COLOURS[domain]
        right -= 16

    top = HEADER
    for row, strips in zip(rows, heights, strict=True):
        whole = sum(strips) + GAP * (len(strips) - 1)
        _put(canvas, row.query, (MARGIN, top + (whole - _height([row.query])) // 2), "query")
        for run, strip in zip(runs, strips, strict=True):
            if label:
                place = (first - label, top + (strip - CAPTION) // 2)
                _text(canvas, _shortened(run, LABEL - GAP, TEXT_SIZE), place, TEXT_SIZE, INK, BOLD)
            for rank, shown in enumerate(row.neighbours[run]):
                _put(canvas, shown, (first + rank * (cell + GAP), top), f"{shown.distance:.2f}")
            top += strip + GAP
        top += GAP
    return canvas


def _height(cells: Sequence[Shown]) -> int:
    return max(len(shown.picture) for shown in cells) + 2 * FRAME + CAPTION


def _put(canvas: Image, shown: Shown, place: tuple[int, int], caption: str) -> None:
    """A picture in its frame, with what is to be said of it below, and at the right its name."""
    left, top = place
    height = len(shown.picture)
    bottom, right = top + height + 2 * FRAME, left + WIDTH + 2 * FRAME
    canvas[top:bottom, left:right] = COLOURS[shown.domain]
    canvas[top + FRAME : bottom - FRAME, left + FRAME : right - FRAME] = shown.picture
    _text(canvas, caption, (left, bottom + 18), TEXT_SIZE, INK, BOLD)
    taken = _text_width(caption, TEXT_SIZE, BOLD) + 8
    if shown.same:
        _text(canvas, "✓ same place", (left + taken, bottom + 18), TEXT_SIZE, INK)
        taken += _text_width("✓ same place", TEXT_SIZE) + 8
    name = _shortened(shown.name, right - left - taken, SMALL_SIZE)
    _text(canvas, name, (right - _text_width(name, SMALL_SIZE), bottom + 18), SMALL_SIZE, MUTED)


@cache
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")


def _text(
    canvas: Image, text: str, place: tuple[int, int], size: int, colour: tuple[int, int, int], weight: int = 420
) -> None:
    cv2.putText(canvas, text, place, colour, _font(), size, weight)


def _text_width(text: str, size: int, weight: int = 420) -> int:
    return int(cv2.getTextSize((0, 0), text, (0, 0), _font(), size, weight)[2])


def _shortened(text: str, width: int, size: int) -> str:
    """As much of the end of a text as fits into `width` pixels: names differ at their ends."""
    shown = text
    while len(shown) > 1 and _text_width(shown, size) > width:
        shown = "…" + shown.removeprefix("…")[1:]
    return shown
