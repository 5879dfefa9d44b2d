"""The job of `roadseg retrieve`: nearest neighbours across two domains as images, a page and tables."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadseg.evaluation.score_tables import ScoreTable
from roadseg.files import locked
from roadseg.report.retrieval_files import retrieval_table, write_results
from roadseg.retrieval.neighbours import checked_pair, find_neighbours, open_images
from roadseg.runtime import DeviceName, start


@dataclass(frozen=True)
class Retrieval:
    """The figures of a retrieval and the files that show it."""

    table: ScoreTable
    """Mixing and recall by descriptor and run."""
    record: dict[str, Any]
    """Figures and options for JSON."""
    files: list[Path]
    """The files written."""
    notices: tuple[str, ...]
    """Notices about the engines, each a sentence."""


def retrieve(
    source: str | Path,
    target: str | Path,
    out: str | Path,
    run: str | Path = "default",
    *,
    before: str | Path | None = None,
    neighbours: int = 5,
    queries: int = 5,
    limit: int | None = None,
    paired: bool = False,
    device: DeviceName = "auto",
    on_progress: Callable[[str, int, int], None] = lambda task, done, total: None,
) -> Retrieval:
    """Find the nearest images across two domains and write them as grids, a page and tables.

    Embeddings are kept in `out`: a second call embeds only new images, also after an interruption.

    Args:
        source: a folder of images, or KIND:ROOT[:SPLIT].
        target: the other domain, in the same notation.
        out: folder for the files; made if it is missing.
        run: run folder, `model.safetensors` or the name of packaged weights.
        before: another run to compare with, for example one without adaptation.
        neighbours: number of neighbours of each image, at least 1.
        queries: number of images of each domain to show with their neighbours.
        limit: take at most this many images of each domain, evenly spread.
        paired: images of the same name show the same place, so recall can be counted.
        device: device to run on.
        on_progress: called with (task, done, total).

    Returns:
        The figures and the files written.

    Raises:
        WeightsError: a run has no readable model.
        DatasetError: a data set cannot be read or has too few images.
        InputError: the device is missing or its memory is too small.
        EngineError: torch gives wrong results on the device.
        OutputError: the folder cannot be written to, or another process writes to it.
    """
    source, target, out = str(source), str(target), Path(out)
    pair = checked_pair(open_images(source, limit), open_images(target, limit), neighbours, paired=paired)
    runs = {"run": Path(run)} if before is None else {"before": Path(before), "after": Path(run)}
    runtime = start(device)
    with locked(out):
        results = {
            name: find_neighbours(path, pair, neighbours, out, runtime, on_progress=on_progress)
            for name, path in runs.items()
        }
        table = retrieval_table(results, f"{len(pair.source)} images of {source}, {len(pair.target)} of {target}")
        record = {
            "source": source,
            "target": target,
            "images": {"source": len(pair.source), "target": len(pair.target)},
            "neighbours": neighbours,
            "paired": paired,
            **{name: result.as_dict() for name, result in results.items()},
        }
        notices = dict.fromkeys(notice for result in results.values() for notice in result.notices)
        files = write_results(out, results, pair, table, record, queries)
        return Retrieval(table, record, files, tuple(notices))
