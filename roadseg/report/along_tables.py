"""Indices along the road as a table for people."""

import numpy as np

from roadseg.along.result import AlongStats
from roadseg.evaluation.score_tables import ABSENT, ScoreTable

PLACES = {"segments": "segments", "grid": "cells", "streets": "streets"}


def along_table(found: AlongStats) -> ScoreTable:
    """Return each index over all places, by distance and by time, and its lowest and highest value of one place."""
    rows = []
    for name in found.indices:
        columns = [f"{name}_by_{way}" for way in ("distance", "time")]
        values = next(found.values(column) for column in columns if column in found.overall)
        known = values[~np.isnan(values)]
        ends = (known.min(), known.max()) if len(known) else (None, None)
        cells = (*(found.overall.get(column) for column in columns), *ends)
        rows.append((name, *(ABSENT if value is None else f"{value:.3f}" for value in cells)))
    drives = f"{found.drives} {'drive' if found.drives == 1 else 'drives'}"
    title = f"{len(found.shapes)} {PLACES[found.kind]}, {found.metres / 1000:.2f} km, {found.seconds:.1f} s, {drives}"
    return ScoreTable(title, ("index", "by distance", "by time", "lowest", "highest"), tuple(rows))
