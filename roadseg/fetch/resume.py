"""Version of the file that an unfinished download belongs to: parts of two versions are never joined."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from roadseg.files import write_json
from roadseg.inputs.documents import read_json


@dataclass(frozen=True)
class Version:
    """Identity of one version of a file or stream on its server."""

    stream: str
    """The site's name of the version of the video, and a digest of the durations of its segments."""
    etag: str | None = None
    modified: str | None = None
    length: int | None = None
    """Size of the whole file in bytes."""

    @classmethod
    def of(cls, stream: str, headers: Mapping[str, str]) -> "Version":
        """Return the version that the headers of an answer state, whether it is the whole file or a part."""
        if "Content-Encoding" in headers:  # parts would be parts of what is encoded
            return cls(stream)
        total = headers.get("Content-Range", "").rpartition("/")[2] or headers.get("Content-Length", "")
        return cls(stream, headers.get("ETag"), headers.get("Last-Modified"), int(total) if total.isdecimal() else None)

    @property
    def known(self) -> bool:
        """True if another version would be recognised; one of the same length only by the server's tag or date."""
        return (self.etag or self.modified or self.length) is not None

    @property
    def condition(self) -> str | None:
        """Value of `If-Range`, which takes no weak tags (RFC 9110, section 13.1.5); None if there is none."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


class Remains:
    """Partial download that an earlier call left beside `target`, and its version in `target.version`."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = target.with_name(f"{target.name}.version")
        self._part = target.with_name(f"{target.name}.part")

    def read(self) -> Version | None:
        """Return the version of what is there; None if it is not known."""
        try:
            return Version(**read_json(self._path))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, version: Version) -> None:
        """Keep the version of what is about to be written."""
        if version != self.read():
            write_json(self._path, asdict(version))

    def prepare(self, stream: str, *, whole_file: bool) -> None:
        """Delete what the download of `stream` cannot continue, and keep the rest.

        Args:
            stream: see `Version`.
            whole_file: False for a stream, of which whole segments are kept.
        """
        version = self.read()
        goes_on = version is not None and version.stream == stream
        if whole_file and version is not None and self._part.is_file():
            goes_on = goes_on and version.known and self._part.stat().st_size < (version.length or math.inf)
        for path in self._target.parent.glob(f"{self._target.name}*"):
            if not goes_on or "-Frag" in path.name:
                path.unlink()
        if not whole_file:
            self.write(Version(stream))

    def delete(self) -> None:
        """Delete the version; the download has ended."""
        self._path.unlink(missing_ok=True)
