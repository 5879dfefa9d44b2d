"""The only module that imports yt_dlp: it limits what yt-dlp may do and turns its errors into `FetchError`.

yt-dlp writes only to the given path, transfers over HTTP(S) only, loads no plugins, and starts no program but deno, for
YouTube, and ffmpeg, when a section is requested.
"""

import errno
import hashlib
import io
import os
import re
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPCookieProcessor, HTTPDefaultErrorHandler, HTTPErrorProcessor, OpenerDirector
from urllib.response import addinfourl

from yt_dlp import YoutubeDL
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.globals import plugin_dirs
from yt_dlp.networking import Request, RequestDirector, Response
from yt_dlp.networking._helper import add_accept_encoding_header
from yt_dlp.networking._urllib import HTTPHandler, ProxyHandler, RedirectHandler, UrllibRH
from yt_dlp.networking.exceptions import HTTPError, RequestError
from yt_dlp.postprocessor.ffmpeg import FFmpegPostProcessor
from yt_dlp.utils import ExtractorError, Popen, YoutubeDLError, unsmuggle_url

from roadseg.errors import FetchError
from roadseg.fetch.bounds import MAX_SEGMENT_BYTES, BoundedResponse, Inflated
from roadseg.fetch.explanations import LOGIN, UPDATE, YOUTUBE, causes, explained, without_secrets
from roadseg.fetch.playlists import require_bounded_dash, require_bounded_hls, with_explicit_ivs
from roadseg.fetch.resume import Remains, Version

plugin_dirs.value = []  # plugins in the home folder and in other packages are code that nobody asked for

Info = dict[str, Any]
"""yt-dlp's description of a video or playlist; everything in it comes from a server."""

PROTOCOLS = ("http", "https", "m3u8", "m3u8_native", "http_dash_segments")
"""Accepted ways of transfer: a file, an HLS stream or a DASH stream, over HTTP(S)."""

NOWHERE = str(Path(os.devnull) / "none")
"""A path that does not exist on any system."""

BLOCK_BYTES = 1 << 14
"""Bytes of a video that are read at once. When a connection breaks, those of the last block are lost."""


@dataclass(frozen=True)
class DownloadOptions:
    """Choice of the version to download, and limits of the transfer; `fetch_videos` documents each."""

    max_height: int
    playlist: bool
    section: tuple[float, float] | None
    rate_limit: float | None
    cookies: str | None
    """Text of a cookies.txt in Netscape format."""
    retries: int
    timeout_seconds: float


@dataclass(frozen=True)
class Progress:
    """Progress of the download of one video."""

    downloaded_bytes: int
    total_bytes: int | None
    """None until the server states it; an estimate for streams in segments."""


class Downloader:
    """One yt-dlp for several videos, so that connections and cookies are kept.

    Args:
        options: choice of version and limits of the transfer.
        on_progress: called as bytes arrive.
        log: receives the messages of yt-dlp, line by line.
    """

    def __init__(
        self,
        options: DownloadOptions,
        on_progress: Callable[[Progress], None],
        log: Callable[[str], None],
    ) -> None:
        self._options = options
        self._on_progress = on_progress
        self._callback_error: Exception | None = None
        self._segment = (0, 0)
        """Number of the segment that arrives, and the bytes before it."""
        self._log = _Log(log)
        self._ydl = _YoutubeDL(self._settings())

    def __enter__(self) -> "Downloader":
        return self

    def __exit__(self, *_: object) -> None:
        self._ydl.close()

    def resolve(self, url: str, info: Info | None = None) -> Info:
        """Find out what `url` leads to; nothing is downloaded.

        Args:
            url: an http(s) address.
            info: its description in a playlist, if it came from one.

        Returns:
            The description of a video, or of a playlist, which has the key `entries`.

        Raises:
            FetchError: there is no video.
        """
        with self._translated():
            if info is None:
                info = self._ydl.extract_info(url, download=False, process=False)
            while info and info.get("_type") in ("url", "url_transparent"):
                info = self._ydl.extract_info(info["url"], ie_key=info.get("ie_key"), download=False, process=False)
        if not info:
            raise FetchError("no video found there", LOGIN)
        return dict(info)

    def entries(self, url: str, playlist: Info) -> list[tuple[str, Info]]:
        """Return address and description of each video of a playlist.

        Args:
            url: address of the playlist.
            playlist: its description, as `resolve` returned it.

        Returns:
            (address, description) of each video. A video without its own address gets `url` and `#INDEX`, counted
            from 1.
        """
        with self._translated():
            found: list[Info] = [dict(entry) for entry in playlist["entries"] if entry]
        inherited: Info = {
            key: playlist[key] for key in ("extractor", "extractor_key", "webpage_url") if key in playlist
        }
        entries = []
        for index, entry in enumerate(found, start=1):
            linked = entry.get("_type") in ("url", "url_transparent")
            address = unsmuggle_url(entry["url"])[0] if linked else f"{url}#{index}"
            entries.append((address, entry if linked else inherited | entry))
        return entries

    def download(self, video: Info, target: Path) -> None:
        """Download a video, or resume its download; an unfinished download is called `target.part`.

        Args:
            video: its description, as `resolve` returned it.
            target: the file to write.

        Raises:
            FetchError: the download failed; the received part stays, and the next call resumes it.
            OSError: the disk is full, or `target` cannot be written.
        """
        self._ydl.target = target
        self._segment = (0, 0)
        with self._translated():
            self._ydl.process_ie_result(video, download=True)

    def _settings(self) -> Info:
        options = self._options
        settings: Info = {
            "logger": self._log,
            "color": {"stdout": "no_color", "stderr": "no_color"},
            "noprogress": True,
            "buffersize": BLOCK_BYTES,
            "noresizebuffer": True,
            "progress_hooks": [self._hook],
            "format": self._choose_format,
            "noplaylist": not options.playlist,
            "continuedl": True,
            "overwrites": False,
            "retries": options.retries,
            "fragment_retries": options.retries,
            "extractor_retries": options.retries,
            "retry_sleep_functions": dict.fromkeys(("http", "fragment", "extractor"), _pause),
            "skip_unavailable_fragments": False,  # a stream with holes is not the video
            "socket_timeout": options.timeout_seconds,
            "ratelimit": options.rate_limit,
            "hls_prefer_native": True,
            "ffmpeg_location": NOWHERE,
            "fixup": "never",  # needs ffmpeg; PyAV reads the files as they are
            "cachedir": False,
        }
        if options.cookies is not None:
            # A stream, not the file: yt-dlp writes cookies back to where it read them.
            settings["cookiefile"] = io.StringIO(options.cookies)
        if options.section is not None:
            start, end = options.section
            settings["ffmpeg_location"] = None  # found by its name
            settings["external_downloader_args"] = {
                "ffmpeg": ["-loglevel", "quiet"],
                "ffmpeg_i": ["-protocol_whitelist", "http,https,tcp,tls,crypto,httpproxy"],
            }
            settings["download_ranges"] = lambda *_: [{"start_time": start, "end_time": end}]
        return settings

    def _choose_format(self, context: Info) -> Iterator[Info]:
        """Choose the best version within `max_height`: yt-dlp's `bv*[height<=?H]`, but errors name the alternatives."""
        limit = self._options.max_height
        versions = [
            each for each in context["formats"] if each.get("vcodec") != "none" and each["protocol"] in PROTOCOLS
        ]
        fitting = [each for each in versions if (each.get("height") or 0) <= limit]
        if not versions:
            raise FetchError("it has no video that can be downloaded over HTTP", LOGIN)
        if not fitting:
            lowest = min(each["height"] for each in versions)
            raise FetchError(
                f"it has no version of at most {limit} pixels in height", f"Give --max-height {lowest}, its lowest."
            )
        yield fitting[-1]  # yt-dlp sorts from worst to best

    def _hook(self, state: Info) -> None:
        if state["status"] != "downloading":
            return
        total = state.get("total_bytes") or state.get("total_bytes_estimate")
        done = state.get("downloaded_bytes") or 0
        if "fragment_index" in state:
            index, before = self._segment
            if index != state["fragment_index"]:
                self._segment = state["fragment_index"], done
            elif done - before > MAX_SEGMENT_BYTES:
                raise FetchError("a segment of the stream is too large", "It cannot be downloaded.")
        try:
            self._on_progress(Progress(done, round(total) if total else None))
        except Exception as error:
            self._callback_error = error
            raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn errors into `FetchError`, but disk errors into the `OSError` that yt-dlp has wrapped.

        Sites send arbitrary data, so extractors raise arbitrary errors; none of them may end the work on other URLs.
        """
        section = self._options.section is not None
        programs = _programs.set(frozenset({"deno", "ffmpeg", "ffprobe"} if section else {"deno"}))
        ffmpeg = FFmpegPostProcessor._ffmpeg_location.set(None if section else NOWHERE)
        try:
            yield
        except FetchError:
            raise
        except Exception as error:
            if error is self._callback_error:
                raise
            chain = list(causes(error))
            if refused := next((each for each in chain if isinstance(each, _ProgramRefusedError)), None):
                raise FetchError(f"it needs another program ({refused.filename})", UPDATE) from error
            for response in (each for each in chain if isinstance(each, HTTPError)):
                response.close()
            if not any(isinstance(each, RequestError) for each in chain):
                for disk_error in (each for each in chain if isinstance(each, OSError)):
                    raise disk_error from error
            raise _explained(chain, YOUTUBE if self._log.deno_is_missing else LOGIN) from error
        finally:
            FFmpegPostProcessor._ffmpeg_location.reset(ffmpeg)
            _programs.reset(programs)


_programs: ContextVar[frozenset[str] | None] = ContextVar("programs that yt-dlp may start; None: any", default=None)
_start = Popen.__init__


class _ProgramRefusedError(FileNotFoundError):
    """yt-dlp wanted to start a program that it may not; to yt-dlp, the program is not installed."""


def _start_if_allowed(process: Popen, args: Any, *rest: Any, **keywords: Any) -> None:
    program = Path(args if isinstance(args, str) else args[0]).stem
    allowed = _programs.get()
    if allowed is not None and program not in allowed:
        raise _ProgramRefusedError(errno.ENOENT, "roadseg does not start it", program)
    _start(process, args, *rest, **keywords)


# yt-dlp starts every program by this class. Its settings cannot forbid all: phantomjs has none.
Popen.__init__ = _start_if_allowed


class _YoutubeDL(YoutubeDL):  # type: ignore[misc]
    """yt-dlp that writes only to `target`; file names that a server suggests are ignored."""

    target = Path()
    remains: Remains | None = None
    """Partial download that may be resumed, while a file is downloaded that is not in segments."""
    stream = ""

    def prepare_filename(self, *_: object, **__: object) -> str:
        return str(self.target)

    def dl(self, name: str, info: Info, *arguments: Any, **keywords: Any) -> Any:
        playlist = ""
        if info["protocol"] in ("m3u8", "m3u8_native") and "hls_media_playlist_data" not in info:
            with self.urlopen(Request(info["url"], headers=info.get("http_headers"))) as response:
                playlist = response.read().decode("utf-8", "replace")
            require_bounded_hls(playlist, response.url)
            info = info | {"url": response.url, "hls_media_playlist_data": with_explicit_ivs(playlist)}
        durations = re.findall("#EXTINF.*", playlist) or [each.get("duration") for each in info.get("fragments") or ()]
        self.stream = f"{info.get('format_id')} {hashlib.sha256(repr(durations).encode()).hexdigest()}"
        remains = Remains(self.target)
        remains.prepare(self.stream, whole_file=not durations)
        self.remains = None if durations else remains
        try:
            done = super().dl(name, info, *arguments, **keywords)
        finally:
            self.remains = None
        remains.delete()
        return done

    def urlopen(self, request: Request | str) -> Response:
        """Open an address; a part of a file only if it is of the same version as the part on disk."""
        if self.remains is None or not isinstance(request, Request):
            return super().urlopen(request)
        response = None
        if "Range" in request.headers and (version := self.remains.read()) and version.known:
            if version.condition:
                request.headers["If-Range"] = version.condition
            try:
                response = super().urlopen(request)
                if response.status == 206 and Version.of(self.stream, response.headers) != version:
                    response.close()
                    response = None
            except HTTPError as error:
                if error.status != 416:
                    raise
                error.close()
        if response is None:  # the whole file; yt-dlp sees that and begins again
            for header in ("Range", "If-Range"):
                request.headers.pop(header, None)
            response = super().urlopen(request)
        self.remains.write(Version.of(self.stream, response.headers))
        return response

    def build_request_director(self, *_: object) -> RequestDirector:
        # Handlers of other packages, where these are installed, have no limits. `requests` also changes the quoting of
        # addresses.
        return super().build_request_director([_BoundedRH])


class _BoundedRH(UrllibRH):  # type: ignore[misc]
    """Python's own HTTP client, with limits on what a server may send, and without other protocols."""

    _SUPPORTED_URL_SCHEMES = ("http", "https")

    def _create_instance(self, proxies: Any, cookiejar: Any, legacy_ssl_support: bool | None = None) -> OpenerDirector:
        opener = OpenerDirector()
        for handler in (
            ProxyHandler(proxies),
            _BoundedHandler(context=self._make_sslcontext(legacy_ssl_support=legacy_ssl_support)),
            HTTPCookieProcessor(cookiejar),
            HTTPDefaultErrorHandler(),
            HTTPErrorProcessor(),
            _HTTPRedirectHandler(),
        ):
            opener.add_handler(handler)
        opener.addheaders = []
        return opener

    def _prepare_headers(self, _: Any, headers: Any) -> None:
        add_accept_encoding_header(headers, ["gzip", "deflate"])


class _BoundedHandler(HTTPHandler):  # type: ignore[misc]
    @staticmethod
    def _make_conn_class(base: Any, request: Any) -> Any:
        connection = HTTPHandler._make_conn_class(base, request)
        return type(connection.__name__, (connection,), {"response_class": BoundedResponse})

    def http_response(self, _: Any, response: Any) -> Any:
        body = response
        for encoding in reversed(response.headers.get("Content-Encoding", "").split(",")):
            if encoding.strip().lower() in ("gzip", "x-gzip", "deflate"):
                body = Inflated(body)
        if body is response:
            return response
        decoded: Any = addinfourl(body, response.headers, response.url, response.code)
        decoded.msg = response.msg  # HTTPErrorProcessor reads it
        return decoded

    https_response = http_response


class _HTTPRedirectHandler(RedirectHandler):  # type: ignore[misc]
    def redirect_request(self, request: Any, body: Any, code: int, message: str, headers: Any, url: str) -> Any:
        if urlsplit(url).scheme not in ("http", "https"):
            raise urllib.error.HTTPError(request.full_url, code, f"{message} to {url}", headers, body)
        return super().redirect_request(request, body, code, message, headers, url)


_parse_mpd = InfoExtractor._parse_mpd_periods
_parse_m3u8 = InfoExtractor._parse_m3u8_formats_and_subtitles


def _parse_bounded_mpd(extractor: InfoExtractor, manifest: Any, *rest: Any, **keywords: Any) -> Any:
    require_bounded_dash(manifest)
    return _parse_mpd(extractor, manifest, *rest, **keywords)


def _parse_bounded_m3u8(extractor: InfoExtractor, playlist: str, *rest: Any, **keywords: Any) -> Any:
    require_bounded_hls(playlist, (rest[0] if rest else keywords.get("m3u8_url")) or "")
    return _parse_m3u8(extractor, playlist, *rest, **keywords)


InfoExtractor._parse_mpd_periods = _parse_bounded_mpd
InfoExtractor._parse_m3u8_formats_and_subtitles = _parse_bounded_m3u8
InfoExtractor._parse_ism_formats_and_subtitles = lambda *_, **__: ([], {})  # never downloaded; see PROTOCOLS


class _Log:
    """Logger for yt-dlp that passes all lines on and remembers whether YouTube needs Deno."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self.deno_is_missing = False

    def debug(self, message: str) -> None:
        self._log(without_secrets(message))

    def warning(self, message: str) -> None:
        self.deno_is_missing = self.deno_is_missing or "JavaScript runtime" in message
        self.debug(message)

    error = debug


def _pause(n: int) -> float:
    """Return the seconds to wait before retry `n`, counted from 0: 0.5, doubled each time, at most 10."""
    return min(0.5 * 2.0**n, 10.0)


def _explained(chain: list[BaseException], otherwise: str) -> FetchError:
    """Describe an error of yt-dlp in one line with a remedy; `otherwise` is the remedy of unknown errors."""
    reason = None
    if isinstance(chain[0], YoutubeDLError):
        reason = next((each.orig_msg for each in chain if isinstance(each, ExtractorError)), str(chain[0]))
    return explained(chain, reason=reason, otherwise=otherwise)
