"""Score tables on a terminal, and in files whose suffix names the form."""

import json
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import typer
from rich.box import HEAVY_HEAD, SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from roadseg.evaluation.score_tables import ScoreTable

SUFFIXES = (".md", ".csv", ".json")
SHORT = {
    "traffic light": "light",
    "traffic sign": "sign",
    "vegetation": "veg",
    "motorcycle": "mbike",
    "bicycle": "bike",
}
"""Headings of wide tables, as published tables abbreviate them."""


def check_suffix(path: Path | None) -> Path | None:
    """Callback of `--out`: a form that tables can be written in.

    Raises:
        typer.BadParameter: its suffix is none of `SUFFIXES`.
    """
    if path is not None and path.suffix not in SUFFIXES:
        raise typer.BadParameter(f"{path.name!r}: end it in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    return path


def write_tables(path: Path, tables: Sequence["ScoreTable"], data: Any) -> None:
    """Write the tables as Markdown or CSV, or `data` as JSON, as the suffix says.

    Raises:
        OutputError: it cannot be written.
    """
    from roadseg.evaluation.score_tables import as_csv, as_markdown
    from roadseg.files import write_text

    forms = {
        ".md": lambda: as_markdown(tables),
        ".csv": lambda: as_csv(tables),
        ".json": lambda: json.dumps(data, indent=2, allow_nan=False) + "\n",
    }
    write_text(path, forms[path.suffix]())


def shown(tables: Sequence["ScoreTable"]) -> RenderableType:
    """The tables one below the other; where the terminal is too narrow for one, it is drawn closer, or on its side.

    Where neither fits, words are broken, in the form that has fewer columns.
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
    """Columns of figures are never broken; words are, and `close` has short headings and no frame."""
    drawn = Table(
        title=escape(table.title),
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD if close else HEAVY_HEAD,
        padding=(0, 0 if close else 1),
    )
    for name, *cells in zip(table.header, *table.rows, strict=True):
        figures = all(cell[:1] in "-+0123456789" for cell in cells)
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
