"""A hub of models on 127.0.0.1, which answers as that of Hugging Face does."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.servers import Route, Site, content, serving

JSON = "application/json"


def publish(site: Site, name: str, folder: Path, revisions: tuple[str, ...] = ("main",), **others: bytes) -> str:
    """Put the files of a folder, and others by name with _ for the dot, on a hub; return the hash of the commit."""
    files = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
    files |= {given.replace("_", "."): body for given, body in others.items()}
    digests = {file: hashlib.sha1(body).hexdigest() for file, body in files.items()}
    commit = hashlib.sha1(json.dumps(digests).encode()).hexdigest()
    tree = [{"type": "file", "path": file, "size": len(files[file]), "oid": digests[file]} for file in files]
    about = {"id": name, "modelId": name, "sha": commit, "siblings": [{"rfilename": file} for file in files]}
    for revision in (*revisions, commit):
        site.routes[f"/api/models/{name}/revision/{revision}"] = content(json.dumps(about).encode(), JSON)
    site.routes[f"/api/models/{name}"] = content(json.dumps(about).encode(), JSON)
    listing = content(json.dumps(tree).encode(), JSON)
    site.routes[f"/api/models/{name}/tree/{commit}?recursive=true&expand=false"] = listing
    for file, body in files.items():
        headers = {"ETag": f'"{digests[file]}"', "X_Repo_Commit": commit}
        site.routes[f"/{name}/resolve/{commit}/{file}"] = content(body, "application/octet-stream", **headers)
    return commit


def refusal(code: int, reason: str) -> Route:
    """Answer with a status and the hub's own word for the error."""
    return lambda handler: handler.reply(code, {"X-Error-Code": reason, "Content-Length": "0"})


@contextmanager
def own_hub(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Iterator[Site]:
    """A hub that the library uses in place of the public one until the block ends, with a cache of its own."""
    from huggingface_hub import constants

    with serving() as site:
        monkeypatch.setattr(constants, "ENDPOINT", site.url(""))
        files = site.url("/{repo_id}/resolve/{revision}/{filename}")
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        yield site
