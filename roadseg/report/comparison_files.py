"""A comparison on a data set as files: a picture, a table in two forms, and a page."""

from collections.abc import Mapping
from pathlib import Path

from roadseg.evaluation.comparison.grid import comparison_picture
from roadseg.evaluation.comparison.scoreboard import Scoreboard
from roadseg.evaluation.score_tables import as_markdown
from roadseg.files import write_json, write_png, write_text
from roadseg.report.comparison_page import comparison_page

NAME = "comparison"
PAGE = "compare.html"


def write_comparison(board: Scoreboard, out: Path, options: Mapping[str, str]) -> Path:
    """Write comparison.png, .md and .json and, last, compare.html into `out`, each whole or not at all.

    Args:
        board: what they show.
        out: made if it is missing.
        options: how the runs were asked, for people to read.

    Returns:
        The page.

    Raises:
        OutputError: the folder cannot be written to.
    """
    page = comparison_page(board, options)
    write_png(out / f"{NAME}.png", comparison_picture(board))
    write_text(out / f"{NAME}.md", as_markdown([board.table()]))
    write_json(out / f"{NAME}.json", board.as_dict())
    write_text(out / PAGE, page)
    return out / PAGE
