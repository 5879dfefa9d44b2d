"""`roadseg retrieve`, on toy streets by day and night."""

import json
import re

import cv2
import pyarrow.parquet as pq
import pytest
from helpers.tiny import write_streets

from roadseg.retrieval.embedding import NetworkEmbedder

DAY, NIGHT = 8, 9


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("streets")
    write_streets(root / "day", DAY)
    write_streets(root / "night & <b>fog", NIGHT, night=True)
    return root


@pytest.fixture
def retrieve(roadseg, run, folders, tmp_path):
    def call(*more, source="day", target="night & <b>fog", out=tmp_path / "out"):
        domains = ("--source", folders / source, "--target", folders / target)
        return roadseg("retrieve", *domains, "--run", run, "--out", out, "--device", "cpu", *more)

    return call


@pytest.mark.slow
def test_images_page_tables_and_figures(retrieve, capsys, tmp_path):
    assert retrieve("--json", "--paired", "-k", 3, "--queries", 2, "--before", "default") == 0
    record = json.loads(capsys.readouterr().out)
    out = tmp_path / "out"
    assert record == json.loads((out / "retrieval.json").read_text())
    assert record["images"] == {"source": DAY, "target": NIGHT}
    assert record["before"]["weights"] != record["after"]["weights"]
    for view in ("features", "layout"):
        found = record["after"][view]
        assert 0 <= found["cross_domain_neighbours"] <= 2.2
        assert 0 <= found["domain_classifier_accuracy"] <= 100
        assert found["source_to_target"].keys() == {"recall_at_1", "recall_at_3"}
        for direction in ("source_to_target", "target_to_source"):
            picture = cv2.imread(str(out / f"{view}.{direction}.png"))
            # Two queries with a strip before and one after: of blue and of orange frames.
            assert picture.shape[0] > 4 * 160
            assert picture.shape[1] > 4 * 240
            assert {(222, 111, 47), (18, 126, 230)} <= set(map(tuple, picture[::2, ::2].reshape(-1, 3).tolist()))

    table = pq.read_table(out / "neighbours.parquet").to_pylist()
    assert len(table) == 2 * 3 * (DAY + NIGHT)
    first = [row for row in table if (row["descriptor"], row["domain"], row["index"]) == ("layout", "target", 8)]
    assert [row["rank"] for row in first] == [1, 2, 3]
    assert first[0]["name"] == "000008"
    assert first[0]["distance"] <= first[1]["distance"]


@pytest.mark.slow
def test_the_page_carries_all_in_itself_and_names_harm_nothing(retrieve, tmp_path):
    assert retrieve("--quiet") == 0
    page = (tmp_path / "out" / "retrieval.html").read_text()
    assert "night &amp; &lt;b&gt;fog" in page
    assert "<b>fog" not in page
    assert {address[:10] for address in re.findall(r'(?:src|href)="([^"]*)', page)} == {"data:image", "data:,"}
    assert "script-src 'none'" in page
    assert "recall" not in page


@pytest.mark.slow
def test_the_same_command_embeds_nothing_again(retrieve, capsys, monkeypatch):
    assert retrieve("--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert first["run"]["reused"] == {"source": 0, "target": 0}

    def embed(*_):
        raise AssertionError("this has been embedded")

    monkeypatch.setattr(NetworkEmbedder, "embed", embed)
    assert retrieve("--json") == 0
    second = json.loads(capsys.readouterr().out)
    assert second["run"].pop("reused") == {"source": DAY, "target": NIGHT}
    first["run"].pop("reused")
    assert second == first


@pytest.mark.slow
def test_interrupted_it_keeps_what_is_done(retrieve, capsys, monkeypatch, tmp_path):
    seen, embed = [], NetworkEmbedder.embed

    def stop(embedder, images, domain):
        if sum(seen) >= 4:
            raise KeyboardInterrupt
        seen.append(len(images))
        return embed(embedder, images, domain)

    with monkeypatch.context() as patched:
        patched.setattr(NetworkEmbedder, "embed", stop)
        assert retrieve() == 130
    assert "run the same command again" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*.p*"))
    assert 4 <= sum(seen) < DAY
    assert retrieve("--json") == 0
    assert json.loads(capsys.readouterr().out)["run"]["reused"] == {"source": sum(seen), "target": 0}


@pytest.mark.slow
def test_what_cannot_be_compared_is_refused_with_a_remedy(retrieve, folders, capsys, tmp_path):
    write_streets(folders / "few", 3)
    broken = write_streets(folders / "broken", 7)
    (broken / "images" / "000004.png").write_bytes(b"nothing")
    for options, domains, code, message in (
        ((), {"source": "few"}, 1, "3 images are too few"),
        ((), {"target": "nowhere"}, 1, "no such folder"),
        ((), {"target": "broken"}, 1, "000004.png"),
        (("--limit", 4), {}, 1, "4 images are too few"),
        (("-k", 9), {}, 1, "Give --neighbours 8 or less"),
        (("-k", 0), {}, 2, "-k"),
        (("--before", tmp_path / "nowhere"), {}, 1, "no trained model"),
        ((), {"out": folders / "day" / "dataset.toml"}, 1, "choose another --out"),
    ):
        assert retrieve(*options, **domains) == code, message
        assert message.lower() in capsys.readouterr().err.lower()


@pytest.mark.slow
def test_a_limit_takes_images_from_all_over(retrieve, capsys, tmp_path):
    assert retrieve("--limit", 6, "--json") == 0
    assert json.loads(capsys.readouterr().out)["images"] == {"source": 6, "target": 6}
    (file,) = (tmp_path / "out" / "embeddings").glob("target-*.parquet")
    assert pq.read_table(file)["name"].to_pylist()[:: NIGHT - 4] == ["000000", "000008"]
