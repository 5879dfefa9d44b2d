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


def evaluation_table(evaluation: Evaluation, title: str) -> ScoreTable:
    """Return IoU by class, the mean and the pixel accuracy, one row each."""
    rows = [(name, score_text(value)) for name, value in zip(evaluation.classes, evaluation.iou.tolist(), strict=True)]
    rows += [("mean", score_text(evaluation.miou)), ("pixel accuracy", score_text(evaluation.pixel_accuracy))]
    if evaluation.safe_miou is not None:
        rows += [("safe mean", score_text(evaluation.safe_miou))]
    if evaluation.steadiness is not None:
        rows += [("temporal consistency", score_text(evaluation.steadiness.miou))]
    notes = (f"Engine: {evaluation.engine}.",) if evaluation.engine else ()
    return ScoreTable(title, ("class", "IoU %"), tuple(rows), notes)


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
