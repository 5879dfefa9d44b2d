"""Parts that the tests of downloads share."""

from pathlib import Path
from typing import Any

import pytest

from roadseg.fetch.job import FetchRecord, FetchReport

YT_DLP_SOCKETS = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.usefixtures("collect_sockets"),
]
"""Marks for tests with yt-dlp, which leaves the closing of sockets to the garbage collector when a request fails."""

IMPATIENT: dict[str, Any] = {"retries": 0, "timeout_seconds": 0.5}


def videos(out: Path) -> list[str]:
    """Return the names of the files in a folder of downloads, without hidden files and the manifest."""
    return sorted(path.name for path in out.iterdir() if not path.name.startswith(".") and path.suffix != ".jsonl")


def only(report: FetchReport) -> FetchRecord:
    """Return the record of a report that has one."""
    (record,) = report.records
    return record
