"""Interrupted downloads, and servers whose files change in between."""

import gzip
from pathlib import Path

import pytest
from helpers.downloads import IMPATIENT, YT_DLP_SOCKETS, only, videos
from helpers.servers import Handler, Route, Site, content, folder, write_clip, write_hls

from roadseg.fetch.job import fetch_videos
from roadseg.fetch.manifest import Manifest
from roadseg.fetch.ytdlp import Progress

pytestmark = YT_DLP_SOCKETS


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
