"""PNG grids of query images beside their nearest neighbours, each in a border of its domain's colour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from roadseg.datasets.transforms import Image, resized_image
from roadseg.overlay.text import BOLD, draw_text, shortened, text_width
from roadseg.retrieval.embedding import Domain
from roadseg.retrieval.neighbours import Descriptor, Pair, RunResult

COLOURS: Mapping[Domain, tuple[int, int, int]] = {"source": (47, 111, 222), "target": (230, 126, 18)}
"""RGB, distinct also for colour-blind readers."""
WIDTH = 240
"""Width of an image in pixels; its height keeps the proportions."""
BORDER, GAP, MARGIN = 4, 10, 24
CAPTION, HEADER, LABEL = 26, 92, 74
"""Height of a caption and of the header, width of the column with the names of runs, in pixels."""
INK, MUTED, BACKGROUND = (29, 29, 27), (106, 106, 101), 255
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 22, 14, 13


@dataclass(frozen=True)
class Thumbnail:
    """An image of a grid."""

    domain: Domain
    name: str
    image: Image
    """(H, `WIDTH`, 3) uint8 RGB."""
    distance: float | None = None
    """Distance to the query, 0..2; None for the query itself."""
    same: bool = False
    """True if it is known to show the same place as the query."""


@dataclass(frozen=True)
class Row:
    """A query and its neighbours, nearest first, by the name of the run that found them."""

    query: Thumbnail
    neighbours: Mapping[str, Sequence[Thumbnail]]


class Thumbnails:
    """Reads thumbnails of two data sets, each image once."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._read: dict[tuple[Domain, int], Image] = {}

    def __call__(self, domain: Domain, index: int, *, distance: float | None = None, same: bool = False) -> Thumbnail:
        """Return image `index` of a domain as a thumbnail.

        Raises:
            DatasetError: the image cannot be read.
        """
        dataset = self._pair.of(domain)
        if (domain, index) not in self._read:
            image = dataset.image(index)
            height = max(1, round(WIDTH * image.shape[0] / image.shape[1]))
            self._read[domain, index] = resized_image(image, (WIDTH, height))
        return Thumbnail(domain, dataset.samples[index].name, self._read[domain, index], distance, same)


def rows_of(
    results: Mapping[str, RunResult], descriptor: Descriptor, query: Domain, count: int, thumbnails: Thumbnails
) -> list[Row]:
    """Return up to `count` queries, evenly spread over their data set, with the neighbours that every run found.

    Raises:
        DatasetError: an image cannot be read.
    """
    directions = {
        label: next(one for one in result.descriptors[descriptor].directions if one.query == query)
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
    """Draw rows on white: the query on the left, its neighbours beside it, one strip for each run.

    Args:
        rows: at least one; all with the same runs and the same number of neighbours.
        title: first line.
        subtitle: second line.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    runs = list(rows[0].neighbours)
    label = LABEL if len(runs) > 1 else 0
    count = len(rows[0].neighbours[runs[0]])
    cell = WIDTH + 2 * BORDER
    first = MARGIN + cell + 2 * GAP + label
    width = first + count * (cell + GAP) - GAP + MARGIN
    heights = [[_height([row.query, *row.neighbours[run]]) for run in runs] for row in rows]
    height = HEADER + sum(map(sum, heights)) + GAP * (sum(map(len, heights)) + len(rows)) + MARGIN - 2 * GAP
    canvas = np.full((height, width, 3), BACKGROUND, np.uint8)

    draw_text(canvas, title, (MARGIN, 40), TITLE_SIZE, INK, BOLD)
    draw_text(canvas, shortened(subtitle, width - 2 * MARGIN, SMALL_SIZE), (MARGIN, 64), SMALL_SIZE, MUTED)
    right = width - MARGIN
    for domain in ("target", "source"):
        right -= text_width(domain, TEXT_SIZE)
        draw_text(canvas, domain, (right, 38), TEXT_SIZE, INK)
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
                draw_text(canvas, shortened(run, LABEL - GAP, TEXT_SIZE), place, TEXT_SIZE, INK, BOLD)
            for rank, shown in enumerate(row.neighbours[run]):
                _put(canvas, shown, (first + rank * (cell + GAP), top), f"{shown.distance:.2f}")
            top += strip + GAP
        top += GAP
    return canvas


def _height(cells: Sequence[Thumbnail]) -> int:
    return max(len(shown.image) for shown in cells) + 2 * BORDER + CAPTION


def _put(canvas: Image, shown: Thumbnail, place: tuple[int, int], caption: str) -> None:
    """Draw an image in its border, with a caption below it on the left and its name on the right."""
    left, top = place
    height = len(shown.image)
    bottom, right = top + height + 2 * BORDER, left + WIDTH + 2 * BORDER
    canvas[top:bottom, left:right] = COLOURS[shown.domain]
    canvas[top + BORDER : bottom - BORDER, left + BORDER : right - BORDER] = shown.image
    draw_text(canvas, caption, (left, bottom + 18), TEXT_SIZE, INK, BOLD)
    taken = text_width(caption, TEXT_SIZE, BOLD) + 8
    if shown.same:
        draw_text(canvas, "✓ same place", (left + taken, bottom + 18), TEXT_SIZE, INK)
        taken += text_width("✓ same place", TEXT_SIZE) + 8
    name = shortened(shown.name, right - left - taken, SMALL_SIZE)
    draw_text(canvas, name, (right - text_width(name, SMALL_SIZE), bottom + 18), SMALL_SIZE, MUTED)
