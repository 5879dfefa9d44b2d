"""Manifest of downloaded videos: where each came from, and its size and checksum on arrival."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from roadseg.errors import InputError
from roadseg.files import output_errors, write_text
from roadseg.inputs.documents import parse_json

MANIFEST_NAME = "manifest.jsonl"
TITLE_LENGTH = 200


@dataclass(frozen=True)
class ManifestEntry:
    """One downloaded video; one line of JSON in the manifest."""

    url: str
    """The requested address, without user name and password; videos listed inside a playlist add `#INDEX`."""
    section: str | None
    """The requested time range, `START-END` in seconds (no END: to the end); None for the whole video."""
    file: str
    """File name inside the manifest's folder."""
    extractor: str
    """yt-dlp's name of the site, for example `youtube` or `generic`."""
    id: str
    """The site's id of the video."""
    width: int
    """Width in pixels."""
    height: int
    """Height in pixels."""
    duration_seconds: float | None
    """Length in seconds; None where the container does not state it."""
    size_bytes: int
    """Size of the file in bytes."""
    sha256: str
    """SHA-256 of the file, hexadecimal."""
    fetched_at: str
    """Time when the download ended, UTC in ISO 8601."""
    title: str = ""
    """The site's title of the video, in one line of at most `TITLE_LENGTH` characters; empty if it has none."""


class Manifest:
    """The entries of `FOLDER/manifest.jsonl`, one for each pair of URL and section.

    Hold `roadseg.files.locked(folder)` while changing it: two processes at once would lose entries.

    Args:
        folder: the folder of the videos.
        on_problem: called with a notice when the last line is torn, as a process that is killed leaves it. The line
            does not count, and the next `add` removes it.

    Raises:
        InputError: another line cannot be read.
    """

    def __init__(self, folder: Path, on_problem: Callable[[str], None] = lambda notice: None) -> None:
        self.folder = folder
        self.path = folder / MANIFEST_NAME
        self._on_problem = on_problem
        self._complete = True
        """True if the file ends with a whole line, so that another can be appended."""
        self._entries = {(entry.url, entry.section): entry for entry in self._read()}

    def _read(self) -> list[ManifestEntry]:
        if not self.path.exists():
            return []
        *lines, rest = self.path.read_text(encoding="utf-8", errors="replace").split("\n")
        self._complete = not rest
        entries = [self._parse(number, line) for number, line in enumerate(lines, start=1)]
        if rest:
            try:
                entries.append(self._parse(len(lines) + 1, rest))
            except InputError:
                self._on_problem(f"{self.path}: the last line is torn and does not count; its video is fetched again")
        return entries

    def _parse(self, number: int, line: str) -> ManifestEntry:
        try:
            return ManifestEntry(**parse_json(line))
        except (ValueError, TypeError) as error:
            raise InputError(
                f"{self.path}: line {number} is not a manifest entry",
                "Delete that line; the video is then fetched again.",
            ) from error

    @property
    def entries(self) -> list[ManifestEntry]:
        """All entries, oldest first."""
        return list(self._entries.values())

    def find(self, url: str, section: str | None = None) -> ManifestEntry | None:
        """Return the entry of a video if its file is present with the recorded size, else None."""
        entry = self._entries.get((url, section))
        if entry is None:
            return None
        file = self.folder / entry.file
        return entry if file.is_file() and file.stat().st_size == entry.size_bytes else None

    def add(self, entry: ManifestEntry) -> None:
        """Add an entry: append a line, or rewrite the file where it has an earlier entry of the same video."""
        key = (entry.url, entry.section)
        appends = self._complete and key not in self._entries
        self._entries.pop(key, None)
        self._entries[key] = entry
        if appends:
            with output_errors(self.path), self.path.open("a", encoding="utf-8") as file:
                file.write(_line(entry))
                file.flush()
                os.fsync(file.fileno())
        else:
            write_text(self.path, "".join(map(_line, self.entries)))
            self._complete = True


def title_of(video: Path) -> str:
    """Return the title of a video by the manifest beside it; empty where there is none that can be read."""
    try:
        entries = Manifest(video.parent).entries
    except (InputError, OSError):
        return ""
    return next((entry.title for entry in reversed(entries) if entry.file == video.name), "")


def _line(entry: ManifestEntry) -> str:
    return json.dumps(asdict(entry), allow_nan=False) + "\n"
