"""Limits of yt-dlp: no other programs, plugins or protocols, and no logins in its messages."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.downloads import IMPATIENT, YT_DLP_SOCKETS, only, videos
from helpers.servers import Site, content, encrypt_hls, folder, page, redirect, write_hls
from yt_dlp.extractor.generic import GenericIE
from yt_dlp.utils import ExtractorError, check_executable

from roadseg.errors import FetchError
from roadseg.fetch.job import fetch_videos

pytestmark = YT_DLP_SOCKETS


@pytest.fixture
def spies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, first in PATH, of programs that write down how they were called; returns what they write to."""
    programs, called = tmp_path / "programs", tmp_path / "called"
    programs.mkdir()
    for name in ("ffmpeg", "ffprobe", "aria2c", "rtmpdump", "phantomjs"):
        (programs / name).write_text(
            f'#!/bin/sh\necho {name} "$@" >> "{called}"\necho {name} version 8.0\n'
            'for output in "$@"; do :; done\ncase "$output" in file:*) echo > "${output#file:}";; esac\n'
        )
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    return called


def test_an_encrypted_hls_stream_is_decrypted_here(site: Site, out: Path, tmp_path: Path, spies: Path):
    playlist = write_hls(tmp_path / "hls")
    plain = b"".join(segment.read_bytes() for segment in sorted(playlist.parent.glob("*.ts")))
    encrypt_hls(playlist)
    site.routes |= folder(playlist.parent, "/hls")
    last = site.routes.pop("/hls/index2.ts")
    record = only(fetch_videos([site.url("/hls/index.m3u8")], out, **IMPATIENT))
    assert (record.status, record.cause) == ("failed", "the server answered 404 Not Found")
    assert videos(out) == []

    site.routes["/hls/index2.ts"] = last
    record = only(fetch_videos([site.url("/hls/index.m3u8")], out, **IMPATIENT))
    assert record.status == "downloaded", record.cause
    assert record.file is not None
    assert record.file.read_bytes() == plain
    assert not spies.exists(), spies.read_text()


def test_a_stream_that_cannot_be_decrypted_here_starts_no_program(site: Site, out: Path, tmp_path: Path, spies: Path):
    playlist = write_hls(tmp_path / "hls")
    encrypt_hls(playlist, "SAMPLE-AES")
    site.routes |= folder(playlist.parent, "/hls")
    record = only(fetch_videos([site.url("/hls/index.m3u8")], out, **IMPATIENT))
    assert (record.status, record.cause) == ("failed", "it is encrypted in a way that yt-dlp cannot decrypt")
    assert record.remedy
    assert not spies.exists(), spies.read_text()


def test_a_site_that_wants_another_program_gets_none(spies: Path, out: Path, monkeypatch: pytest.MonkeyPatch):
    def starts_phantomjs(extractor: GenericIE, url: str) -> dict[str, Any]:
        assert check_executable("phantomjs", ["--version"]) is False
        raise ExtractorError("PhantomJS not found", expected=True)

    monkeypatch.setattr(GenericIE, "_real_extract", starts_phantomjs)
    record = only(fetch_videos(["http://127.0.0.1/"], out))
    assert (record.status, record.cause) == ("failed", "PhantomJS not found")
    assert not spies.exists(), spies.read_text()


def test_a_section_is_cut_by_ffmpeg_which_may_open_nothing_but_http(site: Site, out: Path, clip: bytes, spies: Path):
    site.routes["/clip.mp4"] = content(clip)
    fetch_videos([site.url("/clip.mp4")], out, section=(0.0, 1.0))
    cut = next(line for line in spies.read_text().splitlines() if " -t 1.0 " in line)
    assert "-protocol_whitelist http,https,tcp,tls,crypto,httpproxy -i http://" in cut
    assert "-loglevel quiet" in cut


def test_cookies_are_not_given_to_ffmpeg(out: Path, spies: Path):
    with pytest.raises(FetchError, match="cookies cannot be used for a section"):
        fetch_videos(["http://127.0.0.1/"], out, section=(0.0, 1.0), cookies="cookies.txt")
    assert not spies.exists()


@pytest.mark.slow
def test_plugins_of_yt_dlp_are_not_loaded(site: Site, out: Path, tmp_path: Path, clip: bytes):
    plugin = tmp_path / "home" / ".config" / "yt-dlp" / "plugins" / "spy" / "yt_dlp_plugins" / "extractor" / "spy.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    site.routes["/clip.mp4"] = content(clip)
    script = f"from roadseg.fetch.job import fetch_videos; print(fetch_videos({site.url('/clip.mp4')!r}, {str(out)!r}))"
    home = {"HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": str(tmp_path / "home" / ".config")}
    result = subprocess.run([sys.executable, "-c", script], env=os.environ | home, capture_output=True, text=True)
    assert "status='downloaded'" in result.stdout, result.stderr
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def port() -> Iterator[int]:
    """A port of 127.0.0.1 to which nothing may connect."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening.getsockname()[1]
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.parametrize(
    "elsewhere",
    ["file:///etc/passwd", "data:video/mp4;base64,AAAA", "ftp://127.0.0.1:{}/a.ts", "rtmp://127.0.0.1:{}/a"],
)
def test_a_server_cannot_lead_away_from_http(site: Site, out: Path, port: int, elsewhere: str):
    elsewhere = elsewhere.format(port)
    stream = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{elsewhere}\n#EXT-X-ENDLIST\n"
    site.routes |= {
        "/redirect": redirect(elsewhere),
        "/page": page(f'<html><body><video src="{elsewhere}"></video></body></html>'),
        "/stream.m3u8": content(stream.encode(), "application/vnd.apple.mpegurl"),
    }
    report = fetch_videos(map(site.url, ("/redirect", "/page", "/stream.m3u8")), out, **IMPATIENT)
    assert [record.status for record in report.records] == ["failed"] * 3
    assert all(record.cause and record.remedy for record in report.records)
    assert videos(out) == []


def test_headers_with_a_login_are_not_logged(out: Path, monkeypatch: pytest.MonkeyPatch):
    def tell(extractor: GenericIE, url: str) -> dict[str, Any]:
        extractor.to_screen("sent Authorization: Bearer secret\nCookie: a=secret\nHost: example.org")
        raise ExtractorError("no http://me:secret@example.org/", expected=True)

    monkeypatch.setattr(GenericIE, "_real_extract", tell)
    lines: list[str] = []
    record = only(fetch_videos(["http://127.0.0.1/"], out, log=lines.append))
    assert record.cause == "no http://example.org/"
    assert "Host: example.org" in "".join(lines)
    assert "secret" not in "".join(lines)
