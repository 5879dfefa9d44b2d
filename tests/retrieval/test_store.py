"""Vectors on disk: known images are not embedded again, and others are not taken for them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.tiny import write_streets

from roadseg.datasets.catalogue import dataset_kind
from roadseg.errors import DatasetError
from roadseg.evaluation.trained import load_run
from roadseg.models.domain_statistics import batch_norms, keep_source_statistics
from roadseg.models.weights import load_model, save_model
from roadseg.retrieval.embedding import NetworkEmbedder
from roadseg.retrieval.store import METADATA_KEY, embed_dataset
from roadseg.runtime import start

IMAGES = 7


class Counting(NetworkEmbedder):
    """Counts what it embeds, and may be interrupted after some images."""

    def __init__(self, run="default", stop_after=None, error=KeyboardInterrupt):
        trained = load_run(Path(run))
        card = trained.card.model_copy(update={"input_size": (96, 64)})
        super().__init__(replace(trained, card=card), start("cpu"))
        self.seen, self.stop_after, self.error = 0, stop_after, error

    def embed(self, images, domain):
        if self.seen == self.stop_after:
            raise self.error("enough")
        self.seen += len(images)
        return super().embed(images, domain)


@pytest.fixture
def root(tmp_path):
    return write_streets(tmp_path / "streets", IMAGES)


@pytest.fixture
def embed(root, tmp_path):
    def call(embedder, domain="target", root=root):
        dataset = dataset_kind("streets").open(root)
        return embed_dataset(
            dataset, domain, embedder, tmp_path / "out" / "vectors.parquet", description={"run": "mine"}
        )

    return call


def test_a_second_call_embeds_nothing_and_touches_nothing(embed, tmp_path):
    first = embed(one := Counting())
    file = tmp_path / "out" / "vectors.parquet"
    before = file.read_bytes(), file.stat().st_mtime_ns
    second = embed(other := Counting())
    assert (one.seen, first.reused, other.seen, second.reused) == (IMAGES, 0, 0, IMAGES)
    np.testing.assert_array_equal(second.features, first.features)
    np.testing.assert_array_equal(second.layout, first.layout)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_the_table_says_what_it_holds(embed, root, tmp_path):
    found = embed(embedder := Counting())
    table = pq.read_table(tmp_path / "out" / "vectors.parquet")
    assert table.schema.field("features").type.list_size == embedder.lengths.features == 96 * 12
    assert table.schema.field("layout").type.list_size == embedder.lengths.layout == 19 * 48
    assert table["name"].to_pylist() == [f"{index:06}" for index in range(IMAGES)]
    assert table["path"][3].as_py() == str(root / "images" / "000003.png")
    np.testing.assert_array_equal(np.array(table["layout"].to_pylist(), np.float32), found.layout)
    metadata = json.loads(table.schema.metadata[METADATA_KEY])
    assert metadata["run"] == "mine"
    assert metadata["embedding"]["weights"] == embedder.weights
    assert len(metadata["images"]) == 64


@pytest.mark.slow
def test_images_are_known_by_their_content(embed, root, tmp_path):
    first = embed(Counting())
    (root / "images" / "000000.png").rename(root / "images" / "renamed.png")
    (root / "labels" / "000000.png").rename(root / "labels" / "renamed.png")
    renamed = embed(counting := Counting())
    assert counting.seen == 0
    np.testing.assert_array_equal(renamed.features, np.roll(first.features, -1, axis=0))
    assert pq.read_table(tmp_path / "out" / "vectors.parquet")["name"][-1].as_py() == "renamed"

    more = write_streets(tmp_path / "more", IMAGES + 2)
    embed(counting := Counting(), root=more)
    assert counting.seen == 2

    changed = more / "images" / "000002.png"
    changed.write_bytes((write_streets(tmp_path / "night", 3, night=True) / "images" / "000002.png").read_bytes())
    embed(counting := Counting(), root=more)
    assert counting.seen == 1


@pytest.mark.slow
def test_other_weights_or_statistics_or_damage_are_no_use(embed, tmp_path):
    embed(Counting())
    network, card = load_model(Path("default"))
    keep_source_statistics(network)
    for norm in batch_norms(network):
        norm.running_mean.add_(1)
    save_model(tmp_path / "model.safetensors", network, card)
    other = tmp_path / "model.safetensors"
    for embedder, domain in ((Counting(other), "target"), (Counting(other), "source")):
        embed(embedder, domain)
        assert embedder.seen == IMAGES
    file = tmp_path / "out" / "vectors.parquet"
    for damaged in (b"no table", file.read_bytes()[:-200]):
        file.write_bytes(damaged)
        embed(counting := Counting())
        assert counting.seen == IMAGES


@pytest.mark.slow
@pytest.mark.parametrize("error", [KeyboardInterrupt, DatasetError])
def test_what_was_embedded_before_an_interruption_stays(error, embed, tmp_path):
    with pytest.raises(error):
        embed(Counting(stop_after=4, error=error))
    assert pq.read_table(tmp_path / "out" / "vectors.parquet").num_rows == 4
    resumed = embed(counting := Counting())
    assert (counting.seen, resumed.reused) == (IMAGES - 4, 4)
    (tmp_path / "out" / "vectors.parquet").unlink()
    np.testing.assert_array_equal(resumed.features, embed(Counting()).features)
