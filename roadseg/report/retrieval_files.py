"""Output files of `roadseg retrieve`: PNG grids, a page, a table of neighbours, and figures as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from roadseg.evaluation.score_tables import ABSENT, ScoreTable, score_text
from roadseg.files import printable, write_json, write_png, write_text, writing
from roadseg.report.retrieval_page import Section, retrieval_page
from roadseg.retrieval.embedding import Domain
from roadseg.retrieval.grids import Thumbnails, retrieval_grid, rows_of
from roadseg.retrieval.neighbours import DESCRIPTORS, Descriptor, Pair, RunResult

NEIGHBOURS, PAGE, RECORD = "neighbours.parquet", "retrieval.html", "retrieval.json"
BY: Mapping[Descriptor, str] = {
    "features": "by features of the network",
    "layout": "by layout: which class stands where",
}


def write_results(
    out: Path, results: Mapping[str, RunResult], pair: Pair, table: ScoreTable, record: dict[str, Any], queries: int
) -> list[Path]:
    """Write a PNG grid for each descriptor and direction, the page, the neighbours of the last run, and the record.

    Args:
        out: folder to write to.
        results: results by the name of their run, in the order to show them.
        pair: the domains.
        table: figures for the page.
        record: figures for JSON.
        queries: number of queries to show of each direction.

    Returns:
        The files written.

    Raises:
        DatasetError: an image cannot be read.
        OutputError: the folder cannot be written to.
    """
    thumbnails = Thumbnails(pair)
    *_, last = results.values()
    facts = [
        f"source: {len(pair.source)} images of {printable(pair.source.name)}",
        f"target: {len(pair.target)} images of {printable(pair.target.name)}",
        *(f"{label}: {printable(result.run)}" for label, result in results.items()),
    ]
    sections, written = [], []
    for descriptor in shared_descriptors(results):
        for direction in last.descriptors[descriptor].directions:
            rows = rows_of(results, descriptor, direction.query, queries, thumbnails)
            title = f"{direction.query.capitalize()} → {direction.gallery}, {BY[descriptor]}"
            grid = out / f"{descriptor}.{direction.query}_to_{direction.gallery}.png"
            write_png(grid, retrieval_grid(rows, title, " · ".join(facts)))
            hint = f"{len(rows)} images of the {direction.query}, and the nearest of the {direction.gallery}"
            sections.append(Section(title, hint, rows))
            written.append(grid)
    write_text(out / PAGE, retrieval_page(sections, table, facts))
    write_neighbours(out / NEIGHBOURS, last, pair)
    write_json(out / RECORD, record)
    return [*written, out / PAGE, out / NEIGHBOURS, out / RECORD]


def shared_descriptors(results: Mapping[str, RunResult]) -> list[Descriptor]:
    """Return the descriptors that all runs have."""
    return [one for one in DESCRIPTORS if all(one in result.descriptors for result in results.values())]


def write_neighbours(path: Path, result: RunResult, pair: Pair) -> None:
    """Write a Parquet row for every image, descriptor and neighbour.

    Columns: `descriptor`; `domain` of the query, its `index` in its data set and its `name`; `rank` from 1;
    `neighbour_index` and `neighbour` in the other domain; `distance`, 1 - cosine.

    Raises:
        OutputError: the file cannot be written.
    """
    names = {domain: [printable(sample.name) for sample in pair.of(domain).samples] for domain in get_args(Domain)}
    schema = pa.schema(
        [
            ("descriptor", pa.string()),
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
        for descriptor, found in result.descriptors.items():
            for direction in found.directions:
                indices, distances = direction.neighbours
                queries = np.arange(len(indices)).repeat(indices.shape[1])
                columns = [
                    pa.array([descriptor] * len(queries)),
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
    """Return the figures by descriptor and run: mixing and, where known, how often the same place is found.

    Args:
        results: results by the name of their run, for example "before".
        title: title of the table.
    """
    rows = []
    for descriptor in shared_descriptors(results):
        for label, result in results.items():
            found = result.descriptors[descriptor]
            rows.append(
                (
                    descriptor,
                    label if len(results) > 1 else printable(result.run),
                    f"{found.mixing.neighbours:.2f}",
                    f"{found.mixing.classifier_accuracy:.1f}",
                    *(score_text(direction.recall(1)) for direction in found.directions),
                )
            )
    header = ("descriptor", "run", "neighbours", "classifier %", "recall@1 to target %", "to source %")
    notes = (
        "neighbours: share of nearest images that come from the other domain, relative to chance: 1 for domains that "
        "look alike, 0 for domains apart.",
        "classifier: accuracy of a linear classifier that guesses the domain of an image; 50 by chance.",
        "recall@1: queries whose nearest image of the other domain shows the same place.",
    )
    if all(cell == ABSENT for row in rows for cell in row[4:]):
        return ScoreTable(title, header[:4], tuple(row[:4] for row in rows), notes[:2])
    return ScoreTable(title, header, tuple(rows), notes)
