"""Downloads from real servers on 127.0.0.1: what is fetched, refused and recorded."""

import hashlib
import math
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.downloads import IMPATIENT, YT_DLP_SOCKETS, only
from helpers.servers import Site, content, page, redirect, status, write_clip

from roadseg.errors import FetchError, InputError, OutputError
from roadseg.fetch.job import fetch_videos
from roadseg.fetch.manifest import Manifest
from roadseg.fetch.ytdlp import Progress
from roadseg.files import locked

pytestmark = YT_DLP_SOCKETS


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


def test_a_live_stream_is_refused(site: Site, out: Path):
    live = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n/index0.ts\n"
    site.routes["/live.m3u8"] = content(live.encode(), "application/vnd.apple.mpegurl")
    record = only(fetch_videos([site.url("/live.m3u8")], out))
    assert (record.status, record.cause) == ("failed", "it is a live stream that has not ended")
    assert record.remedy


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


def test_an_error_of_the_caller_is_not_taken_for_a_failed_download(site: Site, out: Path, clip: bytes):
    def broken(url: str, progress: Progress) -> None:
        raise RuntimeError("bug in the caller")

    site.routes["/clip.mp4"] = content(clip)
    with pytest.raises(RuntimeError, match="bug in the caller"):
        fetch_videos([site.url("/clip.mp4")], out, on_progress=broken)
