"""Overlays, statistics and frames of drives."""

import json
from functools import partial

import pytest
from helpers.clips import picture_times
from helpers.drive_clips import TheUpperHalfIsSky, make_drive

import roadseg
from roadseg.errors import InputError
from roadseg.jobs.overlay import overlay_videos
from roadseg.jobs.stats import stats
from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.report.pages import write_reports
from roadseg.report.stats_tables import stats_csv, stats_tables

pytestmark = pytest.mark.timeout(60)
DRIVE = "2024-08-14_08-30-00"
NAMES = ("20240814_083000", "20240814_083010")


@pytest.fixture
def card(tmp_path):
    """Clips of half a second and less, ten seconds apart, of two channels."""
    for number, name in enumerate(NAMES):
        for letter, frames in (("F", 5), ("R", 2)):
            make_drive(tmp_path / "card" / f"{name}_N{letter}.mp4", (1,) * (frames + number))
    return tmp_path / "card"


def summary(path):
    return json.loads(path.read_text())


def test_results_of_a_drive_say_where_they_belong_and_channels_never_mix(card, tmp_path):
    out, found = tmp_path / "out", roadseg.find_drives(card)
    front = overlay_videos(found.videos(), out, TheUpperHalfIsSky())
    assert [(each.drive.name, each.drive.channel, each.drive.clip, each.drive.start_s) for each in front] == [
        (DRIVE, "front", 0, 0),
        (DRIVE, "front", 1, 10),
    ]
    overlay_videos(found.videos(channel="rear"), out, TheUpperHalfIsSky())
    clip = summary(out / DRIVE / "rear" / f"{NAMES[1]}_NR.summary.json")
    assert clip["drive"] == {"name": DRIVE, "channel": "rear", "clip": 1, "start_s": 10.0}

    counted = stats([out])
    assert (counted.totals.frames, counted.channel, counted.other_channels) == (11, "front", {"rear": 2})
    assert {name: totals.frames for name, totals in counted.drives().items()} == {DRIVE: 11}
    notes = stats_tables(counted)[0].notes
    assert notes == ("Left out: 2 videos of rear; channels never mix, --channel NAME counts another.",)
    assert [table.title for table in stats_tables(counted)][1:] == ["By drive: share of the frame %"]
    assert f"\ndrive,{DRIVE},,,1.1,11," in stats_csv(counted)
    assert stats([out], channel="rear").totals.frames == 5
    with pytest.raises(InputError, match=r"no results of the channel 'front'\nThere are 2 of 'rear': give --channel\."):
        stats([out / DRIVE / "rear"])


def test_a_drive_has_one_page_and_one_joined_video(card, tmp_path):
    out, pages, found = tmp_path / "out", [], roadseg.find_drives(card)
    call = partial(overlay_videos, out=out, run=TheUpperHalfIsSky(), on_page=pages.append)
    call(found.videos(), join=True)
    page, joined = out / DRIVE / f"{DRIVE}.report.html", out / DRIVE / f"{DRIVE}.joined.overlay.mp4"
    assert pages == [page] and not list((out / DRIVE).glob("*_NF.report.html"))
    assert [float(time) for time in picture_times(joined)] == pytest.approx(
        [*(0.1 * number for number in range(5)), *(10 + 0.1 * number for number in range(6))]
    )
    call(found.videos(), join=True)
    assert pages == [page]  # nothing is new
    call(found.videos(channel="rear"))
    rear = out / DRIVE / "rear" / f"{DRIVE}.report.html"
    assert pages[1:] == [rear, out / "index.html"]
    index = pages[-1].read_text()
    assert f"{DRIVE}/rear" in index and "2 drives" in index
    assert roadseg_reports(out) == {page, rear, out / "index.html"}


def test_only_drives_can_be_joined_and_one_clip_may_go_to_a_file(card, tmp_path):
    with pytest.raises(InputError, match=r"join: there is no drive among the videos\n.*roadseg drives FOLDER"):
        overlay_videos(card, tmp_path / "out", TheUpperHalfIsSky(), join=True)
    assert not (tmp_path / "out").exists()
    pages, (video, _) = [], roadseg.find_drives(card).videos()
    overlay_videos(video, tmp_path / "clip.mp4", TheUpperHalfIsSky(), on_page=pages.append)
    assert pages == [tmp_path / "clip.report.html"] and summary(tmp_path / "clip.summary.json")["drive"]["clip"] == 0


def roadseg_reports(out):
    reports = write_reports([out])
    assert not reports.failed
    return set(reports.written)


def test_a_drive_of_two_networks_has_no_page_and_says_why(card, tmp_path):
    out, warnings, (first, second) = tmp_path / "out", [], roadseg.find_drives(card).videos()
    overlay_videos([first], out, TheUpperHalfIsSky())
    other = TheUpperHalfIsSky(CITYSCAPES_19, "other")
    overlay_videos([second], out, other, on_warning=warnings.append)
    assert len(warnings) == 1 and "has other classes than" in warnings[0]
    assert not (out / DRIVE / f"{DRIVE}.report.html").exists()


def test_rear_clips_without_a_drive_do_not_mix_either(card, tmp_path):
    overlay_videos(card, tmp_path / "out", TheUpperHalfIsSky())
    counted = stats([tmp_path / "out"])
    assert (counted.totals.frames, counted.other_channels) == (11, {"rear": 2})


def test_results_made_before_the_drive_was_known_learn_it(card, tmp_path):
    out, (video, _) = tmp_path / "out", roadseg.find_drives(card).videos()
    overlay_videos(video.path, out / DRIVE, TheUpperHalfIsSky())
    (again,) = overlay_videos([video], out, TheUpperHalfIsSky())
    assert again.skipped and again.drive.name == DRIVE
    assert summary(out / DRIVE / f"{NAMES[0]}_NF.summary.json")["drive"]["channel"] == "front"


def test_a_clip_that_is_gone_fails_alone(card, tmp_path):
    found = roadseg.find_drives(card)
    found.write(card / "drives.json")
    (card / f"{NAMES[0]}_NF.mp4").unlink()
    gone, there = overlay_videos(
        roadseg.find_drives(card / "drives.json").videos(), tmp_path / "out", TheUpperHalfIsSky()
    )
    assert "no such file" in gone.error.cause and there.drive.clip == 1


def test_frames_of_one_channel(card, tmp_path):
    found = roadseg.find_drives(card)
    extraction = roadseg.extract_frames(found.videos(channel="rear"), tmp_path / "frames", count=1, min_change=0)
    assert [video.video.name for video in extraction.videos] == [f"{name}_NR.mp4" for name in NAMES]
