"""The record of downloaded videos that lies beside them: where each came from, and what it was when it arrived."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from roadseg.errors import InputError
from roadseg.files import write_text

MANIFEST_NAME = "manifest.jsonl"


@dataclass(frozen=True)
class ManifestEntry:
    """One downloaded video; a line of JSON in the manifest."""

    url: str
    """The address asked for, without user name and password; a playlist's inline videos add `#INDEX`."""
    section: str | None
    """The time range that was asked for, `START-END` in seconds (no END: to the end); None for the whole video."""
    file: str
    """File name inside the manifest's folder."""
    extractor: str
    """What yt-dlp calls the site, for example `youtube` or `generic`."""
    id: str
    """The video's name on that site, as the site gave it."""
    width: int
    """Width in pixels."""
    height: int
    """Height in pixels."""
    duration_seconds: float | None
    """Length in seconds; None where the container does not say."""
    size_bytes: int
    """Size of the file."""
    sha256: str
    """SHA-256 of the file, hexadecimal."""
    fetched_at: str
    """When the download ended: UTC, ISO 8601."""


class Manifest:
    """The entries of `FOLDER/manifest.jsonl`, one for each pair of URL and section.

    A file that is being changed by two processes would lose entries: hold `roadseg.files.locked(folder)`.

    Raises:
        InputError: a line cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / MANIFEST_NAME
        self._entries = {(entry.url, entry.section): entry for entry in self._read()}

    def _read(self) -> list[ManifestEntry]:
        if not self.path.exists():
            return []
        entries = []
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                entries.append(ManifestEntry(**json.loads(line)))
            except (ValueError, TypeError) as error:
                raise InputError(
                    f"{self.path}: line {number} is not a manifest entry",
                    "Delete the line, and the video is fetched again.",
                ) from error
        return entries

    @property
    def entries(self) -> list[ManifestEntry]:
        """All entries, oldest first."""
        return list(self._entries.values())

    def find(self, url: str, section: str | None = None) -> ManifestEntry | None:
        """The entry of a video whose file is there with the size it had; None otherwise."""
        entry = self._entries.get((url, section))
        if entry is None:
            return None
        file = self.folder / entry.file
        return entry if file.is_file() and file.stat().st_size == entry.size_bytes else None

    def add(self, entry: ManifestEntry) -> None:
        """Add an entry in place of an earlier one of the same video; the file on disk is never half a file."""
        key = (entry.url, entry.section)
        self._entries.pop(key, None)
        self._entries[key] = entry
        write_text(self.path, "".join(json.dumps(asdict(each), allow_nan=False) + "\n" for each in self.entries))
