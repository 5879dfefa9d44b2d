"""Drives of folders of clips with genuine names."""

import json
import os
import sys
from datetime import UTC, datetime, timedelta

import pytest
from helpers.card import template, write_clip

import roadseg
from roadseg.drives.model import Drives
from roadseg.errors import InputError, VideoError

START = datetime(2024, 8, 14, 8, 30)


def at(seconds, form="%Y%m%d_%H%M%S"):
    return (START + timedelta(seconds=seconds)).strftime(form)


def clips(drive, channel="front"):
    return [clip.path.name for clip in drive.channels[channel]]


def test_clips_become_drives_by_time_and_channels_lie_beside_each_other(tmp_path):
    for seconds in (0, 60, 121, 1000, 1060):
        for letter in "FR":
            write_clip(tmp_path / f"{at(seconds)}_N{letter}.mp4")
    one, two = roadseg.find_drives(tmp_path).drives
    assert (one.name, one.camera, one.clock, one.start) == ("2024-08-14_08-30-00", "BlackVue", "name", START)
    assert clips(one) == [f"{at(seconds)}_NF.mp4" for seconds in (0, 60, 121)]
    assert clips(one, "rear") == [f"{at(seconds)}_NR.mp4" for seconds in (0, 60, 121)]
    # Names count whole seconds: a clip named a second late follows at once.
    assert [clip.start_s for clip in one.channels["front"]] == [0, 60, 120]
    assert one.gaps == [] and one.notices == [] and one.seconds == 180
    assert two.name == "2024-08-14_08-46-40" and two.start == START + timedelta(seconds=1000)
    assert len(roadseg.find_drives(tmp_path, gap=900).drives) == 1


def test_small_differences_between_names_and_durations_do_not_add_up(tmp_path):
    for number in range(100):
        write_clip(tmp_path / f"{at(60 * number)}_NF.mp4", 60.06)
    (drive,) = roadseg.find_drives(tmp_path).drives
    for number, clip in enumerate(drive.channels["front"]):
        assert abs(clip.start_s - 60 * number) <= 2
    assert drive.notices == []


def test_gaps_and_overlaps_are_named_once_for_all_channels(tmp_path):
    for seconds in (0, 60, 160, 210):
        for letter in "FR":
            write_clip(tmp_path / f"2024_{at(seconds, '%m%d_%H%M%S')}_{letter}.MP4")
    write_clip(tmp_path / f"2024_{at(300, '%m%d_%H%M%S')}_R.MP4")
    (drive,) = roadseg.find_drives(tmp_path).drives
    assert drive.notices == [
        "gap of 40 s after 2024_0814_083100_F.MP4",
        "overlap of 10 s after 2024_0814_083240_F.MP4",
        "gap of 30 s after 2024_0814_083330_R.MP4 (rear)",
    ]
    assert [(gap.channel, gap.after, gap.start_s, gap.seconds) for gap in drive.gaps] == [
        ("front", 1, 120, 40),
        ("front", 2, 220, -10),
        ("rear", 1, 120, 40),
        ("rear", 2, 220, -10),
        ("rear", 3, 270, 30),
    ]


def test_overlaps_that_every_clip_has_are_one_notice(tmp_path):
    for number in range(6):
        write_clip(tmp_path / f"{at(57 * number)}_NF.mp4")
    (drive,) = roadseg.find_drives(tmp_path).drives
    assert drive.notices == ["overlap of 3 s after 5 clips, the first 20240814_083000_NF.mp4"]
    assert [gap.seconds for gap in drive.gaps] == [-3] * 5


def test_broken_clips_and_copies_are_left_out_and_named(tmp_path):
    first = write_clip(tmp_path / "Normal" / f"{at(0)}_NF.mp4")
    (tmp_path / "Event").mkdir()
    (tmp_path / "Event" / first.name).write_bytes(first.read_bytes())
    (tmp_path / "Normal" / f"{at(60)}_NF.mp4").touch()
    whole = template()
    index = whole.index(b"moov") - 4
    (tmp_path / "Normal" / f"{at(120)}_NF.mp4").write_bytes(whole[:index])
    write_clip(tmp_path / "Normal" / f"{at(180)}_NF.mp4")
    found = roadseg.find_drives(tmp_path, gap=300)
    (drive,) = found.drives
    assert len(drive.channels["front"]) == 2
    assert found.all_notices() == [
        f"{at(60)}_NF.mp4: the file is empty",
        f"{at(120)}_NF.mp4: the index (moov) is missing: recording or download was cut off",
        f"{first.name}: copy of {tmp_path / 'Event' / first.name}",
        "2024-08-14_08-30-00: gap of 120 s after 20240814_083000_NF.mp4",
    ]


def test_events_that_were_recorded_whole_too_are_left_out(tmp_path):
    for number in range(3):
        name = f"{at(60 * number, '%Y%m%d-%H%M%S')}-00000{number}F.MP4"
        write_clip(tmp_path / "Normal" / f"NO{name}")
    write_clip(tmp_path / "Event" / f"EV{at(45, '%Y%m%d-%H%M%S')}-000009F.MP4", 30)
    moved = write_clip(tmp_path / "Event" / f"EV{at(180, '%Y%m%d-%H%M%S')}-000010F.MP4", 30)
    found = roadseg.find_drives(tmp_path)
    (drive,) = found.drives
    assert drive.channels["front"][3].path == moved and drive.channels["front"][3].kind == "event"
    (left_out,) = found.left_out
    assert left_out.reason == "its seconds are in NO20240814-083000-000000F.MP4 too"


def test_parking_makes_drives_of_its_own(tmp_path):
    for kind in "NP":
        write_clip(tmp_path / f"{at(60 if kind == 'P' else 0)}_{kind}F.mp4")
    names = [drive.name for drive in roadseg.find_drives(tmp_path).drives]
    assert names == ["2024-08-14_08-30-00", "2024-08-14_08-31-00_parking"]


def test_cars_in_folders_of_their_own_never_mix(tmp_path):
    for car in ("bus 17", "bus 18"):
        write_clip(tmp_path / car / "DCIM" / f"2024_{at(0, '%m%d_%H%M%S')}_F.MP4")
    names = [drive.name for drive in roadseg.find_drives(tmp_path).drives]
    assert names == ["bus_17_2024-08-14_08-30-00", "bus_18_2024-08-14_08-30-00"]


def test_chapters_follow_each_other_though_names_sort_otherwise(tmp_path):
    created = datetime(2024, 8, 14, 3, tzinfo=UTC)
    for name, seconds in (("GX010007", 500), ("GX020007", 500), ("GX040007", 100), ("GX010008", 50)):
        write_clip(tmp_path / f"{name}.MP4", seconds, created + timedelta(hours=name.endswith("8")))
    found = roadseg.find_drives(tmp_path, gap=600)
    one, two = found.drives
    assert [(clip.path.stem, clip.start_s) for clip in one.channels["front"]] == [
        ("GX010007", 0),
        ("GX020007", 500),
        ("GX040007", 1500),
    ]
    assert (one.clock, one.start) == ("container", created)
    assert clips(two) == ["GX010008.MP4"]
    assert found.notices == ["GoPro: chapter 3 of the recording of GX010007.MP4 is missing"]


def test_numbers_of_gopro_that_began_again(tmp_path):
    created = datetime(2024, 8, 14, 3, tzinfo=UTC)
    for hours, folder in enumerate(("100GOPRO", "101GOPRO")):
        write_clip(tmp_path / "DCIM" / folder / "GX010007.MP4", 500, created + timedelta(hours=hours))
    found = roadseg.find_drives(tmp_path)
    assert [drive.start for drive in found.drives] == [created, created + timedelta(hours=1)]
    assert found.left_out == []


@pytest.mark.parametrize("names", [(58, 59, 0, 1), (58, 59, 120, 121)], ids=["autumn", "spring"])
def test_clips_around_the_change_of_summer_time_follow_each_other(tmp_path, names):
    """Names go back by an hour at 02:00, or forward; containers in UTC go on."""
    for number, minutes in enumerate(names):
        created = START.replace(tzinfo=UTC) + timedelta(minutes=number - 2)
        write_clip(tmp_path / f"{at(60 * minutes)}_NF.mp4", 60, created)
    found = roadseg.find_drives(tmp_path)
    (drive,) = found.drives
    assert clips(drive) == [f"{at(60 * minutes)}_NF.mp4" for minutes in names]
    assert [clip.start_s for clip in drive.channels["front"]] == [0, 60, 120, 180] and drive.gaps == []
    assert (drive.start, drive.utc_offset_s) == (START + timedelta(minutes=58), 3600)
    assert "the clock was set by 1 h, as for summer time: 2 of 4 clips" in found.notices[0]


def test_chapters_without_a_clock_are_one_drive(tmp_path):
    for name in ("GH010007", "GH020007", "film"):
        write_clip(tmp_path / f"{name}.MP4", 10)
    found = roadseg.find_drives(tmp_path)
    assert [(drive.name, clips(drive), drive.start) for drive in found.drives] == [
        ("GH010007", ["GH010007.MP4", "GH020007.MP4"], None),
        ("film", ["film.MP4"], None),
    ]
    assert found.drives[0].channels["front"][1].recorded is None
    assert found.notices == [
        "2 drives have no clock, neither in names nor in containers: clips of one recording, or one clip"
    ]


@pytest.mark.parametrize(
    ("off", "offset", "notice"),
    [
        (-5.5 * 3600, 19800, None),
        (
            -5.5 * 3600 + 60,
            19800,
            "BlackVue: containers state the end of each clip, not its start; the times in the names count",
        ),
        (
            0,
            None,
            "BlackVue: containers state the times in the names: local time as UTC, unless the camera runs on UTC",
        ),
        (
            86400 * 400 + 444,
            None,
            "BlackVue: clocks contradict each other in 3 clips: 20240814_083000_NF.mp4, but its container says "
            "2025-09-18 08:37:24; the time in the name counts",
        ),
    ],
)
def test_times_of_containers_against_names(tmp_path, off, offset, notice):
    for seconds in (0, 60, 120):
        created = (START + timedelta(seconds=seconds + off)).replace(tzinfo=UTC)
        write_clip(tmp_path / f"{at(seconds)}_NF.mp4", 60, created)
    found = roadseg.find_drives(tmp_path)
    (drive,) = found.drives
    assert (drive.start, drive.utc_offset_s) == (START, offset)
    assert found.notices == ([notice] if notice else [])


def test_a_single_clock_that_contradicts_the_others_is_named(tmp_path):
    for seconds in (0, 60, 120):
        created = START + timedelta(seconds=seconds, hours=-8, days=-90 if seconds == 60 else 0)
        write_clip(tmp_path / f"{at(seconds)}_NF.mp4", 60, created.replace(tzinfo=UTC))
    found = roadseg.find_drives(tmp_path)
    assert found.drives[0].utc_offset_s == 8 * 3600
    assert found.notices == [
        "BlackVue: clocks contradict each other in 1 clip: 20240814_083100_NF.mp4, but its container says "
        "2024-05-16 00:31:00; the time in the name counts"
    ]


def test_containers_that_state_the_end_are_told_by_the_short_last_clip(tmp_path):
    ends = [60, 120, 180, 195]
    for number, (end, seconds) in enumerate(zip(ends, (60, 60, 60, 15), strict=True)):
        created = (START + timedelta(seconds=end)).replace(tzinfo=UTC)
        write_clip(tmp_path / f"GRMN000{number}.MP4", seconds, created)
    (drive,) = roadseg.find_drives(tmp_path).drives
    assert drive.start == START.replace(tzinfo=UTC)
    assert [clip.start_s for clip in drive.channels["front"]] == [0, 60, 120, 180]


def test_a_clock_that_was_set_back_is_named(tmp_path):
    write_clip(tmp_path / "NO20240814-083000-000041F.MP4")
    write_clip(tmp_path / "NO20180101-000010-000042F.MP4")
    found = roadseg.find_drives(tmp_path)
    assert len(found.drives) == 2
    assert found.notices == [
        "70mai: clock was set back by 2417 days: NO20180101-000010-000042F.MP4 comes after "
        "NO20240814-083000-000041F.MP4 by number"
    ]


def test_tracks_of_a_file_are_channels(tmp_path):
    write_clip(tmp_path / f"{at(0)}.mp4", 60, tracks=2)
    found = roadseg.find_drives(tmp_path)
    (drive,) = found.drives
    assert {channel: [clip.track for clip in clips] for channel, clips in drive.channels.items()} == {
        "front": [1],
        "rear": [2],
    }
    assert found.notices == [f"date and time: files of 2 video tracks, as {at(0)}.mp4: taken for front and rear"]


def test_a_drive_file_moves_with_its_folder_and_names_files_elsewhere_wholly(tmp_path):
    inside = write_clip(tmp_path / "card" / "Normal" / f"{at(0)}_NF.mp4")
    outside = write_clip(tmp_path / "other" / f"{at(60)}_NF.mp4")
    found = roadseg.find_drives([tmp_path / "card", outside])
    found.write(tmp_path / "card" / "drives.json")
    content = json.loads((tmp_path / "card" / "drives.json").read_text())
    paths = [clip["path"] for drive in content["drives"] for clip in drive["channels"]["front"]]
    assert paths == [os.path.join("Normal", inside.name), str(outside)]  # noqa: PTH118
    (tmp_path / "card").rename(tmp_path / "moved")
    again = roadseg.find_drives(tmp_path / "moved" / "drives.json")
    assert again.videos()[0].path == tmp_path / "moved" / "Normal" / inside.name
    assert again.videos()[0].path.exists()


def test_videos_of_a_drive_are_of_one_channel(tmp_path):
    for seconds in (0, 60):
        for letter in "FR":
            write_clip(tmp_path / f"{at(seconds)}_N{letter}.mp4")
    found = roadseg.find_drives(tmp_path)
    rear = found.videos(channel="rear")
    assert [(video.path.name, str(video.folder), video.place.clip, video.place.start_s) for video in rear] == [
        (f"{at(0)}_NR.mp4", os.path.join(found.drives[0].name, "rear"), 0, 0),  # noqa: PTH118
        (f"{at(60)}_NR.mp4", os.path.join(found.drives[0].name, "rear"), 1, 60),  # noqa: PTH118
    ]
    with pytest.raises(InputError, match=r"no channel 'cabin' in any drive\nGive --channel: front, rear\."):
        found.videos(channel="cabin")
    with pytest.raises(InputError, match=r"no drive 'x'\nThere are: 2024-08-14_08-30-00"):
        found.videos(drive="x")


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("{", "not a drive file"),
        ("[]", "not a drive file"),
        ('{"drives": [{"name": "../x"}]}', "'../x' cannot be the name of a folder"),
        ('{"drives": [{"name": ".."}]}', "'..' cannot be the name of a folder"),
        ('{"drives": [], "more": 1}', "unknown key 'more'"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_drive_file_is_refused_in_two_lines(tmp_path, content, cause):
    path = tmp_path / "drives.json"
    path.write_text(content)
    with pytest.raises(InputError) as error:
        Drives.read(path)
    assert str(path) in error.value.cause and cause in error.value.cause
    assert "roadseg drives FOLDER" in error.value.remedy
    with pytest.raises(InputError, match="cannot be read"):
        Drives.read(tmp_path / "none.json")


def test_numbers_of_a_drive_file_are_finite_and_bounded(tmp_path):
    write_clip(tmp_path / f"{at(0)}_NF.mp4")
    path = tmp_path / "drives.json"
    roadseg.find_drives(tmp_path).write(path)
    for value in ("NaN", "1e300", "-1"):
        path.write_text(path.read_text().replace('"start_s": 0.0', f'"start_s": {value}'))
        with pytest.raises(InputError, match="start_s"):
            Drives.read(path)
        path.write_text(path.read_text().replace(f'"start_s": {value}', '"start_s": 0.0'))


def test_folders_with_nothing_to_read_are_refused(tmp_path):
    with pytest.raises(InputError, match="no video in this folder"):
        roadseg.find_drives(tmp_path)
    (tmp_path / "a.mp4").touch()
    with pytest.raises(VideoError, match=r"a\.mp4: the file is empty\nGive the camera"):
        roadseg.find_drives(tmp_path)
    (tmp_path / "b.mp4").touch()
    with pytest.raises(VideoError, match=r"a\.mp4: the file is empty, and 1 more that cannot be read either"):
        roadseg.find_drives(tmp_path)
    with pytest.raises(InputError, match="wanted seconds above 0"):
        roadseg.find_drives(tmp_path, gap=0)


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_names_of_any_letters(tmp_path):
    write_clip(tmp_path / "ड्राइव" / f"{at(0)} नमस्ते\x1b[31m.mp4")
    bad = os.fsencode(tmp_path) + b"/20240814_083100_NF\xff.mp4"
    os.link(write_clip(tmp_path / "other.mp4"), bad)
    found = roadseg.find_drives(tmp_path)
    assert [drive.name for drive in found.drives] == ["ड्राइव_2024-08-14_08-30-00", "other"]
    assert found.all_notices()[0] == "20240814_083100_NF\\udcff.mp4: its name is not in UTF-8"
    found.write(tmp_path / "drives.json")
    assert roadseg.find_drives(tmp_path / "drives.json") == found


def test_links_in_a_circle_end(tmp_path):
    write_clip(tmp_path / "Normal" / f"{at(0)}_NF.mp4")
    (tmp_path / "Normal" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self_20240814_083100_NF.mp4").symlink_to(tmp_path / "self_20240814_083100_NF.mp4")
    found = roadseg.find_drives(tmp_path)
    assert len(found.drives) == 1 and found.left_out[0].reason == "links to itself"


def test_a_real_card_of_three_channels(real_data):
    (drive,) = roadseg.find_drives(real_data / "gps" / "70mai_multichannel").drives
    assert {name: [clip.start_s for clip in found] for name, found in drive.channels.items()} == {
        "front": [0, 2],
        "rear": [0, 2],
        "cabin": [0, 2],
    }
