"""Output files of a comparison on a data set: a PNG grid, a table as Markdown and JSON, and a page."""

from collections.abc import Mapping
from pathlib import Path

from roadseg.evaluation.comparison.grid import comparison_grid
from roadseg.evaluation.comparison.scoreboard import Scoreboard
from roadseg.evaluation.score_tables import as_markdown
from roadseg.files import write_json, write_png, write_text
from roadseg.report.comparison_page import comparison_page

NAME = "comparison"
PAGE = "compare.html"


def write_comparison(board: Scoreboard, out: Path, options: Mapping[str, str]) -> Path:
    """Write comparison.png, .md and .json and, last, compare.html into `out`, each whole or not at all.

    Args:
        board: scores to show.
        out: folder, made if it is missing.
        options: options of the comparison, for people to read.

    Returns:
        The path of the page.

    Raises:
        OutputError: the folder cannot be written to.
    """
    page = comparison_page(board, options)
    write_png(out / f"{NAME}.png", comparison_grid(board))
    write_text(out / f"{NAME}.md", as_markdown([board.table()]))
    write_json(out / f"{NAME}.json", board.as_dict())
    write_text(out / PAGE, page)
    return out / PAGE
