"""Videos from the web: each is probed before it counts, and a manifest says where it came from.

What a server says (a title, an id, a file name, a redirect, the names of playlist entries and stream segments) never
chooses a path. A download goes to `OUT/.partial/KEY/video`, where KEY is a hash of the address; the finished file gets
a name made of the site, its id for the video without special characters, and that hash. An interrupted download stays
under `.partial`, and the next run resumes it.
"""

import hashlib
import math
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from roadseg.errors import FetchError, InputError, VideoError
from roadseg.fetch.manifest import Manifest, ManifestEntry
from roadseg.fetch.ytdlp import LOGIN, Downloader, DownloadOptions, Info, Progress
from roadseg.files import locked, output_errors
from roadseg.video.probe import probe

Status = Literal["downloaded", "already there", "skipped", "failed"]

PARTIAL = ".partial"
"""Folder, inside the target folder, of downloads that have not ended."""

SUFFIXES = {"mov": ".mp4", "matroska": ".mkv", "mpegts": ".ts", "mpeg": ".mpg", "asf": ".wmv", "ogg": ".ogv"}
"""File name suffixes of containers, by FFmpeg's name, that are not `.NAME`."""


@dataclass(frozen=True)
class FetchRecord:
    """What became of one URL, or of one video of a playlist."""

    url: str
    """The address, without user name and password."""
    status: Status
    file: Path | None = None
    """The video, if it was downloaded or already there."""
    entry: ManifestEntry | None = None
    """Its line in the manifest."""
    cause: str = ""
    """Why it was skipped or failed, in one line."""
    remedy: str = ""
    """What to do about it, in one line."""


@dataclass(frozen=True)
class FetchReport:
    """What became of every URL, in order."""

    records: tuple[FetchRecord, ...]

    def count(self, status: Status) -> int:
        """How many videos ended as `status`."""
        return sum(record.status == status for record in self.records)


def fetch(
    urls: Iterable[str],
    out: Path,
    options: DownloadOptions | None = None,
    *,
    on_progress: Callable[[str, Progress], None] = lambda url, progress: None,
    on_record: Callable[[FetchRecord], None] = lambda record: None,
    log: Callable[[str], None] = lambda line: None,
) -> FetchReport:
    """Download videos into `out`, one after the other. A URL that fails is recorded, and the others go on.

    Args:
        urls: http(s) addresses of video files, HLS streams, or pages of the sites that yt-dlp knows.
        out: folder for the videos and their `manifest.jsonl`. What is there already is not asked for again.
        options: what to download.
        on_progress: called with the URL as bytes arrive.
        on_record: called with each record as soon as it is known.
        log: gets what yt-dlp has to say, line by line.

    Raises:
        FetchError: a section is asked for and there is no ffmpeg.
        InputError: the cookies or the manifest cannot be read.
        OutputError: `out` cannot be written to, or another process is writing there.
    """
    options = options or DownloadOptions()
    if options.section is not None and not shutil.which("ffmpeg"):
        raise FetchError(
            "only ffmpeg can download a section of a video, and it is not installed",
            "Install it (apt install ffmpeg, brew install ffmpeg), or fetch the whole video without --section.",
        )
    cookies = _read_cookies(options.cookies) if options.cookies else None
    records = []
    with locked(out):
        run = _Run(out, options.section)
        with Downloader(options, cookies, lambda progress: on_progress(run.url, progress), log) as downloader:
            for url in urls:
                for record in run.fetch(downloader, url.strip(), may_be_playlist=options.playlist):
                    records.append(record)
                    on_record(record)
    return FetchReport(tuple(records))


class _Run:
    """The state of one call of `fetch`."""

    def __init__(self, out: Path, section: tuple[float, float] | None) -> None:
        self.out = out
        self.section = (
            None
            if section is None
            else "-".join("" if math.isinf(seconds) else f"{seconds:.10g}" for seconds in section)
        )
        self.manifest = Manifest(out)
        self.url = ""
        self.playlists: set[str] = set()

    def fetch(
        self, downloader: Downloader, address: str, info: Info | None = None, *, may_be_playlist: bool
    ) -> Iterator[FetchRecord]:
        """Fetch the video, or the videos of the playlist, that `address` leads to; `info` as a playlist gave it."""
        url = self.url = _without_login(address)
        if entry := self.manifest.find(url, self.section):
            yield FetchRecord(url, "already there", self.out / entry.file, entry)
            return
        entries: list[tuple[str, Info]] = []
        try:
            if info is None:
                _require_http(url)
            found = downloader.resolve(address, info)
            if "entries" in found:
                entries = downloader.entries(url, found)
                self._require_playlist(url, len(entries), may_be_playlist)
            else:
                yield self._fetch_video(downloader, url, found)
        except FetchError as error:
            yield FetchRecord(url, "failed", cause=error.cause, remedy=error.remedy)
            return
        for each, description in entries:
            yield from self.fetch(downloader, each, description, may_be_playlist=may_be_playlist)

    def _require_playlist(self, url: str, videos: int, wanted: bool) -> None:
        if videos == 0:
            raise FetchError("it is an empty playlist", LOGIN)
        if videos > 1 and not wanted:
            raise FetchError(f"it is a playlist of {videos} videos", "Give --playlist to fetch them all.")
        if url in self.playlists:
            raise FetchError("this playlist has been fetched by this run: it may contain itself")
        self.playlists.add(url)

    def _fetch_video(self, downloader: Downloader, url: str, info: Info) -> FetchRecord:
        if info.get("is_live") or info.get("live_status") in ("is_live", "is_upcoming"):
            return FetchRecord(
                url, "skipped", cause="it is a live stream, which has no end yet", remedy="Fetch it later."
            )
        key = hashlib.sha256(f"{url}\n{self.section}".encode()).hexdigest()[:12]
        stem = f"{_safe(info, 'extractor', 20)}-{_safe(info, 'id', 60)}-{key}"
        with self._partial(key) as folder:
            file = folder / "video"
            downloader.download(info, file)
            if not file.is_file():
                return FetchRecord(url, "skipped", cause="yt-dlp delivered nothing and gave no reason")
            try:
                entry = self._accept(file, url, stem, info)
            finally:
                file.unlink(missing_ok=True)
        return FetchRecord(url, "downloaded", self.out / entry.file, entry)

    @contextmanager
    def _partial(self, key: str) -> Iterator[Path]:
        """The folder in which a download grows; it stays as long as there is something in it."""
        folder = self.out / PARTIAL / key
        with output_errors(self.out):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                yield folder
            finally:
                with suppress(OSError):  # not empty
                    folder.rmdir()
                    folder.parent.rmdir()

    def _accept(self, file: Path, url: str, stem: str, info: Info) -> ManifestEntry:
        """Probe a finished download, give it its final name and enter it into the manifest.

        Raises:
            FetchError: it is not a video.
        """
        try:
            _require_media(file)
            video = probe(file)
        except VideoError as error:
            reason = error.cause.removeprefix(f"{file}: ")
            raise FetchError(f"what the server delivered is not a video: {reason}", LOGIN) from error
        container = video.container.split(",")[0]
        final = self.out / (stem + SUFFIXES.get(container, f".{container}"))
        with file.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        with output_errors(final):
            file.replace(final)
        entry = ManifestEntry(
            url=url,
            section=self.section,
            file=final.name,
            extractor=str(info.get("extractor")),
            id=str(info.get("id")),
            width=video.width,
            height=video.height,
            duration_seconds=video.duration_seconds,
            size_bytes=final.stat().st_size,
            sha256=sha256,
            fetched_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self.manifest.add(entry)
        return entry


def _require_http(url: str) -> None:
    if not re.match("https?://", url, re.IGNORECASE):
        raise FetchError(
            "only http:// and https:// addresses are fetched",
            "A video on this machine needs no fetching: give its path to the other commands.",
        )
    try:
        parts = urlsplit(url)
        complete = bool(parts.hostname) and parts.port != 0  # a port that is no number raises
    except ValueError:
        complete = False
    if not complete:
        raise FetchError("it is not a complete address", "Expected is https://HOST/PATH.")


def _require_media(file: Path) -> None:
    """Refuse text: among the formats that FFmpeg would open are playlists, which name further files to be opened.

    Raises:
        VideoError: the file is text, or begins as a playlist does. Every video container has a zero byte early on.
    """
    with file.open("rb") as stream:
        head = stream.read(4096)
    if b"\0" not in head or re.match(rb"\s*(\xef\xbb\xbf)?(#EXTM3U|ffconcat|<|v=0)", head):
        raise VideoError(f"{file}: it is text, for example a web page or a playlist")


def _without_login(url: str) -> str:
    """The address without `USER:PASSWORD@`, which has no business in records, and without control characters."""
    printable = "".join(character for character in url if character.isprintable())
    try:
        parts = urlsplit(printable)
    except ValueError:  # an unfinished [IPv6] address, which `_require_http` refuses
        return printable
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _safe(info: Info, key: str, length: int) -> str:
    """What a server said, cut down to characters that mean nothing to any file system."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", str(info.get(key) or ""))[:length].strip("-") or "video"


def _read_cookies(path: Path) -> str:
    """The text of a cookies.txt.

    Raises:
        InputError: it is missing, or in another format than Netscape's.
    """
    remedy = "Export the browser's cookies for that site as cookies.txt (Netscape format)."
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: the cookies cannot be read ({error.strerror})", remedy) from error
    except UnicodeDecodeError:
        text = ""
    if not re.match(r"#( Netscape)? HTTP Cookie File", text):
        raise InputError(f"{path}: not a cookies.txt", remedy)
    return text
