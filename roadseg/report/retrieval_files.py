"""What `roadseg retrieve` leaves: pictures, a page, neighbours as a table, and figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from roadseg.evaluation.score_tables import ABSENT, ScoreTable, score
from roadseg.files import write_json, write_png, write_text, writing
from roadseg.report.retrieval_page import Section, retrieval_page
from roadseg.retrieval.embedding import Domain
from roadseg.retrieval.grids import Thumbnails, retrieval_grid, rows_of
from roadseg.retrieval.retrieve import VIEWS, Pair, RunResult, View
from roadseg.retrieval.store import readable

NEIGHBOURS, PAGE, RECORD = "neighbours.parquet", "retrieval.html", "retrieval.json"
BY: Mapping[View, str] = {"features": "by features of the network", "layout": "by layout: which class stands where"}


def write_results(
    out: Path, results: Mapping[str, RunResult], pair: Pair, table: ScoreTable, record: dict[str, Any], queries: int
) -> list[Path]:
    """Write VIEW.DIRECTION.png for each view and direction, the page, the neighbours that the last run found, and the
    record.

    Args:
        out: the folder.
        results: by what the runs are called, in the order in which they are shown.
        pair: the domains.
        table: of figures, for the page.
        record: for JSON.
        queries: shown of each direction.

    Returns:
        The files written.

    Raises:
        DatasetError: a picture cannot be read.
        OutputError: the folder cannot be written to.
    """
    thumbnails = Thumbnails(pair)
    *_, last = results.values()
    facts = [
        f"source: {len(pair.source)} pictures of {readable(pair.source.name)}",
        f"target: {len(pair.target)} pictures of {readable(pair.target.name)}",
        *(f"{label}: {readable(result.run)}" for label, result in results.items()),
    ]
    sections, written = [], []
    for view in VIEWS:
        for direction in last.views[view].directions:
            rows = rows_of(results, view, direction.query, queries, thumbnails)
            title = f"{direction.query.capitalize()} → {direction.gallery}, {BY[view]}"
            picture = out / f"{view}.{direction.query}_to_{direction.gallery}.png"
            write_png(picture, retrieval_grid(rows, title, " · ".join(facts)))
            hint = f"{len(rows)} pictures of the {direction.query}, and the nearest of the {direction.gallery}"
            sections.append(Section(title, hint, rows))
            written.append(picture)
    write_text(out / PAGE, retrieval_page(sections, table, facts))
    write_neighbours(out / NEIGHBOURS, last, pair)
    write_json(out / RECORD, record)
    return [*written, out / PAGE, out / NEIGHBOURS, out / RECORD]


def write_neighbours(path: Path, result: RunResult, pair: Pair) -> None:
    """Write a Parquet row for every picture, view and neighbour.

    Columns: `view`; `domain` of the query, its `index` in its data set and its `name`; `rank`, from 1 on;
    `neighbour_index` and `neighbour`, of the other domain; `distance`, 1 - cosine.

    Raises:
        OutputError: it cannot be written.
    """
    names = {domain: [readable(sample.name) for sample in pair.of(domain).samples] for domain in get_args(Domain)}
    schema = pa.schema(
        [
            ("view", pa.string()),
            ("domain", pa.string()),
            ("index", pa.int64()),
            ("name", pa.string()),
            ("rank", pa.int16()),
            ("neighbour_index", pa.int64()),
            ("neighbour", pa.string()),
            ("distance", pa.float32()),
        ]
    )
    with writing(path) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for view, found in result.views.items():
            for direction in found.directions:
                indices, distances = direction.neighbours
                queries = np.arange(len(indices)).repeat(indices.shape[1])
                columns = [
                    pa.array([view] * len(queries)),
                    pa.array([direction.query] * len(queries)),
                    pa.array(queries, pa.int64()),
                    pa.array(names[direction.query]).take(pa.array(queries)),
                    pa.array(np.tile(np.arange(indices.shape[1], dtype=np.int16) + 1, len(indices))),
                    pa.array(indices.ravel()),
                    pa.array(names[direction.gallery]).take(pa.array(indices.ravel())),
                    pa.array(distances.ravel()),
                ]
                writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def retrieval_table(results: Mapping[str, RunResult], title: str) -> ScoreTable:
    """A row a view and run: how mixed the domains are, and where known how often the same place is found.

    Args:
        results: by what they are called, for example "before".
        title: of the table.
    """
    rows = []
    for view in VIEWS:
        for label, result in results.items():
            found = result.views[view]
            rows.append(
                (
                    view,
                    label if len(results) > 1 else readable(result.run),
                    f"{found.mixing.neighbours:.2f}",
                    f"{found.mixing.classifier_accuracy:.1f}",
                    *(score(direction.recall(1)) for direction in found.directions),
                )
            )
    header = ("view", "run", "neighbours", "classifier %", "recall@1 to target %", "to source %")
    notes = (
        "neighbours: nearest pictures that are of the other domain, against as many as by chance: 1 where the domains "
        "look alike, 0 where they are apart.",
        "classifier: how often a linear one tells the domain of a picture right; 50 by chance.",
        "recall@1: queries whose nearest picture of the other domain shows the same place.",
    )
    if all(cell == ABSENT for row in rows for cell in row[4:]):
        return ScoreTable(title, header[:4], tuple(row[:4] for row in rows), notes[:2])
    return ScoreTable(title, header, tuple(rows), notes)
