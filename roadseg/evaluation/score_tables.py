"""Tables of scores as plain cells, and as the files that reports are written from."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from roadseg.evaluation.evaluate import Evaluation

ABSENT = "-"
"""What stands where there is no score."""


@dataclass(frozen=True)
class ScoreTable:
    """A title, a heading a column and rows of cells; the first cell of a row says what it is."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    """What a reader of the figures must know; shown below them."""
    bold: frozenset[tuple[int, int]] = frozenset()
    """(row, column) of cells that stand out, both from 0; none of the first column."""

    def transposed(self) -> "ScoreTable":
        """The same figures with rows as columns."""
        header, *rows = zip(self.header, *self.rows, strict=True)
        bold = frozenset((column - 1, row + 1) for row, column in self.bold)
        return ScoreTable(self.title, header, tuple(rows), self.notes, bold)


def score(value: float | None) -> str:
    """A score in percent, to the two decimals that published tables have."""
    return ABSENT if value is None or value != value else f"{value:.2f}"


def evaluation_table(evaluation: Evaluation, title: str) -> ScoreTable:
    """IoU a class, the mean and the pixel accuracy, a row each."""
    rows = [(name, score(value)) for name, value in zip(evaluation.classes, evaluation.iou.tolist(), strict=True)]
    rows += [("mean", score(evaluation.miou)), ("pixel accuracy", score(evaluation.pixel_accuracy))]
    if evaluation.steadiness is not None:
        rows += [("temporal consistency", score(evaluation.steadiness.miou))]
    return ScoreTable(title, ("class", "IoU %"), tuple(rows))


def as_markdown(tables: Sequence[ScoreTable]) -> str:
    """Tables under headings, with their notes."""
    return "\n".join(_markdown(table) for table in tables)


def _markdown(table: ScoreTable) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    ruler = "|---|" + "---:|" * (len(table.header) - 1)
    rows = [
        [f"**{cell}**" if (row, column) in table.bold else cell for column, cell in enumerate(cells)]
        for row, cells in enumerate(table.rows)
    ]
    lines = [f"## {table.title}", "", line(table.header), ruler, *map(line, rows), ""]
    for note in table.notes:
        lines += [note, ""]
    return "\n".join(lines)


def as_csv(tables: Sequence[ScoreTable]) -> str:
    """Tables one after the other, each with its title in the first column and an empty line before the next."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for position, table in enumerate(tables):
        if position:
            writer.writerow(())
        writer.writerow(("table", *table.header))
        writer.writerows((table.title, *row) for row in table.rows)
    return text.getvalue()
