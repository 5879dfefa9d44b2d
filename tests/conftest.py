"""Fixtures shared by all tests."""

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images and videos, `ROADSEG_REAL_DATA` or `../shared/data`.

    Where it is missing, tests that need it skip; under CI they fail, so that a green run means they ran.
    """
    folder = Path(os.environ.get("ROADSEG_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        message = f"{folder} is missing: set ROADSEG_REAL_DATA to the folder of real images and videos"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium as the system has it; where it is missing, tests skip, or under CI fail."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        message = "no Chromium here, such as Debian's package chromium"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_offline(browser: "Browser") -> "Iterator[Callable[..., Page]]":
    """Open pages on disk; at the end nothing was complained of, and nothing came from elsewhere than their folders."""
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


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests marked `extra("package", ...)` where a package is missing."""
    for mark in item.iter_markers("extra"):
        absent = [package for package in mark.args if importlib.util.find_spec(package) is None]
        if absent:
            pytest.skip(f"{', '.join(absent)} not installed")
