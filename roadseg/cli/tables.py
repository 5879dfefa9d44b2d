"""Score tables on a terminal."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import typer
from rich.box import HEAVY_HEAD, SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from roadseg.evaluation.score_tables import ScoreTable

SUFFIXES = (".md", ".csv", ".json")
"""Extensions that `roadseg.evaluation.score_tables.write_tables` knows."""
SHORT = {
    "traffic light": "light",
    "traffic sign": "sign",
    "vegetation": "veg",
    "motorcycle": "mbike",
    "bicycle": "bike",
}
"""Abbreviated headings of wide tables, as in published tables."""


def check_suffix(path: Path | None) -> Path | None:
    """Check the extension of `--out`; a callback.

    Raises:
        typer.BadParameter: the extension is none of `SUFFIXES`.
    """
    if path is not None and path.suffix not in SUFFIXES:
        raise typer.BadParameter(f"{path.name!r}: end it in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    return path


def shown(tables: Sequence["ScoreTable"]) -> RenderableType:
    """Return tables one below the other, each in a form that fits the terminal: normal, compact or transposed.

    Where none fits, words are broken, in the form with fewer columns.
    """
    console = Console()
    return Group(*(_shown(table, console) for table in tables))


def _shown(table: "ScoreTable", console: Console) -> RenderableType:
    close, on_its_side = _drawn(table, close=True), _drawn(table.transposed())
    forms = (_drawn(table), close, on_its_side)
    fitting = (form for form in forms if console.measure(form, options=_unbound(console)).maximum <= console.width)
    notes = [Text(line, style="dim") for note in table.notes for line in wrap(note, console.width)]
    return Group(next(fitting, min(on_its_side, close, key=lambda form: len(form.columns))), *notes, "")


def _unbound(console: Console) -> ConsoleOptions:
    return console.options.update(max_width=10_000)


def _drawn(table: "ScoreTable", *, close: bool = False) -> Table:
    """Return a table whose columns of figures are never broken; `close` has short headings and no frame."""
    drawn = Table(
        title=escape(table.title),
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD if close else HEAVY_HEAD,
        padding=(0, 0 if close else 1),
    )
    for name, figures in zip(table.header, table.figures, strict=True):
        heading = SHORT.get(name, name) if close else name
        drawn.add_column(
            escape(heading), justify="right" if figures else "left", no_wrap=figures and close, overflow="fold"
        )
    for place, row in enumerate(table.rows):
        cells = [escape(row[0]), *(escape(cell).replace(" ", "\N{NO-BREAK SPACE}") for cell in row[1:])]
        drawn.add_row(
            *(f"[bold]{cell}[/bold]" if (place, column) in table.bold else cell for column, cell in enumerate(cells))
        )
    return drawn
