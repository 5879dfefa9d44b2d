"""Embeddings of a data set kept in a Parquet file, so that no image is embedded twice."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from roadseg.cores import usable_cores
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.read_ahead import read_ahead
from roadseg.datasets.transforms import Image, resized_image
from roadseg.errors import DatasetError
from roadseg.files import fingerprint, printable, writing
from roadseg.retrieval.embedding import Domain, Embedder, Lengths

ROWS_A_GROUP = 1024
READ_AHEAD = 64
METADATA_KEY = b"roadseg"
Progress = Callable[[str, int, int], None]
"""Called with (task, images done, images in all)."""


@dataclass(frozen=True)
class Embeddings:
    """Vectors of all images of a data set, in its order; see `Embedder.embed`."""

    features: NDArray[np.float32]
    """(N, D) float32."""
    layout: NDArray[np.float32]
    """(N, E) float32, probabilities 0..1."""
    reused: int
    """Number of images that were in the file already."""


def embed_dataset(
    dataset: ImageDataset,
    domain: Domain,
    embedder: Embedder,
    path: Path,
    *,
    description: dict[str, str],
    on_progress: Progress = lambda task, done, total: None,
) -> Embeddings:
    """Embed the images of a data set that `path` does not hold yet, and write all vectors to it.

    An interrupted call keeps what it has embedded. Images are identified by their content: renaming one costs nothing,
    adding one costs that image.

    Args:
        dataset: labelled or not.
        domain: domain of its images.
        embedder: network that embeds.
        path: Parquet file with one row for each image; a file of another network or of other options is replaced.
        description: facts for a reader of the file, kept in its metadata.
        on_progress: called with (task, images done, images in all).

    Returns:
        The vectors of all images.

    Raises:
        DatasetError: an image cannot be read.
        OutputError: the file cannot be written.
    """
    prints = _fingerprints(dataset, on_progress)
    vectors = np.zeros((len(dataset), embedder.lengths.features + embedder.lengths.layout), np.float32)
    there = np.zeros(len(dataset), bool)
    places: dict[str, list[int]] = {}
    for index, one in enumerate(prints):
        places.setdefault(one, []).append(index)
    for one, vector in _known(path, embedder.record(domain)):
        for index in places.get(one, ()):
            vectors[index], there[index] = vector, True
    missing = np.flatnonzero(~there).tolist()
    metadata: dict[str, object] = {**description, "embedding": embedder.record(domain), "images": _digest(prints)}
    try:
        done = 0
        for batch in _batches(dataset, missing, embedder):
            some = missing[done : done + len(batch)]
            vectors[some], there[some] = embedder.embed(np.stack(batch), domain), True
            done += len(batch)
            on_progress(f"embedding {domain}", done, len(missing))
    finally:
        if missing or not _describes(path, metadata):
            _write(path, dataset, domain, prints, vectors, np.flatnonzero(there), embedder.lengths, metadata)
    first = embedder.lengths.features
    return Embeddings(vectors[:, :first], vectors[:, first:], len(dataset) - len(missing))


def _fingerprints(dataset: ImageDataset, on_progress: Progress) -> list[str]:
    def one(index: int) -> str:
        path = dataset.samples[index].image
        try:
            return fingerprint(path)
        except OSError as error:
            raise DatasetError(f"{path}: cannot be read ({error.strerror})", "Check its permissions.") from error

    found = []
    for value in read_ahead(one, range(len(dataset)), READ_AHEAD, threads=usable_cores()):
        found.append(value)
        on_progress("identifying images", len(found), len(dataset))
    return found


def _batches(dataset: ImageDataset, indices: Sequence[int], embedder: Embedder) -> Iterator[list[Image]]:
    def read(index: int) -> Image:
        return resized_image(dataset.image(index), embedder.input_size, embedder.resampling)

    batch = []
    for image in read_ahead(read, indices, 2 * embedder.batch_size, threads=usable_cores()):
        batch.append(image)
        if len(batch) == embedder.batch_size:
            yield batch
            batch = []
    if batch:
        yield batch


def _known(path: Path, record: dict[str, object]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield fingerprint and vector of each row of a file of the same network and options; none without such a file."""
    try:
        if _metadata(path).get("embedding") != record:
            return
        with pq.ParquetFile(path) as file:
            names = [name for name in ("features", "layout") if name in file.schema_arrow.names]
            for rows in file.iter_batches(ROWS_A_GROUP, columns=["fingerprint", *names]):
                parts = [rows[name].flatten().to_numpy().reshape(rows.num_rows, -1) for name in names]
                yield from zip(rows["fingerprint"].to_pylist(), np.concatenate(parts, axis=1), strict=True)
    except (OSError, KeyError, pa.ArrowException):
        return  # a damaged file costs time only: its images are embedded again


def _metadata(path: Path) -> dict[str, object]:
    """Return the metadata that `_write` stored in a file; empty without such a file."""
    if not path.is_file():
        return {}
    try:
        found: dict[str, object] = json.loads(pq.read_metadata(path).metadata[METADATA_KEY])
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException):
        return {}
    return found


def _describes(path: Path, metadata: dict[str, object]) -> bool:
    return _metadata(path) == metadata


def _write(
    path: Path,
    dataset: ImageDataset,
    domain: Domain,
    prints: Sequence[str],
    vectors: NDArray[np.float32],
    indices: NDArray[np.intp],
    lengths: Lengths,
    metadata: dict[str, object],
) -> None:
    vector_lengths = {"features": lengths.features, "layout": lengths.layout}
    kept = {name: length for name, length in vector_lengths.items() if length}  # an imported network has no features
    schema = pa.schema(
        [
            ("domain", pa.string()),
            ("index", pa.int64()),
            ("name", pa.string()),
            ("path", pa.string()),
            ("fingerprint", pa.string()),
            *((name, pa.list_(pa.float32(), length)) for name, length in kept.items()),
        ],
        metadata={METADATA_KEY: json.dumps(metadata)},
    )
    with writing(path) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for start in range(0, len(indices), ROWS_A_GROUP):
            some = indices[start : start + ROWS_A_GROUP]
            samples = [dataset.samples[index] for index in some]
            parts = dict(zip(vector_lengths, np.split(vectors[some], [lengths.features], axis=1), strict=True))
            columns = [
                pa.array([domain] * len(some)),
                pa.array(some, pa.int64()),
                pa.array([printable(sample.name) for sample in samples]),
                pa.array([printable(sample.image) for sample in samples]),
                pa.array([prints[index] for index in some]),
                *(
                    pa.FixedSizeListArray.from_arrays(pa.array(parts[name].ravel()), length)
                    for name, length in kept.items()
                ),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _digest(prints: Sequence[str]) -> str:
    return hashlib.sha256("".join(prints).encode()).hexdigest()
