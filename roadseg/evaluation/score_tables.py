"""Tables of figures as plain cells, and as Markdown, CSV or JSON files."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadseg.errors import InputError, one_line
from roadseg.evaluation.scores import Evaluation
from roadseg.files import write_text

ABSENT = "-"
"""Cell without a score."""


@dataclass(frozen=True)
class ScoreTable:
    """A title, column headings and rows of cells; the first cell of a row names it."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    """Remarks that a reader of the figures needs; shown below them."""
    bold: frozenset[tuple[int, int]] = frozenset()
    """(row, column) of cells in bold, both from 0; none of the first column."""

    @property
    def figures(self) -> tuple[bool, ...]:
        """True for each column that holds figures alone, or the mark of a missing one."""
        columns = zip(*self.rows, strict=True)
        return tuple(all(cell[:1] in "-+0123456789" for cell in cells) for cells in columns)

    def transposed(self) -> "ScoreTable":
        """Return the same figures with rows and columns swapped."""
        header, *rows = zip(self.header, *self.rows, strict=True)
        bold = frozenset((column - 1, row + 1) for row, column in self.bold)
        return ScoreTable(self.title, header, tuple(rows), self.notes, bold)


def score_text(value: float | None) -> str:
    """Format a score in percent with two decimals, as published tables do."""
    return ABSENT if value is None or value != value else f"{value:.2f}"


def gain_text(value: float) -> str:
    """Format a difference of scores in points, with its sign and two decimals."""
    return ABSENT if value != value else f"{value:+.2f}"


def evaluation_table(evaluation: Evaluation, title: str, *, before: Evaluation | None = None) -> ScoreTable:
    """Return IoU by class, the mean and the pixel accuracy, one row each.

    Args:
        evaluation: scores of a run.
        title: heading of the table.
        before: scores on the same classes of the run that it is compared with; the table then has both and the gain.
    """
    notes = (f"Engine: {evaluation.engine}.",) if evaluation.engine else ()
    figures = _figures(evaluation)
    if before is None:
        return ScoreTable(
            title, ("class", "IoU %"), tuple((name, score_text(figures[name])) for name in figures), notes
        )
    old = _figures(before)
    gains = tuple(
        (name, score_text(old[name]), score_text(value), gain_text(value - old[name]))
        for name, value in figures.items()
        if name in old
    )
    return ScoreTable(title, ("class", "before", "after", "gain"), gains, notes)


def _figures(evaluation: Evaluation) -> dict[str, float]:
    """Return the name of each row of an evaluation's table -> its figure in percent."""
    figures = dict(zip(evaluation.classes, evaluation.iou.tolist(), strict=True))
    figures |= {"mean": evaluation.miou, "pixel accuracy": evaluation.pixel_accuracy}
    if evaluation.safe_miou is not None:
        figures["safe mean"] = evaluation.safe_miou
    if evaluation.steadiness is not None:
        figures["temporal consistency"] = evaluation.steadiness.miou
    return figures


def as_markdown(tables: Sequence[ScoreTable]) -> str:
    """Format tables as Markdown with headings and notes."""
    return "\n".join(_markdown(table) for table in tables)


def _markdown(table: ScoreTable) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(one_line(cell).replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |"

    ruler = "|---|" + "---:|" * (len(table.header) - 1)
    rows = [
        [f"**{cell}**" if (row, column) in table.bold else cell for column, cell in enumerate(cells)]
        for row, cells in enumerate(table.rows)
    ]
    lines = [f"## {one_line(table.title)}", "", line(table.header), ruler, *map(line, rows), ""]
    for note in table.notes:
        lines += [note, ""]
    return "\n".join(lines)


def as_csv(tables: Sequence[ScoreTable]) -> str:
    """Format tables as CSV, one after the other: the title in the first column, an empty line between tables."""
    return "\n".join(
        csv_text([("table", *table.header), *((table.title, *row) for row in table.rows)]) for table in tables
    )


def csv_text(rows: Iterable[Sequence[str]]) -> str:
    """Format rows of cells as CSV, without formulas for spreadsheets."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(map(_csv_cell, row) for row in rows)
    return text.getvalue()


def _csv_cell(text: str) -> str:
    """Return text that spreadsheets do not take for a formula, as they do with a video called `=...`."""
    try:
        float(text)  # numbers may begin with a sign
    except ValueError:
        return one_line(f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text)
    return text


def write_tables(path: Path, tables: Sequence[ScoreTable], data: Any) -> None:
    """Write tables as Markdown or CSV, or `data` as JSON, by the extension of `path`: .md, .csv or .json.

    Raises:
        InputError: the extension is another one.
        OutputError: the file cannot be written.
    """
    match path.suffix:
        case ".md":
            text = as_markdown(tables)
        case ".csv":
            text = as_csv(tables)
        case ".json":
            text = json.dumps(data, indent=2, allow_nan=False) + "\n"
        case _:
            raise InputError(f"{path}: the format of a table is .md, .csv or .json", "Change the extension.")
    write_text(path, text)
