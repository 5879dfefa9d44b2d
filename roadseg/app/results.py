"""Overlays that were made in this session, and the files of them that may be served."""

from pathlib import Path
from typing import Any

from roadseg.files import resolved
from roadseg.overlay.failures import Failure
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.summary import OverlaySummary
from roadseg.report.html import PLOTLY, css_colour
from roadseg.report.pages import report_path

LARGEST = 6
"""Classes that are named."""


class Results:
    """The overlays, by number; each address of a file is looked up, never made into a path."""

    def __init__(self) -> None:
        self._shown: dict[int, dict[str, Any]] = {}
        self._files: dict[int, dict[str, Path]] = {}

    def add(self, files: OverlayFiles, summary: OverlaySummary, title: str) -> int:
        """Add a finished overlay, or replace an earlier one of the same files; return its number."""
        number = next((each for each, known in self._files.items() if files.overlay in known.values()), None)
        number = number or len(self._files) + 1
        report = report_path(files)
        names = {"video": files.overlay, "table": files.frames, "summary": files.summary, "report": report}
        served = {kind: path for kind, path in names.items() if path.is_file()}
        library = files.folder / PLOTLY
        self._files[number] = {path.name: path for path in (*served.values(), library) if path.is_file()}
        shares = sorted((entry for entry in summary.classes if entry.share), key=lambda entry: -entry.share)
        colours = dict(zip(summary.label_space.classes, summary.colours, strict=False))
        self._shown[number] = {
            "number": number,
            "title": title,
            "frames": summary.frames,
            "seconds": summary.duration_seconds,
            "rate": summary.frames_per_second,
            "made": files.summary.stat().st_mtime,
            "skipped": summary.skipped,
            "notices": summary.notices,
            "folder": str(files.folder.absolute()),
            "files": {kind: path.name for kind, path in served.items()},
            "classes": [
                {"name": entry.name, "share": entry.share, "colour": css_colour(colours.get(entry.name, (128,) * 3))}
                for entry in shares[:LARGEST]
            ],
        }
        return number

    def file(self, number: int, name: str) -> Path | None:
        """Return a file of a result; None if there is none of this name, or if it now leads out of its folder."""
        path = self._files.get(number, {}).get(name)
        if path is None or not path.is_file() or resolved(path).parent != resolved(path.parent):
            return None
        return path

    def as_list(self) -> list[dict[str, Any]]:
        """Return the results for the page, the last first."""
        return [self._shown[number] for number in sorted(self._shown, reverse=True)]


def finished(results: list[OverlaySummary | Failure]) -> OverlaySummary:
    """Return the summary of one video.

    Raises:
        RoadsegError: the reason why there is none.
    """
    (result,) = results
    if isinstance(result, Failure):
        raise result.error
    return result
