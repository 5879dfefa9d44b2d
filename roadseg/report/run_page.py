"""HTML page of a finished recipe: videos and images before and after, tables of scores, and links to its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roadseg import __version__
from roadseg.evaluation.score_tables import ScoreTable
from roadseg.report.html import css_colour, link, render

PAGE = "report.html"
"""Name of the page in the folder of a recipe."""


@dataclass(frozen=True)
class ShownVideo:
    """A video of the page."""

    title: str
    video: Path
    """Path of the video, relative to the page, as all paths are."""
    aspect_ratio: float
    """Width over height as it is shown."""
    facts: Sequence[str] = ()
    links: Mapping[str, Path] = field(default_factory=dict)
    """Paths of more about it, by their words."""


@dataclass(frozen=True)
class ImageColumn:
    """Images under one heading; those at the same place of all columns belong together."""

    heading: str
    images: Sequence[str]
    """`data:` addresses."""


@dataclass(frozen=True)
class RunPage:
    """Content of the page; what is empty is left out."""

    name: str
    facts: Sequence[str]
    """A few words each, below the name."""
    lead: str = ""
    """Result in a sentence."""
    problems: Sequence[str] = ()
    """Missing results with the reason, in a sentence each."""
    videos: Sequence[ShownVideo] = ()
    images: Sequence[ImageColumn] = ()
    images_note: str = ""
    legend: Sequence[tuple[str, tuple[int, int, int]]] = ()
    """Classes with RGB colours."""
    tables: Sequence[ScoreTable] = ()
    made: Mapping[str, str] = field(default_factory=dict)
    """Names and values of the settings that it was made with."""
    files: Mapping[Path, str] = field(default_factory=dict)
    """Files and what they are."""


WIDEST = 8
"""Columns of a table, at most, unless it has more rows than columns."""


def run_page(page: RunPage) -> str:
    """Return the page as HTML with all images inside it; videos lie beside it."""
    rows = zip(*(column.images for column in page.images), strict=True)
    return render(
        "run.html",
        page=page,
        videos=[
            {
                "shown": video,
                "address": link(video.video),
                "links": {words: link(path) for words, path in video.links.items()},
            }
            for video in page.videos
        ],
        tables=[_upright(table) for table in page.tables],
        rows=[[(column.heading, image) for column, image in zip(page.images, row, strict=True)] for row in rows],
        legend=[(name, css_colour(colour)) for name, colour in page.legend],
        files=[(path.as_posix(), link(path), what) for path, what in page.files.items()],
        version=__version__,
    )


def _upright(table: ScoreTable) -> ScoreTable:
    """Return a table that fits a page: one with more than a few columns has rows in their place."""
    return table.transposed() if len(table.header) > max(WIDEST, len(table.rows)) else table
