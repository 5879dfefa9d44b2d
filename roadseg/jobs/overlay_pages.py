"""Pages, and joined videos, that are written as videos and drives end."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from roadseg.errors import InputError, in_one_line
from roadseg.overlay.failures import Failure
from roadseg.overlay.files import FRAMES_SUFFIX, OverlayFiles
from roadseg.overlay.joined import join_drive, joined_path
from roadseg.overlay.summary import OverlaySummary
from roadseg.overlay.tasks import Task
from roadseg.overlay.totals import read_summary
from roadseg.video.find import Container


class _Drive(NamedTuple):
    """One channel of a drive, and the folder of its results."""

    folder: Path
    name: str
    channel: str


class Pages:
    """Writes the page of each video and of each drive when it has ended; overlays are complete without them.

    Args:
        tasks: all videos of the call.
        container: format of the overlays.
        out: folder of all results, which holds the chart library.
        join: write the joined overlays of each drive too.
        on_page: called with each page.
        on_joined: called with each joined video.
        on_warning: called with the reason why one could not be written.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        container: Container,
        out: Path,
        *,
        join: bool,
        on_page: Callable[[Path], None],
        on_joined: Callable[[Path], None],
        on_warning: Callable[[str], None],
    ) -> None:
        self._tasks = {(str(task.video), task.track): task for task in tasks}
        self._container = container
        self._out = out
        self._join = join
        self._on_page = on_page
        self._on_joined = on_joined
        self._on_warning = on_warning
        self._left = Counter(drive for task in tasks if (drive := _drive_of(task)) is not None)
        self._changed: set[_Drive] = set()
        self._written = 0

    def task(self, result: OverlaySummary | Failure) -> Task:
        """Return the task that had this result."""
        track = result.track if isinstance(result, Failure) else result.job.track
        return self._tasks.get((str(result.video), track)) or self._tasks[str(result.video), None]

    def add(self, result: OverlaySummary | Failure) -> None:
        """Write the page of a video that has ended, or of its drive if it was the last of it."""
        task = self.task(result)
        drive = _drive_of(task)
        if drive is None:
            if not isinstance(result, Failure):
                self._write_page(task.files(self._container), result)
            return
        if not isinstance(result, Failure) and not result.skipped:
            self._changed.add(drive)
        self._left[drive] -= 1
        if not self._left[drive]:
            self._end_drive(drive)

    def end(self) -> None:
        """Write the page of the whole folder if it has several videos or drives, and any page is new."""
        from roadseg.report.pages import write_index

        if not self._written:
            return
        try:
            index = write_index(self._out)
        except Exception as error:
            self._on_warning(f"no page of all videos: {in_one_line(error)}")
            return
        if index is not None:
            self._on_page(index)

    def _write_page(self, files: OverlayFiles, summary: OverlaySummary) -> None:
        from roadseg.report.pages import report_path, write_report  # late: the first frame need not wait for templates

        page = report_path(files)
        if not (page.exists() and summary.skipped):
            self._publish(page, lambda: write_report(files, self._out))

    def _end_drive(self, drive: _Drive) -> None:
        """Join the overlays of a drive, and write its page."""
        from roadseg.report.pages import drive_report_path, write_drive_report

        clips = _finished(drive)
        if not clips:
            return
        page, joined = drive_report_path(drive.folder, drive.name), joined_path(drive.folder, drive.name, clips[0])
        if self._join and (drive in self._changed or not joined.exists()):
            try:
                for notice in join_drive(clips, joined):
                    self._on_warning(f"{joined.name}: {notice}")
                self._on_joined(joined)
            except Exception as error:
                self._on_warning(f"not joined: {in_one_line(error)}")
        elif drive in self._changed:
            joined.unlink(missing_ok=True)  # it shows earlier overlays, which these have replaced
        if drive in self._changed or not page.exists():
            self._publish(page, lambda: write_drive_report(clips, self._out))

    def _publish(self, page: Path, write: Callable[[], Path]) -> None:
        try:
            write()
        except Exception as error:  # whatever it is, the overlay is there
            page.unlink(missing_ok=True)  # it shows earlier results, which these have replaced
            self._on_warning(f"no report: {in_one_line(error)}")
            return
        self._written += 1
        self._on_page(page)


def _drive_of(task: Task) -> _Drive | None:
    if task.place is None or task.overlay is not None:  # a person chose another place for this clip
        return None
    return _Drive(task.out, task.place.name, task.place.channel)


def _finished(drive: _Drive) -> list[OverlayFiles]:
    """Return the finished results of a drive, those of earlier calls too."""
    found = []
    for table in sorted(drive.folder.glob(f"*{FRAMES_SUFFIX}")):
        try:
            place = read_summary(table).drive
        except (InputError, OSError):  # not finished
            continue
        if place is not None and (place.name, place.channel) == (drive.name, drive.channel):
            found.append(OverlayFiles.of_table(table))
    return found
