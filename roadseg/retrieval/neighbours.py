"""Nearest neighbours across two domains, found by the embeddings of one network, and how mixed the domains are."""

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
from roadseg.evaluation.scores import rounded
from roadseg.files import printable
from roadseg.retrieval.embedding import Domain, open_embedder
from roadseg.retrieval.search import Neighbours, centred, nearest_both_ways
from roadseg.retrieval.store import Embeddings, Progress, embed_dataset
from roadseg.runtime import Runtime

Descriptor = Literal["features", "layout"]
"""The vector by which images are compared."""
DESCRIPTORS: tuple[Descriptor, ...] = get_args(Descriptor)
MIXING_NEIGHBOURS = 5
LEAST_IMAGES = MIXING_NEIGHBOURS + 1
MIXING_IMAGES = 1000
"""Images of each domain by which mixing is measured, evenly spread: 100,000 would take hours and say the same."""
EMBEDDINGS = "embeddings"


@dataclass(frozen=True)
class Pair:
    """Two data sets to compare."""

    source: ImageDataset
    target: ImageDataset
    paired: bool = False
    """Images of the same name show the same place, so a neighbour is right or wrong."""

    def of(self, domain: Domain) -> ImageDataset:
        """Return the data set of a domain."""
        return self.source if domain == "source" else self.target


@dataclass(frozen=True)
class Direction:
    """Neighbours of all images of one domain in the other."""

    query: Domain
    neighbours: Neighbours
    matches: NDArray[np.bool_] | None
    """(N, k), True where a neighbour shows the same place; None where that is not known."""

    @property
    def gallery(self) -> Domain:
        """The domain that is searched."""
        return "target" if self.query == "source" else "source"

    def recall(self, count: int) -> float | None:
        """Return the percentage of queries with the same place among the nearest `count`; None where not known."""
        return None if self.matches is None else 100 * float(self.matches[:, :count].any(axis=1).mean())


@dataclass(frozen=True)
class DescriptorResult:
    """Neighbours and mixing by one descriptor."""

    directions: tuple[Direction, Direction]
    """Neighbours with the source as queries, and with the target as queries."""
    mixing: DomainMixing


@dataclass(frozen=True)
class RunResult:
    """Neighbours and mixing of two domains by one network."""

    run: str
    weights: str
    descriptors: Mapping[Descriptor, DescriptorResult]
    """By layout alone for an imported network, which has no features."""
    reused: Mapping[Domain, int]
    """Number of images whose vectors were in a file already."""
    notices: tuple[str, ...]
    """Notices about the engine, each a sentence."""

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON: recalls in percent, null where unknown."""
        return {
            "run": self.run,
            "weights": self.weights,
            "reused": dict(self.reused),
            "notices": list(self.notices),
            **{
                descriptor: {
                    "cross_domain_neighbours": round(result.mixing.neighbours, 4),
                    "domain_classifier_accuracy": round(result.mixing.classifier_accuracy, 2),
                    **{
                        f"{direction.query}_to_{direction.gallery}": _recalls(direction)
                        for direction in result.directions
                    },
                }
                for descriptor, result in self.descriptors.items()
            },
        }


def open_images(text: str, limit: int | None = None) -> ImageDataset:
    """Open a data set written as KIND:ROOT[:SPLIT], or a folder of rendered streets or of any images.

    Args:
        text: the data set; without SPLIT, `val` where the kind has it.
        limit: take at most this many images, evenly spread.

    Returns:
        The data set, named `text`.

    Raises:
        DatasetError: it does not exist or has too few images.
    """
    folder_kind = "streets" if (Path(text) / STREETS_FILE).is_file() else "frames"
    dataset = parse_dataset(text, "val", folder_kind=folder_kind).open()
    if limit is not None:
        dataset = dataset.evenly_spread(limit)
    if len(dataset) < LEAST_IMAGES:
        raise DatasetError(
            f"{text}: {len(dataset)} images are too few to compare",
            f"Give at least {LEAST_IMAGES} of each domain.",
        )
    return replace(dataset, name=text)


def checked_pair(source: ImageDataset, target: ImageDataset, count: int, *, paired: bool) -> Pair:
    """Pair two data sets after checking that they can be searched for `count` neighbours.

    Raises:
        DatasetError: one has fewer images, or they are `paired` and have no name in common.
    """
    smaller = min(len(source), len(target))
    if count > smaller:
        raise DatasetError(
            f"{count} neighbours wanted, but the smaller data set has {smaller} images",
            f"Give --neighbours {smaller} or less.",
        )
    names = {sample.name for sample in source.samples}
    if paired and names.isdisjoint(sample.name for sample in target.samples):
        raise DatasetError(
            "no image of the source has the same name as one of the target",
            "Leave out --paired, or check the folders.",
        )
    return Pair(source, target, paired)


def find_neighbours(
    run: Path,
    pair: Pair,
    count: int,
    out: Path,
    runtime: Runtime,
    *,
    on_progress: Progress = lambda task, done, total: None,
) -> RunResult:
    """Embed both domains with a run, find neighbours across them, and measure how mixed they are.

    Args:
        run: run folder or `model.safetensors`, or the name of packaged weights. An imported network has no features:
            neighbours are found by layout alone.
        pair: the domains, from `checked_pair`.
        count: number of neighbours.
        out: folder for the results; the embeddings are in a sub-folder.
        runtime: device to run on.
        on_progress: called with (task, done, total).

    Returns:
        Neighbours and mixing by each descriptor.

    Raises:
        WeightsError: the run has no readable model.
        DatasetError: an image cannot be read.
        InputError: the device's memory is too small for one image.
        EngineError: torch gives wrong results on the device.
        OutputError: the folder cannot be written to.
    """
    embedder = open_embedder(run, runtime)
    domains: dict[Domain, Embeddings] = {}
    for domain in get_args(Domain):
        domains[domain] = embed_dataset(
            pair.of(domain),
            domain,
            embedder,
            out / EMBEDDINGS / f"{domain}-{embedder.weights}.parquet",
            description={"run": printable(run), "dataset": pair.of(domain).name},
            on_progress=on_progress,
        )
    results = {}
    for descriptor in DESCRIPTORS if embedder.lengths.features else DESCRIPTORS[1:]:
        source, target = (comparable(domains[domain], descriptor) for domain in get_args(Domain))
        mixing = domain_mixing(_spread(source), _spread(target), neighbours=MIXING_NEIGHBOURS)
        found = nearest_both_ways(
            centred(source),
            centred(target),
            count,
            runtime.device,
            on_progress=partial(on_progress, f"searching by {descriptor}"),
        )
        directions = tuple(
            Direction(domain, neighbours, _matches(pair, domain, neighbours))
            for domain, neighbours in zip(get_args(Domain), found, strict=True)
        )
        results[descriptor] = DescriptorResult((directions[0], directions[1]), mixing)
    reused = {domain: embeddings.reused for domain, embeddings in domains.items()}
    return RunResult(str(run), embedder.weights, results, reused, embedder.notices)


def comparable(embeddings: Embeddings, descriptor: Descriptor) -> NDArray[np.float32]:
    """Return the vectors (N, D) of one descriptor in the form whose cosines are compared.

    For layouts these are square roots: their cosine is the mean Bhattacharyya coefficient of the cells' distributions,
    in which a small class counts for more than in the product of probabilities.
    """
    return embeddings.features if descriptor == "features" else np.sqrt(embeddings.layout)


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
    return {f"recall_at_{count}": rounded(direction.recall(count)) for count in counts}


def _spread(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return at most `MIXING_IMAGES` of the vectors, evenly spread."""
    chosen = np.linspace(0, len(vectors) - 1, min(MIXING_IMAGES, len(vectors))).round().astype(int)
    return np.asarray(vectors[chosen])
