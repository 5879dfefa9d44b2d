"""The page of a drive: its clips on one clock, in numbers and in a browser."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.placed import place_frames
from helpers.report_clips import CARS, FRAMES, PEOPLE, TheFrameSays, make_report_drive

from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.job import overlay_video
from roadseg.report.basemap import Basemap
from roadseg.report.drive_map import drive_map
from roadseg.report.overlay_results import read_drive
from roadseg.report.pages import write_drive_report
from roadseg.video.find import ClipPlace

STARTS = (0.0, 6.0, 18.0)
DRIVE = "2024-08-14_08-30-00"


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Results of three clips of six seconds, with a gap before the last."""
    folder = tmp_path_factory.mktemp("drive")
    found = []
    for number, start in enumerate(STARTS):
        video = make_report_drive(folder / f"{number}.mp4")
        overlay_video(video, TheFrameSays(), folder / "out", place=ClipPlace(DRIVE, "front", number, start))
        found.append(OverlayFiles.of(video, folder / "out"))
    return found


def moved(files, start):
    """The results with another start on the clock of the drive."""
    summary = json.loads(files.summary.read_text())
    summary["drive"]["start_s"] = start
    files.summary.write_text(json.dumps(summary))


def test_clips_lie_on_the_clock_of_the_drive_and_totals_are_sums(clips):
    drive = read_drive(clips[::-1])
    assert [(clip.start, clip.end) for clip in drive.clips] == [(0, 6), (6, 12), (18, 24)]
    assert len(drive.seconds) == 3 * FRAMES and (np.diff(drive.seconds) > 0).all()
    assert drive.seconds[2 * FRAMES] == 18 and drive.end == pytest.approx(24)
    assert drive.summary.frames == 3 * FRAMES and drive.summary.duration_seconds == pytest.approx(18)
    shares = {entry.name: entry for entry in drive.summary.classes}
    assert shares["Pedestrian"].frames == 3 * len(PEOPLE)
    assert drive.heatmaps.sum() == pytest.approx(3 * read_drive(clips[:1]).heatmaps.sum())


def test_a_drive_has_one_map_over_the_clips_that_know_where_they_were(clips):
    assert drive_map(read_drive(clips)) is None
    # 1 m a frame northward; the second clip goes on where the first ends, and the last knows nothing.
    for clip in (0, 1):
        place_frames(clips[clip].frames, (clip * FRAMES + np.arange(FRAMES)) / 110_574, np.zeros(FRAMES))
    found = drive_map(read_drive(clips))
    track = found["track"]
    assert track["runs"] == [0] and track["ends"] == [12] and len(found["places"]) == 2 * FRAMES
    assert found["y"][-1] - found["y"][0] == pytest.approx(119, rel=0.004)
    assert set(track["heading"]) == {0} and track["speed"][5] == pytest.approx(36, abs=0.1)
    street = Basemap(Path("streets.geojson"), [np.array([[-0.001, 0.0], [0.001, 0.0]])], [])
    ((west, _, east, _),) = drive_map(read_drive(clips), street)["base"]["lines"]
    assert found["base"] == {} and east - west == pytest.approx(222.6, rel=0.004)
    cars = next(measure for measure in found["measures"] if measure["name"] == "Car")
    assert np.flatnonzero(cars["values"]).tolist() == [*CARS, *(FRAMES + each for each in CARS)]


def test_an_earlier_clip_ends_where_a_later_one_begins(clips):
    moved(clips[1], 4.0)
    try:
        drive = read_drive(clips)
    finally:
        moved(clips[1], 6.0)
    assert [(clip.start, clip.end) for clip in drive.clips] == [(0, 4), (4, 10), (18, 24)]
    assert len(drive.seconds) == 40 + 2 * FRAMES and (np.diff(drive.seconds) > 0).all()
    assert drive.summary.frames == len(drive.seconds) and drive.summary.duration_seconds == pytest.approx(16)


def test_the_chart_shows_gaps_as_nothing(clips):
    page = write_drive_report(clips).read_text()
    data = json.loads(re.search(r'id="data" type="application/json">(.*?)</script>', page)[1])
    sky = next(one for one in data["classes"] if one["name"] == "Sky")["shares"]
    inside = [share for time, share in zip(data["seconds"], sky, strict=True) if 12 <= time < 18]
    assert inside == [0.5, 0] and data["seconds"] == sorted(data["seconds"])
    assert data["wall"] == 8.5 * 3600
    assert "3 clips" in page and "1 gap, 6.0 s" in page


def test_the_player_goes_on_from_clip_to_clip(clips, open_offline):
    page = open_offline(write_drive_report(clips))
    page.wait_for_function("() => video.readyState >= 2 && document.querySelector('#chart .trace')")
    shown = "() => [decodeURI(video.src).split('/').at(-1), document.getElementById('playhead-time').textContent]"

    page.locator("[data-clip='2']").click()
    page.wait_for_function("() => video.readyState >= 2 && video.src.endsWith('/2.overlay.mp4')")
    assert page.evaluate(shown) == ["2.overlay.mp4", "0:18.0"]
    # A step back leads over the gap, and playing leads to the next clip.
    page.locator("#timeline").press("ArrowLeft")
    page.wait_for_function("() => video.readyState >= 2 && video.src.endsWith('/1.overlay.mp4')")
    assert page.evaluate(shown) == ["1.overlay.mp4", "0:11.0"]
    page.locator("#timeline").press(" ")
    page.wait_for_function("() => video.src.endsWith('/2.overlay.mp4') && video.currentTime > 0.2 && !video.paused")
    assert page.locator("[aria-current='true']").inner_text() == "0:18"
    page.locator("#timeline").press(" ")
    # A moment of another clip changes the clip too.
    page.locator("[data-seek]").first.click()
    page.wait_for_function("() => video.readyState >= 2 && video.src.endsWith('/0.overlay.mp4')")
    assert page.evaluate(shown) == ["0.overlay.mp4", "0:04.0"]
