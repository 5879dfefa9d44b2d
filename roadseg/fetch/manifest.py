"""Manifest of downloaded videos: where each came from, and its size and checksum on arrival."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from roadseg.errors import InputError
from roadseg.files import write_text

MANIFEST_NAME = "manifest.jsonl"


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


class Manifest:
    """The entries of `FOLDER/manifest.jsonl`, one for each pair of URL and section.

    Hold `roadseg.files.locked(folder)` while changing it: two processes at once would lose entries.

    Args:
        folder: the folder of the videos.

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
                    "Delete that line; the video is then fetched again.",
                ) from error
        return entries

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
        """Add an entry in place of an earlier one of the same video; the file on disk is replaced as a whole."""
        key = (entry.url, entry.section)
        self._entries.pop(key, None)
        self._entries[key] = entry
        write_text(self.path, "".join(json.dumps(asdict(each), allow_nan=False) + "\n" for each in self.entries))
