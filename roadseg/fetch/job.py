"""Download videos from the web, check each one, and record in a manifest where it came from.

Nothing that a server sends (a title, an id, a file name, a redirect, the names of playlist entries and stream segments)
ever chooses a path. A download goes to `OUT/.partial/KEY/video`, where KEY is a hash of the address. The finished file
is named after the site, the site's id of the video without special characters, and that hash. An interrupted download
stays under `.partial`, and the next call resumes it.
"""

import hashlib
import math
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from roadseg.errors import FetchError, InputError, VideoError, one_line
from roadseg.fetch.explanations import LOGIN
from roadseg.fetch.manifest import TITLE_LENGTH, Manifest, ManifestEntry
from roadseg.fetch.ytdlp import Downloader, DownloadOptions, Info, Progress
from roadseg.files import locked, output_errors, sha256
from roadseg.video.probe import probe

Status = Literal["downloaded", "already there", "failed"]

PARTIAL = ".partial"
"""Folder inside the target folder for unfinished downloads."""

SUFFIXES = {"mov": ".mp4", "matroska": ".mkv", "mpegts": ".ts", "mpeg": ".mpg", "asf": ".wmv", "ogg": ".ogv"}
"""FFmpeg's name of a container -> file extension, for containers whose extension is not `.NAME`."""


@dataclass(frozen=True)
class FetchRecord:
    """Outcome of one URL, or of one video of a playlist."""

    url: str
    """The address, without user name and password."""
    status: Status
    file: Path | None = None
    """The video on disk, if it was downloaded or already there."""
    entry: ManifestEntry | None = None
    """The video's entry in the manifest."""
    cause: str = ""
    """Reason why it failed, in one line."""
    remedy: str = ""
    """Remedy, in one line."""


@dataclass(frozen=True)
class FetchReport:
    """Outcome of every URL, in order."""

    records: tuple[FetchRecord, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """The videos on disk, whether downloaded now or already there."""
        return tuple(record.file for record in self.records if record.file)

    def count(self, status: Status) -> int:
        """Return the number of videos with this status."""
        return sum(record.status == status for record in self.records)


def fetch_videos(
    urls: str | Iterable[str],
    out: str | os.PathLike[str] = "data/videos",
    *,
    max_height: int = 1080,
    playlist: bool = False,
    section: tuple[float, float] | None = None,
    rate_limit: float | None = None,
    cookies: str | os.PathLike[str] | None = None,
    retries: int = 5,
    timeout_seconds: float = 20.0,
    on_progress: Callable[[str, Progress], None] = lambda url, progress: None,
    on_record: Callable[[FetchRecord], None] = lambda record: None,
    on_problem: Callable[[str], None] = lambda notice: None,
    log: Callable[[str], None] = lambda line: None,
) -> FetchReport:
    """Download videos into `out`, one after the other. A URL that fails is recorded, and the others continue.

        videos = fetch_videos("https://example.org/drive.mp4", "data/videos").files

    Args:
        urls: one or several http(s) addresses of video files, HLS streams, or pages of the sites that yt-dlp knows.
        out: folder for the videos and their `manifest.jsonl`. Videos that are already there are not requested again.
        max_height: largest height of the video in pixels. The best version within it is taken; where a site does not
            state heights, the best that it offers.
        playlist: True fetches all videos of a playlist; otherwise a playlist of several videos is an error.
        section: start and end in seconds, `math.inf` for the end of the video. The cut is made at the keyframes around
            them. Needs ffmpeg.
        rate_limit: highest download rate in bytes per second; None for no limit.
        cookies: a cookies.txt in Netscape format, for videos behind a login. It is read, never written.
        retries: number of times that a broken transfer is resumed before the video counts as failed.
        timeout_seconds: time to wait for a server that does not answer.
        on_progress: called with the URL and the progress of its download as bytes arrive.
        on_record: called with each record as soon as it is known.
        on_problem: called with a notice about something that was lost and does not stop the work.
        log: receives the messages of yt-dlp, line by line.

    Returns:
        One record for each URL, or for each video of a playlist, in order.

    Raises:
        FetchError: a section is requested and ffmpeg is not installed, or cookies are given too.
        InputError: the cookies or the manifest cannot be read.
        OutputError: `out` cannot be written to, or another process is writing there.
    """
    out = Path(out)
    if section is not None and cookies is not None:
        raise FetchError(
            "cookies cannot be used for a section: ffmpeg would show them in the list of processes",
            "Fetch the whole video without --section.",
        )
    if section is not None and not shutil.which("ffmpeg"):
        raise FetchError(
            "a section of a video can only be downloaded with ffmpeg, which is not installed",
            "Install it (apt install ffmpeg, brew install ffmpeg), or fetch the whole video without --section.",
        )
    options = DownloadOptions(
        max_height=max_height,
        playlist=playlist,
        section=section,
        rate_limit=rate_limit,
        retries=retries,
        timeout_seconds=timeout_seconds,
        cookies=_read_cookies(Path(cookies)) if cookies else None,
    )
    records = []
    with locked(out):
        run = _Run(out, section, on_problem)
        with Downloader(options, lambda progress: on_progress(run.url, progress), log) as downloader:
            for url in [urls] if isinstance(urls, str) else urls:
                for record in run.fetch(downloader, url.strip(), may_be_playlist=playlist):
                    records.append(record)
                    on_record(record)
    return FetchReport(tuple(records))


class _Run:
    """State of one call of `fetch_videos`."""

    def __init__(self, out: Path, section: tuple[float, float] | None, on_problem: Callable[[str], None]) -> None:
        self.out = out
        self.section = (
            None
            if section is None
            else "-".join("" if math.isinf(seconds) else f"{seconds:.10g}" for seconds in section)
        )
        self.manifest = Manifest(out, on_problem)
        self.url = ""
        self.playlists: set[str] = set()

    def fetch(
        self, downloader: Downloader, address: str, info: Info | None = None, *, may_be_playlist: bool
    ) -> Iterator[FetchRecord]:
        """Fetch the video, or the videos of the playlist, behind `address`; `info` is its description in a playlist."""
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
            raise FetchError("this playlist has already been fetched in this call: it may contain itself")
        self.playlists.add(url)

    def _fetch_video(self, downloader: Downloader, url: str, info: Info) -> FetchRecord:
        if info.get("is_live") or info.get("live_status") in ("is_live", "is_upcoming"):
            raise FetchError("it is a live stream that has not ended", "Fetch it when it has ended.")
        key = hashlib.sha256(f"{url}\n{self.section}".encode()).hexdigest()[:12]
        stem = f"{_safe(info, 'extractor', 20)}-{_safe(info, 'id', 60)}-{key}"
        with self._partial(key) as folder:
            file = folder / "video"
            downloader.download(info, file)
            if not file.is_file():
                raise FetchError("yt-dlp delivered nothing and gave no reason", LOGIN)
            try:
                entry = self._accept(file, url, stem, info)
            finally:
                file.unlink(missing_ok=True)
        return FetchRecord(url, "downloaded", self.out / entry.file, entry)

    @contextmanager
    def _partial(self, key: str) -> Iterator[Path]:
        """Provide the folder for an unfinished download; afterwards it is removed if it is empty."""
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
        digest = sha256(file)
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
            sha256=digest,
            fetched_at=datetime.now(UTC).isoformat(timespec="seconds"),
            title=one_line(str(info.get("title") or ""))[:TITLE_LENGTH],
        )
        self.manifest.add(entry)
        return entry


def _require_http(url: str) -> None:
    if not re.match("https?://", url, re.IGNORECASE):
        raise FetchError(
            "only http:// and https:// addresses can be fetched",
            "Give the path of a video on this machine directly to the other commands.",
        )
    try:
        parts = urlsplit(url)
        complete = bool(parts.hostname) and parts.port != 0  # an invalid port raises ValueError
    except ValueError:
        complete = False
    if not complete:
        raise FetchError("it is not a complete address", "Write it as https://HOST/PATH.")


def _require_media(file: Path) -> None:
    """Refuse text, because FFmpeg would open playlists, which name further files to be opened.

    Raises:
        VideoError: the file is text, or begins like a playlist. Every video container has a zero byte near its start.
    """
    with file.open("rb") as stream:
        head = stream.read(4096)
    if b"\0" not in head or re.match(rb"\s*(\xef\xbb\xbf)?(#EXTM3U|ffconcat|<|v=0)", head):
        raise VideoError(f"{file}: it is text, for example a web page or a playlist")


def _without_login(url: str) -> str:
    """Return the address without `USER:PASSWORD@`, which must not enter records, and without control characters."""
    printable = "".join(character for character in url if character.isprintable())
    try:
        parts = urlsplit(printable)
    except ValueError:  # an unfinished [IPv6] address, which `_require_http` refuses
        return printable
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _safe(info: Info, key: str, length: int) -> str:
    """Return a value that a server sent, reduced to characters that are safe in every file system."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", str(info.get(key) or ""))[:length].strip("-") or "video"


def _read_cookies(path: Path) -> str:
    """Read a cookies.txt.

    Raises:
        InputError: it is missing, or not in the Netscape format.
    """
    remedy = "Export the browser's cookies of that site as cookies.txt (Netscape format)."
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: the cookies cannot be read ({error.strerror})", remedy) from error
    except UnicodeDecodeError:
        text = ""
    if not re.match(r"#( Netscape)? HTTP Cookie File", text):
        raise InputError(f"{path}: not a cookies.txt", remedy)
    return text
