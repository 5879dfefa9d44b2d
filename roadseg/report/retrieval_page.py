"""HTML page of a retrieval: queries with their neighbours, and how mixed the domains are."""

from collections.abc import Sequence
from dataclasses import dataclass

from roadseg.evaluation.score_tables import ScoreTable
from roadseg.report.html import css_colour, render
from roadseg.report.images import jpeg
from roadseg.retrieval.grids import COLOURS, Row, Thumbnail


@dataclass(frozen=True)
class Section:
    """Rows of one descriptor and direction."""

    title: str
    hint: str
    rows: Sequence[Row]


def retrieval_page(sections: Sequence[Section], table: ScoreTable, facts: Sequence[str]) -> str:
    """Return the page as HTML with all images inside it.

    Args:
        sections: sections in the order to show them.
        table: figures, shown first.
        facts: facts for the line below the heading.
    """
    return render(
        "retrieval.html",
        sections=[
            {
                "title": section.title,
                "hint": section.hint,
                "rows": [
                    {
                        "query": _figure(row.query),
                        "strips": [(run, list(map(_figure, shown))) for run, shown in row.neighbours.items()],
                    }
                    for row in section.rows
                ],
            }
            for section in sections
        ],
        table=table,
        facts=facts,
        colours={domain: css_colour(colour) for domain, colour in COLOURS.items()},
    )


def _figure(shown: Thumbnail) -> dict[str, object]:
    return {
        "domain": shown.domain,
        "name": shown.name,
        "image": jpeg(shown.image),
        "distance": shown.distance,
        "same": shown.same,
    }
