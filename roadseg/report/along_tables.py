"""Indices along the road as a table for people."""

import numpy as np

from roadseg.along.result import AlongStats
from roadseg.evaluation.score_tables import ABSENT, ScoreTable

PLACES = {"segments": "segment", "grid": "cell", "streets": "street"}


def along_table(found: AlongStats) -> ScoreTable:
    """Return each index over all places, by distance and by time, and its lowest and highest value of one place."""
    rows = []
    for name in found.indices:
        columns = [f"{name}_by_{way}" for way in ("distance", "time")]
        values = (found.values(column) for column in columns if column in found.overall)
        known = next((some for each in values if len(some := each[~np.isnan(each)])), np.zeros(0))
        ends = (known.min(), known.max()) if len(known) else (None, None)
        cells = (*(found.overall.get(column) for column in columns), *ends)
        rows.append((name, *(ABSENT if value is None else f"{value:.3f}" for value in cells)))
    counts = ", ".join((counted(len(found.shapes), PLACES[found.kind]), counted(found.drives, "drive")))
    title = f"{counts}, {found.metres / 1000:.2f} km, {found.seconds:.1f} s"
    return ScoreTable(title, ("index", "by distance", "by time", "lowest", "highest"), tuple(rows))


def counted(number: int, what: str) -> str:
    """Return a number with its noun, in the plural where it is not 1."""
    return f"{number} {what}{'' if number == 1 else 's'}"
