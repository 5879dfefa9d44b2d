"""Published scores, for runs to be set against; the figures stand in `published.toml`.

A recipe names the row that it is to reproduce by its id, `published = "gta5-cityscapes/multi-level"`.
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from roadseg.errors import RecipeError
from roadseg.labels.catalogue import CITYSCAPES_19


@dataclass(frozen=True)
class PublishedRow:
    """One row of a printed table."""

    id: str
    """`BENCHMARK/METHOD`, as recipes name it, or `BENCHMARK/METHOD/KEY=VALUE` for a variant of such a row."""
    source: str
    target: str
    method: str
    network: str
    """Trunk; "not stated" where the table leaves it open."""
    classes: tuple[str, ...]
    """Classes of the benchmark, or those that were printed."""
    miou: float
    """In percent, as printed."""
    iou: Mapping[str, float]
    """In percent by class, as printed; empty where only the mean was."""
    printed: str
    """Where."""
    note: str
    """What a reader of the figures must know; empty for nothing."""
    settings: Mapping[str, Any]
    """Recipe keys that the row was printed for, with their values."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON: `id`, `miou` and `iou` by class in percent, and where that is printed."""
        keys = ("id", "source", "target", "method", "network", "miou", "printed", "note")
        return {**{key: getattr(self, key) for key in keys}, "iou": dict(self.iou)}


def published_row(name: str) -> PublishedRow:
    """Look up a row by its id.

    Raises:
        RecipeError: there is none of that id.
    """
    rows = published_rows()
    if name not in rows:
        near = difflib.get_close_matches(name, rows, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else "See `roadseg compare --published`."
        raise RecipeError(f"published = {name!r} is no published row", hint)
    return rows[name]


def published_for(recipe: Mapping[str, Any]) -> PublishedRow | None:
    """The row that a run of these recipe keys is to be set against, or None.

    That is the row named by `published`, or the variant of it that was printed for the recipe's own settings: a run
    with another lambda_adv than the row's is not what the row reports.

    Raises:
        RecipeError: there is no row of that id.
    """
    name = recipe.get("published", "")
    if not name:
        return None
    row = published_row(name)
    variants = [row, *(other for other in published_rows().values() if other.id.startswith(f"{row.id}/"))]
    fitting = (row for row in variants if all(recipe.get(key) == value for key, value in row.settings.items()))
    return next(fitting, None)


@cache
def published_rows() -> Mapping[str, PublishedRow]:
    """All rows by id, in the order of the file."""
    text = files("roadseg.training").joinpath("published.toml").read_text(encoding="utf-8")
    return {row.id: row for table in tomllib.loads(text)["table"] for row in _rows(table)}


def _rows(table: Mapping[str, Any]) -> Iterator[PublishedRow]:
    without = table.get("without", ())
    classes = tuple(table.get("classes", (name for name in CITYSCAPES_19.classes if name not in without)))
    iou = {line: dict(zip(classes, values, strict=True)) for line, values in table.get("iou", {}).items()}
    for line, miou in table["miou"].items():
        yield PublishedRow(
            id=f"{table['benchmark']}/{line}",
            source=table["source"],
            target=table["target"],
            method=table.get("method", {}).get(line, line),
            network=table["network"],
            classes=classes,
            miou=miou,
            iou=iou.get(line, {}),
            printed=table["printed"],
            note=table.get("note", {}).get(line, ""),
            settings=table.get("settings", {}).get(line, {}),
        )
