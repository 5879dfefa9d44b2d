"""HLS streams: segments, versions by height, odd segment names."""

from pathlib import Path

import pytest
from helpers.downloads import IMPATIENT, YT_DLP_SOCKETS, only, videos
from helpers.servers import Site, content, folder, write_hls

from roadseg.fetch.job import fetch_videos

pytestmark = YT_DLP_SOCKETS


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


HEIGHTS = "#EXTM3U\n" + "".join(
    f"#EXT-X-STREAM-INF:BANDWIDTH={height}000,RESOLUTION={height * 2}x{height}\n/hls{height}/index.m3u8\n"
    for height in (64, 96, 128)
)


@pytest.mark.parametrize(("limit", "chosen"), [(64, 64), (127, 96), (1080, 128)])
def test_the_best_image_below_the_height_limit_is_taken(site: Site, out: Path, tmp_path: Path, limit, chosen):
    site.routes["/master.m3u8"] = content(HEIGHTS.encode(), "application/vnd.apple.mpegurl")
    site.routes |= folder(write_hls(tmp_path / "hls").parent, f"/hls{chosen}")
    record = only(fetch_videos([site.url("/master.m3u8")], out, **IMPATIENT, max_height=limit))
    assert record.status == "downloaded", record.cause


def test_a_height_limit_below_everything_names_the_lowest(site: Site, out: Path):
    site.routes["/master.m3u8"] = content(HEIGHTS.encode(), "application/vnd.apple.mpegurl")
    record = only(fetch_videos([site.url("/master.m3u8")], out, **IMPATIENT, max_height=48))
    assert (record.status, record.cause) == ("failed", "it has no version of at most 48 pixels in height")
    assert record.remedy == "Give --max-height 64, its lowest."


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
