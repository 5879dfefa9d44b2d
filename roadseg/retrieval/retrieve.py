"""The job behind `roadseg retrieve`: pictures of two domains embedded, compared, and shown beside their neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.catalogue import parse_dataset
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.streets import STREETS_FILE
from roadseg.errors import DatasetError
from roadseg.evaluation.domain_mixing import DomainMixing, domain_mixing
from roadseg.evaluation.scoring import load_run
from roadseg.retrieval.embedding import Domain, Embedder
from roadseg.retrieval.search import Neighbours, centred, nearest_both_ways
from roadseg.retrieval.store import Embeddings, Progress, embedded, readable
from roadseg.runtime import Runtime

View = Literal["features", "layout"]
VIEWS: tuple[View, ...] = get_args(View)
MIXING_NEIGHBOURS = 5
LEAST_PICTURES = MIXING_NEIGHBOURS + 1
MIXING_PICTURES = 1000
"""Of each domain whose mixing is measured, evenly spread: all of 100,000 would take hours, and tell no more."""
EMBEDDINGS = "embeddings"


@dataclass(frozen=True)
class Pair:
    """Two data sets that are compared."""

    source: ImageDataset
    target: ImageDataset
    paired: bool = False
    """Whether pictures of the same name show the same place, so that a neighbour is right or wrong."""

    def of(self, domain: Domain) -> ImageDataset:
        """One of them."""
        return self.source if domain == "source" else self.target


@dataclass(frozen=True)
class Direction:
    """The neighbours of all pictures of one domain in the other."""

    query: Domain
    neighbours: Neighbours
    matches: NDArray[np.bool_] | None
    """(N, k) whether a neighbour shows the same place; None where that is not known."""

    @property
    def gallery(self) -> Domain:
        """The other domain."""
        return "target" if self.query == "source" else "source"

    def recall(self, count: int) -> float | None:
        """Percent of queries that have the same place among the nearest `count`; None where that is not known."""
        return None if self.matches is None else 100 * float(self.matches[:, :count].any(axis=1).mean())


@dataclass(frozen=True)
class ViewResult:
    """What one of the two vectors says."""

    directions: tuple[Direction, Direction]
    """From the source, from the target."""
    mixing: DomainMixing


@dataclass(frozen=True)
class RunResult:
    """What one network makes of the two domains."""

    run: str
    weights: str
    views: Mapping[View, ViewResult]
    reused: Mapping[Domain, int]
    """Pictures whose vectors were known before."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON; recalls in percent, null where it is not known which pictures show the same place."""
        return {
            "run": self.run,
            "weights": self.weights,
            "reused": dict(self.reused),
            **{
                view: {
                    "cross_domain_neighbours": round(result.mixing.neighbours, 4),
                    "domain_classifier_accuracy": round(result.mixing.classifier_accuracy, 2),
                    **{
                        f"{direction.query}_to_{direction.gallery}": _recalls(direction)
                        for direction in result.directions
                    },
                }
                for view, result in self.views.items()
            },
        }


def open_pictures(text: str, limit: int | None = None) -> ImageDataset:
    """Open a data set written KIND:ROOT[:SPLIT], or as a folder: rendered streets, or any pictures.

    Args:
        text: the notation; `val` is opened where no split is written and the kind has it.
        limit: take at most so many pictures, evenly spread.

    Returns:
        The data set, by the name of `text`.

    Raises:
        DatasetError: it is not there, or holds too few pictures.
    """
    folder_kind = "streets" if (Path(text) / STREETS_FILE).is_file() else "frames"
    dataset = parse_dataset(text, "val", folder_kind=folder_kind).open()
    if limit is not None:
        dataset = dataset.evenly_spread(limit)
    if len(dataset) < LEAST_PICTURES:
        raise DatasetError(
            f"{text}: {len(dataset)} pictures are too few to compare", f"At least {LEAST_PICTURES} are needed of each."
        )
    return replace(dataset, name=text)


def checked_pair(source: ImageDataset, target: ImageDataset, count: int, *, paired: bool) -> Pair:
    """Two data sets that can be searched for `count` neighbours.

    Raises:
        DatasetError: one is smaller than that, or they are `paired` and have no name in common.
    """
    smaller = min(len(source), len(target))
    if count > smaller:
        raise DatasetError(f"{smaller} pictures have no {count} nearest", f"Ask for at most {smaller}.")
    names = {sample.name for sample in source.samples}
    if paired and names.isdisjoint(sample.name for sample in target.samples):
        raise DatasetError(
            "no picture of the source has the name of one of the target", "Leave --paired out, or check the folders."
        )
    return Pair(source, target, paired)


def retrieve(
    run: Path,
    pair: Pair,
    count: int,
    out: Path,
    runtime: Runtime,
    *,
    on_progress: Progress = lambda task, done, total: None,
) -> RunResult:
    """Embed both domains by a run, find neighbours across them in both views, and measure how mixed they are.

    Args:
        run: what `roadseg.evaluation.scoring.load_run` reads.
        pair: the domains.
        count: of neighbours, see `checked_pair`.
        out: where vectors are kept, in a folder of their own.
        runtime: where it runs.
        on_progress: told what is done.

    Raises:
        WeightsError: there is no readable model.
        DatasetError: a picture cannot be read.
        InputError: the device's memory is too small for a picture.
        OutputError: the folder cannot be written to.
    """
    candidate = load_run(run)
    embedder = Embedder(candidate, runtime)
    domains: dict[Domain, Embeddings] = {}
    for domain in get_args(Domain):
        domains[domain] = embedded(
            pair.of(domain),
            domain,
            embedder,
            out / EMBEDDINGS / f"{domain}-{embedder.weights}.parquet",
            description={"run": readable(run), "dataset": pair.of(domain).name},
            on_progress=on_progress,
        )
    views = {}
    for view in VIEWS:
        source, target = (comparable(domains[domain], view) for domain in get_args(Domain))
        mixing = domain_mixing(_spread(source), _spread(target), neighbours=MIXING_NEIGHBOURS)
        found = nearest_both_ways(
            centred(source),
            centred(target),
            count,
            runtime.device,
            on_progress=partial(on_progress, f"searching by {view}"),
        )
        directions = tuple(
            Direction(domain, neighbours, _matches(pair, domain, neighbours))
            for domain, neighbours in zip(get_args(Domain), found, strict=True)
        )
        views[view] = ViewResult((directions[0], directions[1]), mixing)
    reused = {domain: embeddings.reused for domain, embeddings in domains.items()}
    return RunResult(str(run), embedder.weights, views, reused)


def comparable(embeddings: Embeddings, view: View) -> NDArray[np.float32]:
    """The vectors of one view, (N, D), as cosines are taken of them.

    Of layouts the square roots: their cosine is the mean Bhattacharyya coefficient of the cells' distributions, in
    which a small class counts for more than in the product of probabilities.
    """
    return embeddings.features if view == "features" else np.sqrt(embeddings.layout)


def _matches(pair: Pair, query: Domain, neighbours: Neighbours) -> NDArray[np.bool_] | None:
    if not pair.paired:
        return None
    queries, gallery = (pair.source, pair.target) if query == "source" else (pair.target, pair.source)
    numbers: dict[str, int] = {}
    own, theirs = (
        np.array([numbers.setdefault(sample.name, len(numbers)) for sample in dataset.samples])
        for dataset in (queries, gallery)
    )
    return np.asarray(own[:, None] == theirs[neighbours.indices])


def _recalls(direction: Direction) -> dict[str, float | None]:
    counts = sorted({1, direction.neighbours.indices.shape[1]})
    return {f"recall_at_{count}": _rounded(direction.recall(count)) for count in counts}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _spread(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """At most `MIXING_PICTURES` of the vectors, evenly spread."""
    chosen = np.linspace(0, len(vectors) - 1, min(MIXING_PICTURES, len(vectors))).round().astype(int)
    return np.asarray(vectors[chosen])
