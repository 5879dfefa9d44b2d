"""Causes and remedies of failed downloads; a failure does not affect the others."""

from pathlib import Path

from helpers.downloads import IMPATIENT, YT_DLP_SOCKETS
from helpers.servers import Site, content, page, redirect, serving, silence, status

from roadseg.fetch.job import FetchRecord, fetch_videos

pytestmark = YT_DLP_SOCKETS


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
