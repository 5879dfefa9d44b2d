"""Fixtures and marks shared by all tests."""

import gc
import importlib.util
import os
import pickle
import shutil
import signal
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TESTS = Path(__file__).resolve().parent
REPOSITORY = TESTS.parent

# Processes that tests start import roadseg and helpers from where the tests do.
os.environ["PYTHONPATH"] = os.pathsep.join([str(REPOSITORY), str(TESTS)])

# Checks of engines are remembered from one call of the tests to the next, and not in the home folder.
os.environ["XDG_CACHE_HOME"] = str(REPOSITORY / ".pytest_cache" / "home")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it runs in the background so, and child processes inherit it: Ctrl-C would reach no test.
    signal.signal(signal.SIGINT, signal.default_int_handler)

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the processors. One thread each is quicker than as many threads as processors in every worker.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def missing(message: str) -> NoReturn:
    """Skip the test, or with CI=true fail it: there a green run means that every test ran."""
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session", autouse=True)
def few_images() -> Iterator[None]:
    """Let two images do, of each kind of rendered streets to adapt batch norm, and for a verdict without labels.

    With all of them, both take longer than the few steps of a training.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("roadseg.inference.network_segmenter.IMAGES", 2)
        patch.setattr("roadseg.jobs.adapt.JUDGED", 2)
        yield


@pytest.fixture(scope="session", autouse=True)
def textures_painted_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the processes of the tests share the textures of rendered streets.

    To paint those of a seed and a look takes seconds, so most tests render streets of the seeds 0 and 1.
    """
    from filelock import FileLock

    from roadseg.streets.textures.bank import TextureBank, texture_bank

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent

    @lru_cache(maxsize=4)
    def shared(*key: int) -> TextureBank:
        file = folder / f"textures-{'-'.join(map(str, key))}.pickle"
        with FileLock(file.with_suffix(".lock")):
            if not file.exists():
                file.write_bytes(pickle.dumps(texture_bank.__wrapped__(*key)))
            return pickle.loads(file.read_bytes())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("roadseg.streets.render.texture_bank", shared)
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images and videos, `ROADSEG_REAL_DATA` or `../shared/data`."""
    folder = Path(os.environ.get("ROADSEG_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        missing(f"{folder} is missing: set ROADSEG_REAL_DATA to the folder of real images and videos")
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy data set to train on: labelled images in `source`, and in `target` those of another domain."""
    from helpers.tiny import write_streets

    root = tmp_path_factory.mktemp("toy")
    write_streets(root / "source", 8)
    write_streets(root / "target", 8, night=True)
    return root


@pytest.fixture
def collect_sockets() -> Iterator[None]:
    """Close the sockets that yt-dlp leaves to the garbage collector within the test, where their warning is ignored."""
    gc.freeze()  # what was there before is not searched, which would take 0.2 s
    yield
    gc.collect()


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """The system's Chromium."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        missing("Chromium is not installed: apt-get install --no-install-recommends chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_offline(browser: "Browser") -> "Iterator[Callable[..., Page]]":
    """Function that opens a page on disk. At the end no page wrote to the console or loaded from outside its folder."""
    contexts, wrong = [], []

    def open_page(path: Path, **options: Any) -> "Page":
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        allowed = (f"{path.parent.as_uri()}/", "data:image/")
        page.on("request", lambda request: request.url.startswith(allowed) or wrong.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that open a browser, and put files with slow tests first: then workers end at the same time."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish() -> None:
    """Leave what was imported out of all later garbage collections: a full one takes half a second otherwise."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Apply the marks `gpu` and `extra("package", ...)` where the device or a package is missing."""
    if item.get_closest_marker("gpu"):
        from roadseg.runtime import devices

        if devices()[0].type != "cuda":
            pytest.skip("no CUDA device")
    for mark in item.iter_markers("extra"):
        absent = [package for package in mark.args if importlib.util.find_spec(package) is None]
        if absent:
            missing(f"{', '.join(absent)} not installed: make test installs every extra")
