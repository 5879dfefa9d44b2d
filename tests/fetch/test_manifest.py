"""The manifest across calls, and with lines that are torn or wrong."""

from pathlib import Path

import pytest
from helpers.downloads import YT_DLP_SOCKETS
from helpers.servers import Site, content, page

from roadseg.errors import InputError
from roadseg.fetch.job import fetch_videos
from roadseg.fetch.manifest import Manifest, title_of

pytestmark = YT_DLP_SOCKETS


def test_a_manifest_that_cannot_be_read_names_the_line(site: Site, out: Path, clip: bytes):
    site.routes["/clip.mp4"] = content(clip)
    fetch_videos([site.url("/clip.mp4")], out)
    with Manifest(out).path.open("a") as manifest:
        manifest.write('{"url": 1}\n')
    with pytest.raises(InputError, match="line 2"):
        fetch_videos([site.url("/clip.mp4")], out)


def test_the_title_of_a_page_is_kept(site: Site, out: Path, clip: bytes):
    title = "A drive &lt;b&gt; " + "on " * 100
    site.routes |= {
        "/clip.mp4": content(clip),
        "/start": page(
            f'<html><head><title>{title}</title><meta property="og:title" content="{title}"></head>'
            '<body><video src="/clip.mp4"></video></body></html>'
        ),
    }
    (record,) = fetch_videos([site.url("/start")], out).records
    assert record.file is not None
    assert title_of(record.file) == ("A drive <b> " + "on " * 100)[:200]
    assert title_of(out / "other.mp4") == title_of(out.parent / "elsewhere.mp4") == ""
    lines = Manifest(out).path.read_text()
    Manifest(out).path.write_text(lines.replace('"title"', '"titel"'))
    assert title_of(record.file) == ""


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
