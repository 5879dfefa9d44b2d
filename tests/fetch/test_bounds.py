"""Limits on what a server sends, and how slowly."""

import gzip
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.downloads import YT_DLP_SOCKETS
from helpers.servers import Handler, Site, content, encrypt_hls, folder, page, write_hls

from roadseg.fetch import bounds, playlists, ytdlp
from roadseg.fetch.job import FetchRecord, fetch_videos

pytestmark = YT_DLP_SOCKETS


def fetched(site: Site, path: str, out: Path) -> FetchRecord:
    (record,) = fetch_videos([site.url(path)], out, retries=0, timeout_seconds=2.0).records
    return record


def endless(code: int = 200, **headers: str) -> Callable[[Handler], None]:
    """Answer with a body that never ends."""

    def route(handler: Handler) -> None:
        handler.reply(code, {"Content-Type": "text/html"} | headers)
        handler.close_connection = True
        handler.connection.settimeout(5)
        while not handler.server.closing.is_set():
            handler.wfile.write(b"<p>more</p>" * 10_000)

    return route


@pytest.mark.parametrize(
    "route",
    [
        endless(),
        endless(302, Location="/elsewhere"),
        content(gzip.compress(b"<html>" + bytes(8 << 20)), "text/html", Content_Encoding="gzip"),
        content(
            zlib.compress(b"#EXTM3U\n" + b"#\n" * (4 << 20)),
            "application/vnd.apple.mpegurl",
            Content_Encoding="deflate",
        ),
    ],
    ids=["page", "redirect", "gzip", "deflate"],
)
def test_what_is_read_whole_has_a_maximum_size(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: Callable[[Handler], None]
):
    monkeypatch.setattr(bounds, "MAX_WHOLE_BYTES", 1 << 20)
    site.routes["/start"] = route
    record = fetched(site, "/start", tmp_path / "out")
    assert record.cause == "the server sent a page or playlist larger than 1048576 bytes"
    assert record.remedy


def test_a_video_may_be_larger(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: bytes):
    monkeypatch.setattr(bounds, "MAX_WHOLE_BYTES", 10_000)
    site.routes |= {"/clip.mp4": content(clip), "/zipped.mp4": content(gzip.compress(clip), Content_Encoding="gzip")}
    for path in ("/clip.mp4", "/zipped.mp4"):
        record = fetched(site, path, tmp_path / "out")
        assert record.file is not None and record.file.read_bytes() == clip, record.cause


@pytest.mark.parametrize(
    "compress",
    [gzip.compress, zlib.compress, lambda data: zlib.compress(data, wbits=-15)],
    ids=["gzip", "deflate", "deflate without header"],
)
def test_compressed_pages_are_read(site: Site, tmp_path: Path, clip: bytes, compress: Callable[[bytes], bytes]):
    encoding = "gzip" if compress is gzip.compress else "deflate"
    html = compress(b'<html><body><video src="/clip.mp4"></video></body></html>' + b" " * 100_000)
    site.routes |= {
        "/page": content(html, "text/html", Content_Encoding=encoding),
        "/torn": content(html[:-20], "text/html", Content_Encoding=encoding),
        "/clip.mp4": content(clip),
    }
    assert fetched(site, "/page", tmp_path / "out").status == "downloaded"
    assert fetched(site, "/torn", tmp_path / "out").status == "failed"


@pytest.mark.parametrize(
    "segments",
    [
        '<SegmentTemplate media="$Number$.m4s" duration="1" timescale="1000000"/>',
        '<SegmentTemplate media="$Number%0999999999d$.m4s" duration="3600"/>',
        '<SegmentTemplate media="$Time$"><SegmentTimeline><S d="1" r="999999999"/></SegmentTimeline></SegmentTemplate>',
    ],
)
def test_a_small_manifest_of_billions_of_segments(site: Site, tmp_path: Path, segments: str):
    manifest = f"""<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT10H">
<Period><AdaptationSet mimeType="video/mp4">{segments}<Representation id="v" codecs="avc1" bandwidth="9" height="64"/>
</AdaptationSet></Period></MPD>"""
    site.routes["/x.mpd"] = content(manifest.encode(), "application/dash+xml")
    record = fetched(site, "/x.mpd", tmp_path / "out")
    assert record.cause == "its playlist describes more segments than a video has"


def test_a_playlist_of_too_many_segments(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    hls = write_hls(tmp_path / "hls")
    encrypt_hls(hls)
    site.routes |= folder(hls.parent, "/hls")
    monkeypatch.setattr(playlists, "MAX_EXPANDED_BYTES", 1000)
    record = fetched(site, "/hls/index.m3u8", tmp_path / "out")
    assert record.cause == "its playlist describes more segments than a video has"


def test_a_segment_has_a_maximum_size(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    site.routes |= folder(write_hls(tmp_path / "hls").parent, "/hls")
    monkeypatch.setattr(ytdlp, "MAX_SEGMENT_BYTES", 10_000)
    assert fetched(site, "/hls/index.m3u8", tmp_path / "out").cause == "a segment of the stream is too large"


@pytest.mark.parametrize("path", ["/clip.mp4", "/page"])
def test_a_server_that_drips_is_left_and_the_rest_is_resumed(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: bytes, path: str
):
    def dripping(handler: Handler) -> None:
        handler.reply(200, {"Content-Type": "video/mp4" if path == "/clip.mp4" else "text/html"}, clip[:30_000])
        handler.close_connection = True
        while not handler.server.closing.is_set():
            handler.wfile.write(b"x")
            time.sleep(0.02)

    monkeypatch.setattr(bounds, "WINDOW_SECONDS", 0.2)
    site.routes[path] = dripping
    record = fetched(site, path, tmp_path / "out")
    assert (record.status, record.cause) == ("failed", "the server sends less than 1000 bytes per second")
    assert "again" in record.remedy
    if path == "/clip.mp4":
        (part,) = (tmp_path / "out").rglob("video.part")
        assert part.stat().st_size > 10_000
        assert clip[:30_000].startswith(part.read_bytes())


def test_a_slow_page_is_not_too_slow(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: bytes):
    def slow(handler: Handler) -> None:
        time.sleep(0.3)
        content(clip)(handler)

    monkeypatch.setattr(bounds, "WINDOW_SECONDS", 0.2)
    site.routes |= {"/page": page('<video src="/clip.mp4"></video>'), "/clip.mp4": slow}
    assert fetched(site, "/page", tmp_path / "out").status == "downloaded"
