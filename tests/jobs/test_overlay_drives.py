"""Overlays, statistics and frames of drives."""

import json

import pytest
from helpers.drive_clips import TheUpperHalfIsSky, make_drive

import roadseg
from roadseg.errors import InputError
from roadseg.jobs.overlay import overlay_videos
from roadseg.jobs.stats import stats
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
