"""Fixtures shared by all tests."""

import importlib.util
import os
from pathlib import Path

import pytest

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


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests marked `extra("package", ...)` where a package is missing, and those marked `gpu` without CUDA."""
    if item.get_closest_marker("gpu"):
        from roadseg.runtime import devices

        if devices()[0].type != "cuda":
            pytest.skip("no CUDA device")
    for mark in item.iter_markers("extra"):
        absent = [package for package in mark.args if importlib.util.find_spec(package) is None]
        if absent:
            pytest.skip(f"{', '.join(absent)} not installed")
