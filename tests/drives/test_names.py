"""Names of clips and folders."""

from datetime import datetime
from pathlib import PurePath

import pytest

from roadseg.drives.names import card_of, channel_in, folder_channel, folder_kind, parse_name

AT = datetime(2024, 8, 14, 8, 30)


@pytest.mark.parametrize(
    ("name", "camera", "channel", "kind", "time", "sequence"),
    [
        ("20240814_083000_NF.mp4", "BlackVue", "front", "normal", AT, None),
        ("20240814_083000_ER.mp4", "BlackVue", "rear", "event", AT, None),
        ("20240814_083000_PI.mp4", "BlackVue", "cabin", "parking", AT, None),
        ("20240814_083000_MO.mp4", "BlackVue", "optional", "manual", AT, None),
        ("20240814_083000_N.mp4", "BlackVue", None, "normal", AT, None),
        ("2024_0814_083000_F.MP4", "VIOFO", "front", None, AT, None),
        ("2024_0814_083000_R.MP4", "VIOFO", "rear", None, AT, None),
        ("2024_0814_083000_T.MP4", "VIOFO", "telephoto", None, AT, None),
        ("2024_0814_083000_PI.MP4", "VIOFO", "cabin", "parking", AT, None),
        ("2024_0814_083000_000123F.MP4", "VIOFO", "front", None, AT, 123),
        ("20240814083000_000123PR.MP4", "VIOFO", "rear", "parking", AT, 123),
        ("2024_0814_083000_017.MP4", "VIOFO", None, None, AT, 17),
        ("NO20240814-083000-001234F.MP4", "70mai", "front", "normal", AT, 1234),
        ("EV20240814-083000-001235B.MP4", "70mai", "rear", "event", AT, 1235),
        ("PA20240814-083000-001236I.MP4", "70mai", "cabin", "parking", AT, 1236),
        ("NO20240814-083000-001234.MP4", "70mai", None, "normal", AT, 1234),
        ("2024-08-14_08-30-00-front.mp4", "Tesla", "front", None, AT, None),
        ("2024-08-14_08-30-00-back.mp4", "Tesla", "rear", None, AT, None),
        ("2024-08-14_08-30-00-left_repeater.mp4", "Tesla", "left", None, AT, None),
        ("2024-08-14_08-30-00-right_repeater.mp4", "Tesla", "right", None, AT, None),
        ("2024-08-14_08-30-00-left_pillar.mp4", "Tesla", "left-pillar", None, AT, None),
        ("2024-08-14_08-30-00-right_pillar.mp4", "Tesla", "right-pillar", None, AT, None),
        ("GX010042.MP4", "GoPro", None, None, None, 42),
        ("GH020042.MP4", "GoPro", None, None, None, 42),
        ("GOPR0042.MP4", "GoPro", None, None, None, 42),
        ("GP010042.MP4", "GoPro", None, None, None, 42),
        ("GXAA0007.MP4", "GoPro", None, None, None, 7),
        ("REC_2024_08_14_08_30_00_F.MP4", "Thinkware", "front", "normal", AT, None),
        ("EVT_2024_08_14_08_30_00_R.MP4", "Thinkware", "rear", "event", AT, None),
        ("MOT_2024_08_14_08_30_00_I.MP4", "Thinkware", "cabin", "parking", AT, None),
        ("GRMN0815.MP4", "Garmin", None, None, None, 815),
        ("FILE240814-083000F.MP4", "MiVue", "front", "normal", AT, None),
        ("EMER240814-083000R.MP4", "MiVue", "rear", "event", AT, None),
        ("240814_083000_012_FH.MP4", "Nextbase", "front", None, AT, 12),
        ("240814_083000_012_RH.MP4", "Nextbase", "rear", None, AT, 12),
        ("DJI_20240814083000_0003_D.MP4", "DJI", None, None, AT, 3),
        ("DJI_0003.MP4", "DJI", None, None, None, 3),
        ("20240814_083000.mp4", "date and time", None, None, AT, None),
        ("20240814083000_R.ts", "date and time", "rear", None, AT, None),
        ("2024-08-14 08-30-00 rear.avi", "date and time", "rear", None, AT, None),
        ("cabin_2024-08-14_08.30.00.mp4", "date and time", "cabin", None, AT, None),
        ("2024-08-14 08-30-00 left turn.mp4", "date and time", None, None, AT, None),
        ("my car rear 20240814_083000.mp4", "date and time", "rear", None, AT, None),
        ("20240814_083000_left_cam.mp4", "date and time", "left", None, AT, None),
        ("20240814_083000A.mp4", "date and time", "front", None, AT, None),
        ("20240814_083000B.mp4", "date and time", "rear", None, AT, None),
        ("VID_20240814_083000.mp4", "date and time", None, None, AT, None),
        ("PXL_20240814_083000123.mp4", "date and time", None, None, AT, None),
        ("2024_0814_0830.avi", "date and time", None, None, AT, None),
        ("ड्राइव 2024-08-14 08-30-00.mp4", "date and time", None, None, AT, None),
        ("20240814_083000_NF (1).mp4", "BlackVue", "front", "normal", AT, None),
        ("2024_0814_083000_F - Copy.MP4", "VIOFO", "front", None, AT, None),
        ("GX010042(2).MP4", "GoPro", None, None, None, 42),
        ("GL010042.MP4", "GoPro", None, None, None, 42),
        ("MOV_0581.mp4", "other", None, None, None, 581),
        ("b.mp4", "other", None, None, None, None),
        ("on the left.mp4", "other", None, None, None, None),
        ("front.mp4", "other", "front", None, None, None),
        ("film.mp4", "other", None, None, None, None),
        # The digits are no date, or the letters no channel.
        ("20241399_083000_NF.mp4", "other", None, None, None, None),
        ("20240814_083000_NZ.mp4", "date and time", None, None, AT, None),
        ("٢٠٢٤٠٨١٤_083000_NF.mp4", "other", None, None, None, 83000),
        ("x" * 250 + ".mp4", "other", None, None, None, None),
    ],
)
def test_names_of_cameras(name, camera, channel, kind, time, sequence):
    found = parse_name(PurePath(name))
    assert (found.camera, found.channel, found.kind, found.time) == (camera, channel, kind, time)
    assert found.sequence == sequence


@pytest.mark.parametrize(
    ("first", "second"),
    [("GX010042", "GX020042"), ("GH010042", "GH020042"), ("GOPR0042", "GP010042"), ("GXAA0001", "GXAA0002")],
)
def test_chapters_of_gopro_count_from_1_in_one_recording(first, second):
    one, two = parse_name(PurePath(f"{first}.MP4")), parse_name(PurePath(f"{second}.MP4"))
    assert one.recording == two.recording != ""
    assert (one.chapter, two.chapter) == (1, 2)


@pytest.mark.parametrize(
    ("folder", "channel", "kind", "card"),
    [
        ("Normal/Front", "front", None, ""),
        ("Normal/Back", "rear", None, ""),
        ("DCIM/Movie_R", "rear", None, ""),
        ("Event/R", "rear", "event", ""),
        ("DCIM/100MEDIA", None, None, ""),
        ("DCIM/Movie/RO", None, "event", ""),
        ("evt_rec", None, "event", ""),
        ("Parking", None, "parking", ""),
        ("motion_timelapse_rec", None, "time lapse", ""),
        ("TeslaCam/SentryClips/2024-08-14_08-30-00", None, "parking", ""),
        ("bus 17/Normal/Interior", "cabin", None, "bus 17"),
        ("2024/08/14", None, None, ""),
        ("2024-08/van", None, None, "van"),
        ("7", None, None, "7"),
        ("b", None, None, "b"),
        ("fleet/a", None, None, "fleet/a"),
    ],
)
def test_folders_of_cameras(folder, channel, kind, card):
    path = PurePath(folder)
    assert (folder_channel(path), folder_kind(path), card_of(path)) == (channel, kind, card)


def test_channel_in_the_title_of_a_track():
    assert [channel_in(title) for title in ("Rear Camera", "VideoHandler", "front", "")] == [
        "rear",
        None,
        "front",
        None,
    ]


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("20240301_083000", datetime(2024, 3, 1, 8, 30)),
        ("2024_0301_083015F", datetime(2024, 3, 1, 8, 30, 15)),
        ("VID_2024-03-01 08.30.59", datetime(2024, 3, 1, 8, 30, 59)),
        ("2024-03-01T0830", datetime(2024, 3, 1, 8, 30)),
        ("12345678_20240301083000_000012", datetime(2024, 3, 1, 8, 30)),
        ("20249901_083000", None),
        ("120240301_083000", None),
        ("GH010042", None),
    ],
)
def test_times_in_names(name, time):
    assert parse_name(PurePath(f"{name}.mp4")).time == time
