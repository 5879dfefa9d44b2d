"""Pages beside results: one a video, one for a folder with several videos, one a training."""

import os
from collections.abc import Sequence
from importlib.resources import as_file
from importlib.resources import files as resources
from pathlib import Path

from roadseg.errors import VideoError
from roadseg.files import output_errors
from roadseg.labels.catalogue import label_space
from roadseg.overlay.summary import OverlayFiles
from roadseg.overlay.totals import finished_tables, read_summary
from roadseg.report.images import thumbnail
from roadseg.report.overlay_page import PLOTLY, IndexEntry, index_page, report_page
from roadseg.report.overlay_results import UNLABELLED_COLOUR, read_results
from roadseg.report.training_page import training_page
from roadseg.training.run_folder import RunFolder
from roadseg.video.find import OVERLAY_SUFFIX
from roadseg.video.reader import VideoReader

REPORT_SUFFIX = ".report.html"
INDEX = "index.html"
INDEX_WIDTH = 240
"""Pixels across thumbnails in the page of a folder."""


def report_path(files: OverlayFiles) -> Path:
    """Where the page of a video is."""
    return files.overlay.with_name(files.overlay.name.removesuffix(OVERLAY_SUFFIX) + REPORT_SUFFIX)


def write_report(files: OverlayFiles) -> Path:
    """Write the page of one video beside its results, whole or not at all, and what draws its charts once a folder.

    Args:
        files: finished results.

    Returns:
        The page.

    Raises:
        InputError: a file is missing or cannot be read, or was written by another version.
        OutputError: the page cannot be written.
    """
    path = report_path(files)
    _publish_with_plotly(path, report_page(read_results(files)))
    return path


def write_training_page(run: RunFolder) -> Path:
    """Write the page of a training into its run folder, whole or not at all, and what draws its charts beside it.

    Args:
        run: begun, finished or not.

    Returns:
        The page.

    Raises:
        InputError: a file is missing or cannot be read, or was written by another version.
        OutputError: the page cannot be written.
    """
    _publish_with_plotly(run.page, training_page(run))
    return run.page


def find_runs(folders: Sequence[Path]) -> list[RunFolder]:
    """Runs that have logged something, at any depth of `folders`, each once."""
    logs = {log.resolve(): log for folder in folders for log in sorted(folder.rglob(RunFolder(Path()).log.name))}
    runs = [RunFolder(log.parent) for log in logs.values()]
    return [run for run in runs if run.recipe.is_file()]


def write_index(folder: Path) -> Path | None:
    """Write the page of a folder: all finished results below it that have pages.

    Returns:
        The page; None if there are fewer than two, of which none is made.

    Raises:
        InputError: results below it cannot be read.
        OutputError: the page cannot be written.
    """
    tables, _ = finished_tables([folder], required=False)
    entries = []
    for table in tables:
        files = OverlayFiles.of_table(table)
        if report_path(files).exists():
            entries.append(_entry(files, folder))
    if len(entries) < 2:
        return None
    path = folder / INDEX
    _publish(path, index_page(entries).encode("utf-8", "replace"))
    return path


def _entry(files: OverlayFiles, folder: Path) -> IndexEntry:
    summary = read_summary(files.frames)
    report = report_path(files).relative_to(folder)
    with VideoReader(files.overlay) as reader:
        picture = next(reader.keyframes(1), None)
        if picture is None:
            raise VideoError(f"{files.overlay}: no picture in it can be decoded", "Draw it again with --overwrite.")
        aspect_ratio = picture.width / picture.height * float(reader.info.shown_aspect_ratio)
    return IndexEntry(
        name=str(report).removesuffix(REPORT_SUFFIX),
        report=report,
        summary=summary,
        colours=(*label_space(summary.job.label_space).colours, UNLABELLED_COLOUR),
        thumbnail=thumbnail(picture, aspect_ratio, INDEX_WIDTH),
    )


def _publish_with_plotly(path: Path, page: str) -> None:
    plotly = resources("plotly") / "package_data" / PLOTLY
    beside = path.with_name(PLOTLY)
    with as_file(plotly) as library:
        if not (beside.exists() and beside.stat().st_size == library.stat().st_size):
            _publish(beside, library.read_bytes())
    _publish(path, page.encode("utf-8", "replace"))  # names of files need not be Unicode


def _publish(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; processes that write the same one do not disturb each other."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with output_errors(path):
        try:
            part.write_bytes(data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
