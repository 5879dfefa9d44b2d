"""Published scores to compare runs with; the figures are in `published.toml`.

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
from roadseg.training.keys import flattened


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
    """Mean IoU in percent, as printed."""
    iou: Mapping[str, float]
    """IoU in percent by class, as printed; empty where only the mean was printed."""
    printed: str
    """Place of publication."""
    note: str
    """Remark that readers of the figures need; may be empty."""
    settings: Mapping[str, Any]
    """Recipe settings of the row, by key, `TABLE.KEY` for keys in tables."""

    def as_dict(self) -> dict[str, Any]:
        """Return `id`, `miou` and `iou` by class in percent, and the place of publication, for JSON."""
        keys = ("id", "source", "target", "method", "network", "miou", "printed", "note")
        return {**{key: getattr(self, key) for key in keys}, "iou": dict(self.iou)}


def published_row(name: str) -> PublishedRow:
    """Look up a row by its id.

    Raises:
        RecipeError: there is no such row.
    """
    rows = published_rows()
    if name not in rows:
        near = difflib.get_close_matches(name, rows, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else "See `roadseg compare --published`."
        raise RecipeError(f"published = {name!r} is not a published row", hint)
    return rows[name]


def published_for(recipe: Mapping[str, Any]) -> PublishedRow | None:
    """Return the row to compare a run of these recipe keys with, or None.

    That is the row named by `published`, or its variant for the recipe's own settings: a row does not apply to a run
    with another lambda_adv.

    Raises:
        RecipeError: there is no such row.
    """
    name = recipe.get("published", "")
    if not name:
        return None
    row = published_row(name)
    settings = flattened(recipe)
    variants = [row, *(other for other in published_rows().values() if other.id.startswith(f"{row.id}/"))]
    fitting = (row for row in variants if all(settings.get(key) == value for key, value in row.settings.items()))
    return next(fitting, None)


@cache
def published_rows() -> Mapping[str, PublishedRow]:
    """Return all rows by id, in the order of the file."""
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
