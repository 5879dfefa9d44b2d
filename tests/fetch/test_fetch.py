"""Downloads from real servers on 127.0.0.1, among them some that lie, stall or hang up."""

import gzip
import hashlib
import math
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.servers import (
    Handler,
    Route,
    Site,
    content,
    encrypt_hls,
    folder,
    page,
    redirect,
    serving,
    silence,
    status,
    write_clip,
    write_hls,
)
from yt_dlp.extractor.generic import GenericIE
from yt_dlp.utils import ExtractorError, check_executable

from roadseg.errors import FetchError, InputError, OutputError
from roadseg.fetch.job import FetchRecord, FetchReport, fetch_videos
from roadseg.fetch.manifest import Manifest
from roadseg.fetch.ytdlp import Progress
from roadseg.files import locked

# yt-dlp leaves the closing of sockets to the garbage collector when a request fails.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

IMPATIENT: dict[str, Any] = {"retries": 0, "timeout_seconds": 0.5}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "er" / "videos"


def videos(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir() if not path.name.startswith(".") and path.suffix != ".jsonl")


def only(report: FetchReport) -> FetchRecord:
    (record,) = report.records
    return record


def test_a_video_arrives_whole_and_is_entered_in_the_manifest(site: Site, out: Path, clip: bytes):
    site.routes["/clip.mp4"] = content(clip)
    seen: list[Progress] = []
    report = fetch_videos([site.url("/clip.mp4")], out, on_progress=lambda url, progress: seen.append(progress))

    record = only(report)
    assert record.status == "downloaded"
    assert record.file is not None and record.file.read_bytes() == clip
    (entry,) = Manifest(out).entries
    assert entry == record.entry
    assert (entry.url, entry.file) == (site.url("/clip.mp4"), record.file.name)
    assert (entry.width, entry.height, entry.duration_seconds) == (96, 64, 2.0)
    assert (entry.size_bytes, entry.sha256) == (len(clip), hashlib.sha256(clip).hexdigest())
    assert (entry.extractor, entry.id, entry.section) == ("generic", "clip", None)
    assert entry.fetched_at.endswith("+00:00")
    assert seen[-1] == Progress(len(clip), len(clip))
    assert not (out / ".partial").exists()


def test_a_second_run_asks_the_server_for_nothing(site: Site, out: Path, clip: bytes):
    site.routes["/clip.mp4"] = content(clip)
    first = only(fetch_videos([site.url("/clip.mp4")], out))
    requests = len(site.seen)
    second = only(fetch_videos([site.url("/clip.mp4")], out))
    assert len(site.seen) == requests
    assert second == replace(first, status="already there")


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"short")])
def test_a_file_that_is_gone_or_changed_is_fetched_again(site: Site, out: Path, clip: bytes, damage):
    site.routes["/clip.mp4"] = content(clip)
    first = only(fetch_videos([site.url("/clip.mp4")], out))
    damage(first.file)
    again = only(fetch_videos([site.url("/clip.mp4")], out))
    assert again.status == "downloaded"
    assert again.file == first.file and again.file.read_bytes() == clip
    assert len(Manifest(out).entries) == 1


def test_equal_basenames_do_not_collide(site: Site, out: Path, tmp_path: Path, clip: bytes):
    other = write_clip(tmp_path / "other.mp4", seed=1).read_bytes()
    site.routes |= {"/a/clip.mp4": content(clip), "/b/clip.mp4": content(other)}
    report = fetch_videos([site.url("/a/clip.mp4"), site.url("/b/clip.mp4")], out)
    assert [record.file.read_bytes() for record in report.records if record.file] == [clip, other]


def test_a_server_without_ranges(site: Site, out: Path, clip: bytes):
    site.routes["/clip.mp4"] = content(clip, ranges=False, cut_at=30_000)
    assert only(fetch_videos([site.url("/clip.mp4")], out, **IMPATIENT)).status == "failed"
    site.routes["/clip.mp4"] = content(clip, ranges=False)
    record = only(fetch_videos([site.url("/clip.mp4")], out, **IMPATIENT))
    assert record.file is not None and record.file.read_bytes() == clip


def test_what_was_cut_off_is_resumed_where_it_stopped(site: Site, out: Path, clip: bytes):
    site.routes["/clip.mp4"] = content(clip, cut_at=30_000)
    record = only(fetch_videos([site.url("/clip.mp4")], out, **IMPATIENT))
    assert record.status == "failed"
    assert record.cause == f"the connection was lost after 30000 of {len(clip)} bytes"
    assert "resumes" in record.remedy
    assert videos(out) == []

    site.routes["/clip.mp4"] = content(clip)
    record = only(fetch_videos([site.url("/clip.mp4")], out, **IMPATIENT))
    assert record.file is not None and record.file.read_bytes() == clip
    last = site.requests("/clip.mp4")[-1]
    assert (last.range, last.sent_bytes) == ("bytes=30000-", len(clip) - 30_000)


def test_a_retry_resumes_within_the_same_run(site: Site, out: Path, clip: bytes):
    whole, cut = content(clip), content(clip, cut_at=30_000)
    site.routes["/clip.mp4"] = lambda handler: (whole if handler.headers.get("Range") else cut)(handler)
    record = only(fetch_videos([site.url("/clip.mp4")], out, retries=1))
    assert record.file is not None and record.file.read_bytes() == clip


def deaf(route: Route) -> Route:
    """A server that ignores `If-Range`."""

    def heard(handler: Handler) -> None:
        del handler.headers["If-Range"]
        route(handler)

    return heard


DATES = ("Thu, 01 Jan 2026 00:00:00 GMT", "Fri, 02 Jan 2026 00:00:00 GMT")


@pytest.mark.parametrize(
    ("server", "retries"), [(lambda route: route, 0), (deaf, 1)], ids=["If-Range, next run", "deaf, same run"]
)
@pytest.mark.parametrize(
    "versions",
    [
        ({"ETag": '"1"'}, {"ETag": '"2"'}),
        ({"ETag": 'W/"1"'}, {"ETag": 'W/"2"'}),
        ({"Last_Modified": DATES[0]}, {"Last_Modified": DATES[1]}),
        ({}, {}),
    ],
    ids=["tag", "weak tag", "date", "length"],
)
def test_two_versions_of_a_file_are_never_spliced(site: Site, out: Path, clip: bytes, versions, server, retries: int):
    old, new = versions
    changed = clip[:5000] + bytes(1000) + clip[6000:] + (b"" if old else bytes(8))
    first = content(clip, cut_at=30_000, **old)
    then = server(content(changed, **new))
    site.routes["/clip.mp4"] = lambda handler: (then if site.requests("/clip.mp4")[1:] else first)(handler)
    url = site.url("/clip.mp4")
    record = only(fetch_videos([url], out, retries=retries))
    if not retries:
        assert "connection was lost" in record.cause
        record = only(fetch_videos([url], out))
    assert record.file is not None and record.file.read_bytes() == changed, record.cause
    assert not (out / ".partial").exists()


def test_a_part_of_a_compressed_answer_is_not_continued(site: Site, out: Path, clip: bytes):
    zipped = gzip.compress(clip)
    site.routes["/clip.mp4"] = content(zipped, cut_at=30_000, Content_Encoding="gzip", ETag='"1"')
    assert only(fetch_videos([site.url("/clip.mp4")], out, **IMPATIENT)).status == "failed"
    site.routes["/clip.mp4"] = content(zipped, Content_Encoding="gzip", ETag='"1"')
    record = only(fetch_videos([site.url("/clip.mp4")], out, **IMPATIENT))
    assert record.file is not None and record.file.read_bytes() == clip


def test_another_stream_is_not_appended_to_an_unfinished_one(site: Site, out: Path, tmp_path: Path):
    hls = write_hls(tmp_path / "hls")
    site.routes |= folder(hls.parent, "/hls")
    del site.routes["/hls/index2.ts"]
    assert only(fetch_videos([site.url("/hls/index.m3u8")], out, **IMPATIENT)).status == "failed"

    write_clip(hls, seconds=4, seed=1, hls_time="2", hls_playlist_type="vod")
    site.routes |= folder(hls.parent, "/hls")
    record = only(fetch_videos([site.url("/hls/index.m3u8")], out, **IMPATIENT))
    whole = b"".join((hls.parent / f"index{number}.ts").read_bytes() for number in (0, 1))
    assert record.file is not None and record.file.read_bytes() == whole


@pytest.mark.parametrize(("fragmented_mp4", "suffix"), [(False, ".ts"), (True, ".mp4")])
def test_hls_streams(site: Site, out: Path, tmp_path: Path, fragmented_mp4: bool, suffix: str):
    playlist = write_hls(tmp_path / "hls", fragmented_mp4=fragmented_mp4)
    site.routes |= folder(playlist.parent, "/hls")
    record = only(fetch_videos([site.url("/hls/index.m3u8")], out))
    assert record.status == "downloaded", record.cause
    assert record.file is not None and record.file.suffix == suffix
    assert record.entry is not None and record.entry.duration_seconds == pytest.approx(3.0, abs=0.3)


def test_an_hls_stream_with_a_hole_is_not_a_video_and_is_completed_later(site: Site, out: Path, tmp_path: Path):
    site.routes |= folder(write_hls(tmp_path / "hls").parent, "/hls")
    last = site.routes.pop("/hls/index2.ts")
    record = only(fetch_videos([site.url("/hls/index.m3u8")], out, **IMPATIENT))
    assert (record.status, record.cause) == ("failed", "the server answered 404 Not Found")

    site.routes["/hls/index2.ts"] = last
    assert only(fetch_videos([site.url("/hls/index.m3u8")], out, **IMPATIENT)).status == "downloaded"
    assert len(site.requests("/hls/index0.ts")) == 1, "the first segment was fetched again"


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


HEIGHTS = "#EXTM3U\n" + "".join(
    f"#EXT-X-STREAM-INF:BANDWIDTH={height}000,RESOLUTION={height * 2}x{height}\n/hls{height}/index.m3u8\n"
    for height in (64, 96, 128)
)


@pytest.mark.parametrize(("limit", "chosen"), [(64, 64), (127, 96), (1080, 128)])
def test_the_best_picture_below_the_height_limit_is_taken(site: Site, out: Path, tmp_path: Path, limit, chosen):
    site.routes["/master.m3u8"] = content(HEIGHTS.encode(), "application/vnd.apple.mpegurl")
    site.routes |= folder(write_hls(tmp_path / "hls").parent, f"/hls{chosen}")
    record = only(fetch_videos([site.url("/master.m3u8")], out, **IMPATIENT, max_height=limit))
    assert record.status == "downloaded", record.cause


def test_a_height_limit_below_everything_names_the_lowest(site: Site, out: Path):
    site.routes["/master.m3u8"] = content(HEIGHTS.encode(), "application/vnd.apple.mpegurl")
    record = only(fetch_videos([site.url("/master.m3u8")], out, **IMPATIENT, max_height=48))
    assert (record.status, record.cause) == ("failed", "it has no version of at most 48 pixels in height")
    assert record.remedy == "Give --max-height 64, its lowest."


def test_a_live_stream_is_refused(site: Site, out: Path):
    live = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n/index0.ts\n"
    site.routes["/live.m3u8"] = content(live.encode(), "application/vnd.apple.mpegurl")
    record = only(fetch_videos([site.url("/live.m3u8")], out))
    assert (record.status, record.cause) == ("failed", "it is a live stream that has not ended")
    assert record.remedy


def test_a_failure_spoils_nothing_else_and_says_what_happened(site: Site, out: Path, clip: bytes):
    site.routes |= {
        "/good.mp4": content(clip),
        "/busy.mp4": status(503),
        "/secret.mp4": status(403),
        "/silent.mp4": silence,
        "/empty": page("<title>nothing here</title>"),
    }
    with serving() as closed:
        refused = closed.url("/clip.mp4")
    paths = ("/none.mp4", "/busy.mp4", "/secret.mp4", "/silent.mp4", "/empty", "/good.mp4")
    told: list[FetchRecord] = []
    report = fetch_videos([refused, *map(site.url, paths)], out, **IMPATIENT, on_record=told.append)

    assert [record.cause for record in report.records] == [
        "the connection failed: Connection refused",
        "the server answered 404 Not Found",
        "the server answered 503 Service Unavailable",
        "the server answered 403 Forbidden",
        "the server does not answer",
        "no video found on this page",
        "",
    ]
    assert "--cookies" in report.records[3].remedy
    assert all(record.remedy for record in report.records[:-1])
    assert tuple(told) == report.records
    assert (report.count("failed"), report.count("downloaded")) == (6, 1)


@pytest.mark.parametrize(
    "body",
    [
        b"this is not a video\n" * 100,
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n" + bytes(100),
        b"ffconcat version 1.0\nfile /etc/passwd\n" + bytes(100),
        b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(3000),
        bytes(5000),
    ],
    ids=["text", "playlist", "script", "picture", "zeros"],
)
def test_what_is_not_a_video_does_not_count(site: Site, out: Path, body: bytes):
    site.routes["/clip.mp4"] = content(body)
    record = only(fetch_videos([site.url("/clip.mp4")], out))
    assert record.status == "failed"
    assert record.cause.startswith("what the server delivered is not a video: ")
    assert str(out) not in record.cause
    assert not Manifest(out).entries
    assert [path.name for path in out.iterdir()] == [".lock"]


UP = "../../../../escaped"


@pytest.mark.parametrize(
    "routes",
    [
        lambda clip: {"/start": content(clip, Content_Disposition=f'attachment; filename="{UP}.mp4"')},
        lambda clip: {"/start": redirect(f"/x/{UP}.mp4"), f"/x/{UP}.mp4": content(clip), "/escaped.mp4": content(clip)},
        lambda clip: {"/start": redirect("/%2e%2e/%2e%2e%2fescaped"), "/%2e%2e/%2e%2e%2fescaped": content(clip)},
        lambda clip: {
            "/start": page(
                f'<html><head><title>{UP}</title><meta property="og:title" content="{UP}"></head>'
                f'<body><video src="/{UP}.mp4" title="{UP}"></video></body></html>'
            ),
            "/escaped.mp4": content(clip),
            f"/{UP}.mp4": content(clip),
        },
    ],
    ids=["content-disposition", "redirect", "percent-encoded", "page"],
)
def test_a_server_cannot_choose_a_path(site: Site, out: Path, tmp_path: Path, clip: bytes, routes):
    site.routes |= routes(clip)
    record = only(fetch_videos([site.url("/start")], out))
    assert record.status == "downloaded", record.cause
    assert record.file is not None and record.file.parent == out
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {(out / name).relative_to(tmp_path) for name in (".lock", "manifest.jsonl", record.file.name)}


def test_dots_in_segment_names_of_a_stream_stay_addresses(site: Site, out: Path, tmp_path: Path):
    hls = write_hls(tmp_path / "hls")
    playlist = hls.read_text().replace("index0.ts", "../../%2e%2e/index0.ts")
    site.routes |= folder(hls.parent, "/hls")
    segment = site.routes.pop("/hls/index0.ts")
    site.routes |= {
        "/hls/index.m3u8": content(playlist.encode(), "application/vnd.apple.mpegurl"),
        **dict.fromkeys(("/hls/../../%2e%2e/index0.ts", "/%2e%2e/index0.ts", "/index0.ts"), segment),
    }
    record = only(fetch_videos([site.url("/hls/index.m3u8")], out))
    assert record.status == "downloaded", record.cause
    assert videos(out) == [record.file.name if record.file else None]
    assert {path.name for path in tmp_path.iterdir()} == {"hls", "deep"}


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "data:video/mp4;base64,AAAA",
        "ftp://127.0.0.1/a",
        "/etc/passwd",
        "ytsearch:x",
        "",
    ],
)
def test_only_http_addresses_are_fetched(out: Path, url: str):
    assert only(fetch_videos([url], out)).cause == "only http:// and https:// addresses can be fetched"


@pytest.mark.parametrize("url", ["http://", "http://[::1", "https://:80/a", "http://127.0.0.1:99999/"])
def test_an_address_that_is_broken(out: Path, url: str):
    assert only(fetch_videos([url], out)).cause == "it is not a complete address"


def test_nonsense_from_a_server_is_its_failure_alone(site: Site, out: Path, clip: bytes):
    stream = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:many\n#EXTINF:1,\n/x.ts\n#EXT-X-ENDLIST\n"
    site.routes |= {
        "/stream.m3u8": content(stream, "application/vnd.apple.mpegurl"),
        "/loop": redirect("/loop"),
        "/nothing.mp4": content(b""),
        "/clip.mp4": content(clip),
    }
    report = fetch_videos(map(site.url, ("/stream.m3u8", "/loop", "/nothing.mp4", "/clip.mp4")), out, **IMPATIENT)
    assert [record.status for record in report.records] == ["failed"] * 3 + ["downloaded"]
    assert report.records[0].cause.startswith("yt-dlp cannot read what the server sent")
    assert report.records[1].cause.startswith("it redirects in a circle")
    assert report.records[2].cause == "the server sent nothing"


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


def test_a_playlist_is_fetched_only_when_asked_for(site: Site, out: Path, clip: bytes):
    site.routes |= {
        "/list": page(
            '<video src="/a/clip.mp4"></video><video src="/b/clip.mp4"></video><video src="/no.mp4"></video>'
        ),
        "/a/clip.mp4": content(clip),
        "/b/clip.mp4": content(clip),
    }
    record = only(fetch_videos([site.url("/list")], out, **IMPATIENT))
    assert (record.status, record.cause) == ("failed", "it is a playlist of 3 videos")
    assert record.remedy == "Give --playlist to fetch them all."

    whole = IMPATIENT | {"playlist": True}
    report = fetch_videos([site.url("/list")], out, **whole)
    assert [record.status for record in report.records] == ["downloaded", "downloaded", "failed"]
    assert [record.url for record in report.records] == [site.url(f"/list#{index}") for index in (1, 2, 3)]
    again = fetch_videos([site.url("/list")], out, **whole)
    assert [record.status for record in again.records] == ["already there", "already there", "failed"]
    assert len([seen for seen in site.requests("/a/clip.mp4") if seen.sent_bytes == len(clip)]) == 1


def test_a_playlist_that_contains_itself_ends(site: Site, out: Path):
    site.routes["/feed"] = content(
        b'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>'
        + b"".join(f"<item><title>{i}</title><link>{site.url('/feed')}</link></item>".encode() for i in (1, 2))
        + b"</channel></rss>",
        "application/rss+xml",
    )
    report = fetch_videos([site.url("/feed")], out, **IMPATIENT, playlist=True)
    assert [record.status for record in report.records] == ["failed", "failed"]
    assert "contain itself" in report.records[0].cause


def test_user_name_and_password_are_used_but_not_recorded(site: Site, out: Path, clip: bytes):
    def guarded(handler):
        (content(clip) if handler.headers.get("Authorization") == "Basic bWU6c2VjcmV0" else status(401))(handler)

    site.routes["/clip.mp4"] = guarded
    lines: list[str] = []
    record = only(fetch_videos([site.url("/clip.mp4").replace("://", "://me:secret@")], out, log=lines.append))
    assert record.status == "downloaded", record.cause
    assert any(site.url("/clip.mp4") in line for line in lines)
    assert not any("secret" in line for line in lines)
    assert record.url == site.url("/clip.mp4")
    assert "secret" not in Manifest(out).path.read_text()


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


def test_cookies_are_sent_and_their_file_is_left_alone(site: Site, out: Path, tmp_path: Path, clip: bytes):
    text = "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t2147483647\tpass\tsesame\n"
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(text)
    greeting = content(clip, Set_Cookie="new=1; Max-Age=1000")
    site.routes["/clip.mp4"] = lambda handler: (greeting if handler.headers["Cookie"] else status(403))(handler)
    lines: list[str] = []
    record = only(fetch_videos([site.url("/clip.mp4")], out, cookies=cookies, log=lines.append))
    assert record.status == "downloaded", record.cause
    assert cookies.read_text() == text
    assert lines and not any("sesame" in line for line in lines)


@pytest.mark.parametrize("content_of_file", [None, b"sesame=1", b"\xff\xfe"])
def test_cookies_that_cannot_be_used(out: Path, tmp_path: Path, content_of_file: bytes | None):
    cookies = tmp_path / "cookies.txt"
    if content_of_file is not None:
        cookies.write_bytes(content_of_file)
    with pytest.raises(InputError, match=r"cookies\.txt: "):
        fetch_videos(["http://127.0.0.1/"], out, cookies=cookies)


def test_a_section_without_ffmpeg_says_so(site: Site, out: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(out))
    with pytest.raises(FetchError, match="ffmpeg"):
        fetch_videos([site.url("/clip.mp4")], out, section=(1.0, math.inf))
    assert not site.seen


def test_one_process_at_a_time(out: Path):
    with locked(out), pytest.raises(OutputError, match="another roadseg process"):
        fetch_videos(["http://127.0.0.1/"], out)


def test_a_manifest_that_cannot_be_read_names_the_line(site: Site, out: Path, clip: bytes):
    site.routes["/clip.mp4"] = content(clip)
    fetch_videos([site.url("/clip.mp4")], out)
    with Manifest(out).path.open("a") as manifest:
        manifest.write('{"url": 1}\n')
    with pytest.raises(InputError, match="line 2"):
        fetch_videos([site.url("/clip.mp4")], out)


def test_an_entry_is_appended_and_a_torn_one_is_dropped_with_a_notice(site: Site, out: Path, clip: bytes):
    paths = ("/a.mp4", "/b.mp4", "/c.mp4")
    site.routes |= dict.fromkeys(paths, content(clip))
    fetch_videos(map(site.url, paths[:2]), out)
    manifest = Manifest(out).path
    file, whole = manifest.stat().st_ino, manifest.read_bytes()
    fetch_videos([site.url(paths[2])], out)
    assert manifest.stat().st_ino == file, "written anew"
    assert manifest.read_bytes().startswith(whole)

    first, second, third = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(first + second + third[:40])
    notices: list[str] = []
    report = fetch_videos(map(site.url, paths), out, on_problem=notices.append)
    assert [record.status for record in report.records] == ["already there", "already there", "downloaded"]
    assert notices == [f"{manifest}: the last line is torn and does not count; its video is fetched again"]
    assert [entry.url for entry in Manifest(out).entries] == [site.url(path) for path in paths]
    assert len(manifest.read_bytes().splitlines()) == 3

    manifest.write_bytes(manifest.read_bytes().removesuffix(b"\n"))  # an editor may do that
    notices.clear()
    (out / Manifest(out).entries[0].file).unlink()
    fetch_videos(map(site.url, paths), out, on_problem=notices.append)
    assert not notices
    assert len(Manifest(out).entries) == len(manifest.read_bytes().splitlines()) == 3


def test_an_error_of_the_caller_is_not_taken_for_a_failed_download(site: Site, out: Path, clip: bytes):
    def broken(url: str, progress: Progress) -> None:
        raise RuntimeError("bug in the caller")

    site.routes["/clip.mp4"] = content(clip)
    with pytest.raises(RuntimeError, match="bug in the caller"):
        fetch_videos([site.url("/clip.mp4")], out, on_progress=broken)


def test_an_interrupt_leaves_what_the_next_run_resumes(site: Site, out: Path, clip: bytes):
    def interrupt(url: str, progress: Progress) -> None:
        if progress.downloaded_bytes > 10_000:
            raise KeyboardInterrupt

    site.routes["/clip.mp4"] = content(clip)
    with pytest.raises(KeyboardInterrupt):
        fetch_videos([site.url("/clip.mp4")], out, on_progress=interrupt)
    assert videos(out) == []
    assert not Manifest(out).entries

    record = only(fetch_videos([site.url("/clip.mp4")], out))
    assert record.file is not None and record.file.read_bytes() == clip
    assert site.requests("/clip.mp4")[-1].range is not None
