"""Models of a hub: a real server on loopback that answers as that of Hugging Face, and a cache in its layout."""

import json

import pytest
from helpers.foreign_folders import backbone
from helpers.hub import own_hub, publish, refusal
from helpers.servers import status
from helpers.tiny import toy_recipe

from roadseg.errors import FetchError, WeightsError
from roadseg.jobs.adapt import adapt
from roadseg.models.build import build_model
from roadseg.models.hub import fetched, folder_of, on_hub
from roadseg.models.weights import load_model

pytestmark = pytest.mark.extra("transformers")
NAME = "acme/mit-tiny"
PAGE = f"/api/models/{NAME}/revision/main"


@pytest.fixture(scope="module")
def mit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mit")
    backbone("mit", folder)
    return folder


@pytest.fixture
def site(tmp_path, monkeypatch):
    with own_hub(monkeypatch, tmp_path / "cache") as site:
        yield site


def test_what_is_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme" / "here").mkdir(parents=True)
    assert on_hub("acme/mit") and on_hub("acme/mit.v2@main") and not on_hub("acme/here")
    assert not any(map(on_hub, ("mit", "./mit", "../acme/mit", "/acme/mit", "acme/a/b", "acme/", "ac me/mit")))
    assert fetched("./mit") == "./mit"
    with pytest.raises(WeightsError, match="no such folder"):
        folder_of("./mit")


def test_a_model_is_downloaded_once(site, mit):
    commit = publish(site, NAME, mit, modeling_py=b"raise SystemExit", pytorch_model_bin=b"a pickle")
    said, told = [], []
    place = fetched(NAME, on_start=said.append, on_progress=lambda *state: told.append(state))
    assert place == f"{NAME}@{commit}"
    assert sorted(file.name for file in folder_of(place).iterdir()) == ["config.json", "model.safetensors"]
    total = sum(file.stat().st_size for file in mit.iterdir())
    assert told[-1] == (total, total) and said == [f"downloading {NAME} from {site.url('')}, {total / 1e6:.1f} MB"]
    before = len(site.seen)
    assert fetched(NAME) == fetched(place) == place  # also of the commit alone
    assert len(site.seen) == before


def test_an_interrupted_download_goes_on(site, mit):
    commit = publish(site, NAME, mit)
    address = f"/{NAME}/resolve/{commit}/model.safetensors"
    whole = site.routes[address]
    site.routes[address] = lambda handler: whole(handler) if handler.command == "HEAD" else status(503)(handler)
    with pytest.raises(FetchError, match="answers 503"):
        fetched(NAME)
    with pytest.raises(FetchError, match=r"not in .*cache"):
        folder_of(NAME)
    site.routes[address] = whole
    assert fetched(NAME) == f"{NAME}@{commit}"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refusal(404, "RepoNotFound"), "no such folder here, and no such model at http"),
        (refusal(403, "GatedRepo"), "only to those who agreed to its terms"),
        (refusal(404, "RevisionNotFound"), "has no such revision"),
        (status(500), "not to be downloaded .*answers 500"),
    ],
)
def test_a_refusal_has_two_lines(site, answer, said):
    site.routes[PAGE] = answer
    with pytest.raises(FetchError, match=said) as raised:
        fetched(NAME)
    assert len(str(raised.value).splitlines()) == 2


def test_without_a_connection(site, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(FetchError, match=r"HF_HUB_OFFLINE is set\)\nConnect to the internet, set HF_HOME"):
        fetched(NAME)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(FetchError, match=r"127\.0\.0\.1:9: .*refused"):
        fetched(NAME)


def test_a_model_of_pickles_is_refused(site, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    publish(site, NAME, tmp_path / "model", pytorch_model_bin=b"a pickle")
    with pytest.raises(WeightsError, match="no weights in safetensors"):
        fetched(NAME)


@pytest.mark.slow
def test_a_run_keeps_to_its_commit(site, mit, data, tmp_path):
    commit = publish(site, NAME, mit)
    recipe = toy_recipe(data, size=(64, 48), model=f"hf:{NAME}", init="imagenet", method="source-only", target="")
    run = tmp_path / "run"
    adapt(run, recipe=recipe, steps=1)
    whole = f"hf:{NAME}@{commit}"
    assert json.loads((run / "model.json").read_text()) == {"model": whole}
    assert load_model(run)[1].model == whole
    newer = tmp_path / "newer"
    newer.mkdir()
    backbone("mit", newer)
    (newer / "config.json").write_text((mit / "config.json").read_text() + "\n")
    assert publish(site, NAME, newer) != commit
    (tmp_path / "cache" / "models--acme--mit-tiny" / "refs" / "main").unlink()  # so that the hub is asked
    adapt(run, resume=True, model=f"hf:{NAME}")
    assert load_model(run)[1].model == whole
    second = tmp_path / "second"
    adapt(second, recipe=recipe, steps=1, init=str(run))
    assert load_model(second)[1].model == whole
    adapt(tmp_path / "third", recipe=recipe, steps=1)
    assert load_model(tmp_path / "third")[1].model != whole
    assert build_model(whole, 5).backbone.channels == (8, 8, 8, 8)
