"""Pages beside results: for each video, for a folder with several videos, and for each training."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import as_file
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from roadseg.errors import InputError, RoadsegError
from roadseg.files import output_errors, resolved
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.totals import finished_tables, read_summary
from roadseg.report.basemap import Basemap, read_basemap
from roadseg.report.html import PLOTLY
from roadseg.report.images import jpeg, shown_size
from roadseg.report.overlay_page import IndexEntry, index_page, report_page
from roadseg.report.overlay_results import UNLABELLED_COLOUR, Results, joint_summary, read_drive, read_results
from roadseg.report.run_page import RunPage, run_page
from roadseg.report.training_page import training_page
from roadseg.training.run_folder import RunFolder
from roadseg.video.thumbnail import thumbnail

REPORT_SUFFIX = ".report.html"
INDEX = "index.html"
INDEX_WIDTH = 240
"""Width in pixels of thumbnails on the page of a folder."""


@dataclass(frozen=True)
class Reports:
    """Pages that were written, and those that could not be."""

    written: list[Path]
    failed: list[tuple[Path, RoadsegError]]
    """Result or run folder, and the reason."""
    half_done: int
    """Number of results without a summary, which get no page."""

    def as_dict(self) -> dict[str, Any]:
        """Return paths and errors for JSON."""
        return {
            "written": list(map(str, self.written)),
            "failed": [
                {"result": str(path), "cause": error.cause, "remedy": error.remedy} for path, error in self.failed
            ],
        }


def write_reports(
    folders: Sequence[str | Path],
    *,
    basemap: str | Path | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Reports:
    """Write the pages of all overlays and trainings in folders, and a page for each folder with several videos.

    An overlay or training that cannot be read is reported in the result and does not stop the others.

    Args:
        folders: folders of overlays, run folders, or folders above them.
        basemap: GeoJSON file of lines and areas that are drawn grey below the maps of videos and drives.
        on_progress: called with (pages done, pages in all).

    Returns:
        The pages written and the failures.

    Raises:
        InputError: a folder is missing, or holds neither overlays nor runs, or the background cannot be read.
        OutputError: the page of a folder cannot be written.
    """
    given = [Path(folder) for folder in folders]
    ground = read_basemap(Path(basemap)) if basemap is not None else None
    runs = find_runs(given)
    tables, half_done = finished_tables(given, required=not runs)
    pages: list[tuple[Path, Callable[[], Path]]] = [
        *((clips[0], partial(_write_page_of, clips, _top(clips[0], given), ground)) for clips in by_page(tables)),
        *((run.path, partial(write_training_page, run)) for run in runs),
    ]
    written: list[Path] = []
    failed: list[tuple[Path, RoadsegError]] = []
    for done, (path, write) in enumerate(pages, start=1):
        try:
            written.append(write())
        except RoadsegError as error:
            failed.append((path, error))
        on_progress(done, len(pages))
    if not failed:
        written += [index for index in map(write_index, given) if index is not None]
    return Reports(written, failed, half_done)


def report_path(files: OverlayFiles) -> Path:
    """Return the path of the page of a video."""
    return files.named(REPORT_SUFFIX)


def drive_report_path(folder: Path, name: str) -> Path:
    """Return the path of the page of a drive whose results are in `folder`."""
    return folder / (name + REPORT_SUFFIX)


def by_page(tables: Sequence[Path]) -> list[list[Path]]:
    """Return tables in groups that share a page: those of a drive and channel in one folder; all others alone.

    A table whose summary cannot be read stands alone.
    """
    groups: dict[tuple[Path, str, str], list[Path]] = {}
    for table in tables:
        try:
            drive = read_summary(table).drive
        except InputError:  # the page names the reason
            drive = None
        key = (table, "", "") if drive is None else (table.parent, drive.name, drive.channel)
        groups.setdefault(key, []).append(table)
    return list(groups.values())


def _write_page_of(tables: Sequence[Path], top: Path, basemap: Basemap | None) -> Path:
    clips = [OverlayFiles.of_table(table) for table in tables]
    alone = read_summary(tables[0]).drive is None
    return _write_results(read_results(clips[0]) if alone else read_drive(clips), top, basemap)


def write_drive_report(clips: Sequence[OverlayFiles], top: Path | None = None) -> Path:
    """Write the page of a drive beside the results of its clips, see `write_report`.

    Args:
        clips: finished results of all clips of one channel of the drive, in one folder.
        top: folder of the chart library: that of the results, the default, or one above it.

    Returns:
        The path of the page, DRIVE.report.html.

    Raises:
        InputError: a file is missing or cannot be read, or was written by another version, or classes differ.
        OutputError: the page cannot be written.
    """
    return _write_results(read_drive(clips), top)


def _top(table: Path, folders: Sequence[Path]) -> Path:
    """Return the folder under which a table was found."""
    return next(folder for folder in folders if table.is_relative_to(folder))


def write_report(files: OverlayFiles, top: Path | None = None) -> Path:
    """Write the page of one video beside its results, whole or not at all, and the chart library once for all of `top`.

    Args:
        files: finished results.
        top: folder of the library: that of the results, the default, or one above it.

    Returns:
        The path of the page.

    Raises:
        InputError: a file is missing or cannot be read, or was written by another version.
        OutputError: the page cannot be written.
    """
    return _write_results(read_results(files), top)


def _write_results(results: Results, top: Path | None, basemap: Basemap | None = None) -> Path:
    folder = results.files.folder
    library = (top or folder) / PLOTLY
    page = report_page(results, plotly=Path(os.path.relpath(library, folder)).as_posix(), basemap=basemap)
    path = drive_report_path(folder, results.name)
    _publish_with_plotly(path, page, library)
    return path


def write_training_page(run: RunFolder) -> Path:
    """Write the page of a training into its run folder, whole or not at all, and the chart library beside it.

    Args:
        run: a run that has begun, finished or not.

    Returns:
        The path of the page.

    Raises:
        InputError: a file is missing or cannot be read, or was written by another version.
        OutputError: the page cannot be written.
    """
    _publish_with_plotly(run.page, training_page(run), run.page.with_name(PLOTLY))
    return run.page


def write_run_page(path: Path, page: RunPage) -> None:
    """Write the page of a finished recipe, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    _publish(path, run_page(page).encode("utf-8", "replace"))


def find_runs(folders: Sequence[Path]) -> list[RunFolder]:
    """Return the runs with a log, at any depth of `folders`, each once."""
    logs = {resolved(log): log for folder in folders for log in sorted(folder.rglob(RunFolder(Path()).log.name))}
    runs = [RunFolder(log.parent) for log in logs.values()]
    return [run for run in runs if run.recipe.is_file()]


def write_index(folder: Path) -> Path | None:
    """Write the page of a folder with links to all finished results below it that have pages.

    Returns:
        The path of the page; None with fewer than two results, for which no page is written.

    Raises:
        InputError: results below it cannot be read.
        OutputError: the page cannot be written.
    """
    tables, _ = finished_tables([folder], required=False)
    entries = [entry for clips in by_page(tables) if (entry := _entry(clips, folder)) is not None]
    if len(entries) < 2:
        return None
    path = folder / INDEX
    _publish(path, index_page(entries).encode("utf-8", "replace"))
    return path


def _entry(tables: Sequence[Path], folder: Path) -> IndexEntry | None:
    """Return the line of a video or of a drive; None where it has no page."""
    files = OverlayFiles.of_table(tables[0])
    summary = joint_summary([(table, read_summary(table)) for table in tables])
    page = report_path(files) if summary.drive is None else drive_report_path(files.folder, summary.drive.name)
    if not page.exists():
        return None
    report = page.relative_to(folder)
    return IndexEntry(
        name=str(report.parent if summary.drive and report.parent != Path() else report).removesuffix(REPORT_SUFFIX),
        report=report,
        summary=summary,
        colours=(*summary.label_space.colours, UNLABELLED_COLOUR),
        thumbnail=jpeg(
            thumbnail(files.overlay, lambda ratio: shown_size(ratio, INDEX_WIDTH), rows=summary.picture_height)
        ),
    )


def _publish_with_plotly(path: Path, page: str, library: Path) -> None:
    with as_file(resources("plotly") / "package_data" / PLOTLY) as plotly:
        if not (library.exists() and library.stat().st_size == plotly.stat().st_size):
            _publish(library, plotly.read_bytes())
    _publish(path, page.encode("utf-8", "replace"))  # names of files need not be Unicode


def _publish(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; processes that write the same file do not disturb each other."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with output_errors(path):
        try:
            part.write_bytes(data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
