"""Overlays of every track of a file, and overlays as Matroska."""

import json

import pytest
from helpers.clips import make_clip, sound_packets
from helpers.drive_clips import TheUpperHalfIsSky, make_drive

from roadseg.errors import OutputError
from roadseg.jobs.overlay import overlay_videos
from roadseg.overlay.failures import Failure
from roadseg.overlay.totals import overlay_stats
from roadseg.report.pages import write_reports

pytestmark = pytest.mark.timeout(60)


def made(out, ending):
    return sorted(path.name.removesuffix(ending) for path in out.iterdir() if path.name.endswith(ending))


def test_every_track_is_a_video_of_its_own(tmp_path):
    drives, out = tmp_path / "drives", tmp_path / "out"
    drives.mkdir()
    make_clip(drives / "both.mp4", size=(128, 96), second_size=(64, 48))
    make_drive(drives / "plain.mp4")
    front, rear, plain = overlay_videos(drives, out, TheUpperHalfIsSky(), track="all")
    assert [(each.width_px, each.job.track) for each in (front, rear, plain)] == [(128, 1), (64, 2), (64, None)]
    assert [each.title for each in (rear, plain)] == [f"{drives}/both.mp4, track 2", f"{drives}/plain.mp4"]
    assert not any("video tracks" in notice for each in (front, rear) for notice in each.notices)
    for ending in (".overlay.mp4", ".frames.parquet", ".summary.json", ".report.html"):
        assert made(out, ending) == ["both.track1", "both.track2", "plain"]
    assert (out / "index.html").read_text().count("both.track2.report.html")
    assert overlay_stats([out]).repeated == 0
    assert [each.skipped for each in overlay_videos(drives, out, TheUpperHalfIsSky(), track="all")] == [True] * 3
    assert overlay_videos(drives, out, TheUpperHalfIsSky(), track="all", shard=(2, 3))[0].job.track == 2


def test_a_track_fails_by_itself(tmp_path):
    drives, out = tmp_path / "drives", tmp_path / "out"
    drives.mkdir()
    make_clip(drives / "both.mp4", second_size=(64, 48))
    make_drive(drives / "both.track2.mp4")
    (drives / "text.mp4").write_text("no video")
    seen = overlay_videos(drives, out, TheUpperHalfIsSky(), track="all")
    failures = {each.title: each.error.cause for each in seen if isinstance(each, Failure)}
    assert set(failures) == {f"{drives}/{name}" for name in ("both.mp4, track 2", "both.track2.mp4", "text.mp4")}
    assert f"would become {out}/both.track2.overlay.mp4 too" in failures[f"{drives}/both.mp4, track 2"]
    assert made(out, ".overlay.mp4") == ["both.track1"]
    recorded = [json.loads(line) for line in (out / "failures.jsonl").read_text().splitlines()]
    assert {one["track"] for one in recorded} == {None, 2}


def test_an_overlay_as_matroska_has_the_sound_as_it_is(tmp_path, monkeypatch):
    clip, out = make_clip(tmp_path / "clip.mov", sound="pcm_s16le").path, tmp_path / "out"
    with monkeypatch.context() as patch:  # cut off when all segments are there
        patch.setattr("roadseg.overlay.parts.join_videos", lambda *_, **__: 1 / 0)
        overlay_videos(clip, out, TheUpperHalfIsSky(), container="mkv")
    (summary,) = overlay_videos(clip, out, TheUpperHalfIsSky(), container="mkv")
    assert summary.frames_resumed == summary.frames == 12
    assert not any("sound" in notice for notice in summary.notices)
    samples = [b"".join(data for data, *_ in sound_packets(path)) for path in (clip, out / "clip.overlay.mkv")]
    assert samples[0] == samples[1] != b""
    page = out / "clip.report.html"
    assert 'clip.overlay.mkv" controls' in page.read_text()
    page.unlink()
    assert write_reports([out]).written == [page]
    (again,) = overlay_videos(clip, out, TheUpperHalfIsSky(), container="mkv")
    assert again.skipped

    (refused,) = overlay_videos(clip, out, TheUpperHalfIsSky())
    assert isinstance(refused, Failure) and isinstance(refused.error, OutputError)
    assert refused.error.cause == f"{out}/clip.overlay.mkv: there already, made with another choice of --container"
    overlay_videos(clip, out, TheUpperHalfIsSky(), overwrite=True)
    assert made(out, ".overlay.mp4") == ["clip"] and not made(out, ".overlay.mkv")
