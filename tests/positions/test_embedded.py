"""Positions within videos, each format in its genuine form."""

import struct
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from helpers.positions import (
    box,
    gopro_sample,
    gpmf,
    nmea_sentence,
    novatek,
    tesla_message,
    transport_stream,
    with_blocks,
    with_track,
    write_clip,
    write_tesla,
)

from roadseg.positions.read import read_track

RIO = datetime(2026, 8, 14, 9, 0, tzinfo=UTC)
"""Local time on the camera; UTC is three hours later."""


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4")


def rio(second, **changes):
    """A block of second `second` in Rio: 22.9 S, 43.2 W, and further east by 0.006 minutes, 10.25 m, each second."""
    place = {"lat": 2254.0, "lon": 4312.0 - 0.006 * second, "letters": b"ASW", "course": 90.0} | changes
    return {"when": RIO + timedelta(seconds=second)} | place


def check_rio(track, seconds=range(8)):
    """The track is that of `rio`."""
    at = track.at(np.array(seconds, float))
    assert at.lat == pytest.approx([-22.9] * len(at.lat), abs=1e-6)
    assert at.lon == pytest.approx([-43.2 + 1e-4 * second for second in seconds], abs=1e-5)  # single precision
    assert at.speed_mps == pytest.approx([5.144] * len(at.lat), abs=0.01)
    assert at.heading_deg == pytest.approx([90] * len(at.lat))
    assert at.utc[0] == (RIO + timedelta(hours=3, seconds=seconds[0])).timestamp()


@pytest.mark.parametrize("at", [12, 16, 44, 48])
@pytest.mark.parametrize("index", [True, False])
def test_novatek(clip, at, index):
    track = read_track(with_blocks(clip, [novatek(at, **rio(second)) for second in range(8)], index=index))
    check_rio(track)
    assert track.source == "Novatek freeGPS"
    assert track.notices == ("the camera's clock is taken for local time, America/Sao_Paulo",)


def test_novatek_in_degrees_and_blocks_that_are_lost(clip):
    """Some cameras write degrees: as degrees and minutes, they would lie in the sea around 0/0."""
    fields = [rio(second, lat=22.9, lon=43.2 - 1e-4 * second) for second in range(8)]
    blocks = [bytes(256), bytes(256), *(novatek(12, **each) for each in fields[2:])]
    check_rio(read_track(with_blocks(clip, blocks, index=True)), range(2, 8))


def test_novatek_starts_cold(clip):
    """Three blocks in UTC without a place, then local time: the clock goes back by three hours."""
    void = [novatek(12, RIO + timedelta(hours=3, seconds=at), 0, 0, letters=b"V00") for at in range(3)]
    track = read_track(with_blocks(clip, [*void, *(novatek(12, **rio(at)) for at in range(3, 8))]))
    check_rio(track, range(3, 8))
    assert np.isnan(track.at(np.arange(3.0)).lat).all()


def doubles(second):
    """A block with double precision, the date behind the place."""
    fields = rio(second)
    block = bytearray(256)
    block[:8] = b"freeGPS "
    when = fields["when"]
    struct.pack_into("<4I", block, 44, when.hour, when.minute, when.second, ord("A"))
    struct.pack_into("<dI4xdI4x2d3I", block, 60, fields["lat"], ord("S"), fields["lon"], ord("W"), 10, 90, 26, 8, 14)
    return bytes(block)


def date_first(second):
    """A block with the date first, and longitude before latitude."""
    fields = rio(second)
    block = bytearray(256)
    block[:8] = b"freeGPS "
    when = fields["when"]
    struct.pack_into("<3sx6I", block, 60, b"ASW", 26, when.month, when.day, when.hour, when.minute, when.second)
    struct.pack_into("<4f", block, 88, fields["lon"], fields["lat"], 10, 90)
    return bytes(block)


@pytest.mark.parametrize("layout", [doubles, date_first])
def test_novatek_of_other_makers(clip, layout):
    check_rio(read_track(with_blocks(clip, [layout(second) for second in range(8)])))


def test_novatek_with_sentences_as_text(clip):
    lines = [f"GNRMC,12000{at}.000,A,2254.0000,S,04311.{9940 - 60 * at:04d},W,10.0,90,140826,,,A" for at in range(8)]
    blocks = [b"freeGPS " + bytes(100) + nmea_sentence(line).encode() + bytes(60) for line in lines]
    track = read_track(with_blocks(clip, blocks))
    assert track.at(np.array([2.0])).utc[0] == RIO.timestamp() + 3 * 3600 + 2
    assert track.at(np.array([2.0])).lon == pytest.approx([-43.1997])


def test_enciphered_blocks_are_told(clip):
    """Redtiger and others: the letters are there, single precision is zero, and the place is enciphered behind it."""
    blocks = [novatek(44, **rio(second, lat=0, lon=0)) for second in range(8)]
    track = read_track(with_blocks(clip, [block[:80] + b"\x80\xd4\x26\x4e" * 6 + block[104:] for block in blocks]))
    assert len(track) == 0 and "Novatek freeGPS: enciphered" in track.notices[0]


def test_plain_places_beside_enciphered_ones_are_not_believed(clip):
    blocks = [novatek(12, **rio(second))[:80] + b"LIGOGPSINFO" + bytes(165) for second in range(8)]
    assert "enciphered" in read_track(with_blocks(clip, blocks)).notices[0]
    write_clip(clip)
    clip.write_bytes(clip.read_bytes() + box(b"skip", b"\0\0LIGOGPSINFO\0\0\0\0\x05" + bytes(range(200))))
    assert read_track(clip).notices[0].startswith("LIGOGPS: enciphered")


def test_novatek_in_a_transport_stream(tmp_path):
    path = tmp_path / "clip.ts"
    path.write_bytes(transport_stream([novatek(12, **rio(second))[12:100] for second in range(8)]))
    check_rio(read_track(path))


def test_lines_of_text_in_a_transport_stream(tmp_path):
    path = tmp_path / "clip.ts"
    lines = [
        f"normal:2026/08/14 09:00:0{at} S:22.900000 W:{43.2 - 1e-4 * at:.6f} 18.52 km/h x:0.01 y:0.00 A:090.0 H:5.0"
        for at in range(8)
    ]
    path.write_bytes(transport_stream([line.encode().ljust(150, b"\0") for line in lines]))
    check_rio(read_track(path))
    lines[:2] = ["normal:2026/08/14 09:00:0\xff", lines[1].replace(" S:", " ?:")]
    path.write_bytes(transport_stream([line.encode("latin-1").ljust(150, b"\0") for line in lines]))
    check_rio(read_track(path), range(2, 8))
    path.write_bytes(transport_stream([b"LIGOGPSINFO\0\0\0\0\x05\1\0\0\0####i" + bytes(range(100))] * 4))
    assert "enciphered" in read_track(path).notices[0]


def blackvue_text(first=1786689000000):
    """Lines with milliseconds of the camera's clock; the receiver has no place in the first two seconds."""
    lines = [f"[{first + 1000 * at}]" + nmea_sentence(f"GPRMC,12000{at}.00,V,,,,,,,140826,,,N") for at in range(2)]
    for at in range(2, 8):
        body = f"GPRMC,12000{at}.00,A,2254.0000,S,04311.{9940 - 60 * at:04d},W,10.0,90.0,140826,,,A"
        lines.append(f"[{first + 1000 * at}]" + nmea_sentence(body))
    return "\n\n".join(lines).encode()


def test_blackvue_behind_another_free_box(clip):
    data = box(b"free", b"\0" * 40) + box(b"free", box(b"cprt", b"{}"), box(b"gps ", blackvue_text()))
    clip.write_bytes(clip.read_bytes() + data)
    track = read_track(clip)
    assert track.source == "BlackVue" and track.notices == ()
    assert np.isnan(track.at(np.array([1.0])).lat).all()
    assert track.at(np.array([2.0, 3.5])).lon == pytest.approx([-43.1997, -43.19955])


@pytest.mark.parametrize("damage", [(b"[1786689003000]", b"[0786689003000]"), (b"[17866", b"[")])
def test_blackvue_with_damaged_times_and_without_any(clip, damage):
    clip.write_bytes(clip.read_bytes() + box(b"free", box(b"gps ", blackvue_text().replace(*damage))))
    assert read_track(clip).at(np.array([4.5])).lon == pytest.approx([-43.19945])


def test_blackvue_begins_by_its_name(clip):
    """The first line comes two seconds after the begin, by the same clock as the camera's name of the recording."""
    first = int(datetime(2026, 8, 14, 9, 0, 2, tzinfo=UTC).timestamp() * 1000)
    inner = box(b"ptnm", b"\0\0\0\x1f20260814_090000_NF.mp4"), box(b"gps ", blackvue_text(first))
    clip.write_bytes(clip.read_bytes() + box(b"free", *inner))
    assert read_track(clip).at(np.array([4.0])).lon == pytest.approx([-43.1997])


def test_70mai_box(clip):
    records = b""
    for at in range(8):
        lon = 4312000 - 6 * at
        record = struct.pack("<4IcIcI", 1, at > 1, at, 18519, b"S", 2254000, b"W", lon)
        records += record.ljust(36, b"\0")
    clip.write_bytes(clip.read_bytes() + box(b"GPS ", records))
    track = read_track(clip)
    assert track.source == "70mai" and track.seconds.tolist() == [2, 3, 4, 5, 6, 7]
    assert track.lon == pytest.approx(-43.2 + 1e-4 * np.arange(2, 8))
    assert track.speed_mps == pytest.approx([5.144] * 6, abs=0.001)
    for broken, notice in (
        (records.replace(b"S", b"X"), "a layout"),
        (records.replace(b"\1", b"\0"), "no usable position"),
    ):
        write_clip(clip)
        clip.write_bytes(clip.read_bytes() + box(b"GPS ", broken))
        assert notice in read_track(clip).notices[0]
    clip.write_bytes(write_clip(clip).read_bytes() + box(b"GPS ", records.replace(b"S", b"X", 4)))
    track = read_track(clip)
    assert track.seconds.tolist() == [4, 5, 6, 7] and track.notices == ("4 of 8 records are damaged and left out",)


def test_70mai_log_of_a_card(tmp_path):
    begin = int(RIO.timestamp()) + 3 * 3600
    lines = [
        f"{begin + at},{'AV'[at < 1]},-22.9,{-43.2 + 1e-4 * at:.6f},9000,514,0,0,0,"
        f"NO20260814-090000-00000{clip}F.MP4,0,0,0"
        for clip, seconds in ((1, range(8)), (2, range(8, 16)))
        for at in seconds
    ]
    (tmp_path / "GPSData000001.txt").write_text("\n".join(["$V02", *lines]))
    (tmp_path / "Normal" / "Back").mkdir(parents=True)
    (tmp_path / "Normal" / "Front").mkdir()
    front = write_clip(tmp_path / "Normal" / "Front" / "NO20260814-090000-000001F.MP4")
    back = write_clip(tmp_path / "Normal" / "Back" / "NO20260814-090000-000002B.MP4")
    track = read_track(front)
    check_rio(track, range(1, 8))
    assert np.isnan(track.at(np.array([0.5])).lat).all()
    assert read_track(back).at(np.array([0.0])).lon == pytest.approx([-43.1992])


def test_thinkware(clip):
    samples = []
    for at in range(8):
        body = f"GPRMC,12000{at}.00,A,2254.0000,S,04311.{9940 - 60 * at:04d},W,10.0,90.0,140826,,,A"
        text = f"gsensori,4,512,5,-3,8;{nmea_sentence(body)[1:]}\r\n;CAR,0,0".encode()
        samples.append(struct.pack(">H", len(text)) + text)
    track = read_track(with_track(clip, b"sbtl", b"tx3g", samples))
    assert track.source == "NMEA in a track"
    assert track.at(np.array([2.0])).lon == pytest.approx([-43.1997])
    assert track.at(np.array([2.0])).utc[0] == RIO.timestamp() + 3 * 3600 + 2


@pytest.mark.parametrize("order", ["<", ">"])
def test_garmin_in_both_orders_of_bytes(clip, order):
    unit = 2**31 / 180
    samples = [
        b"PNDM\0\0\0\0"
        + struct.pack("<I" if order == "<" else ">Hxx", 11)
        + struct.pack(f"{order}2i", round(-22.9 * unit), round((-43.2 + 1e-4 * at) * unit))
        for at in range(16)
    ]
    track = read_track(with_track(clip, b"text", b"text", samples, milliseconds=500))
    assert track.source == "Garmin"
    assert track.at(np.array([3.5])).lon == pytest.approx([-43.1993])
    assert track.at(np.array([3.5])).speed_mps == pytest.approx([11 * 0.44704])


def gps9(second, lock=3):
    days, of_day = divmod(int(RIO.timestamp()) + 3 * 3600 + second - 946_684_800, 86400)
    point = struct.pack(
        ">7i2H", -229_000_000, round((-43.2 + 1e-4 * second) * 1e7), 0, 5144, 0, days, 1000 * of_day, 120, lock
    )
    stream = (
        gpmf(b"TYPE", b"c", 1, b"lllllllSS"),
        gpmf(b"SCAL", b"l", 4, struct.pack(">9i", 10**7, 10**7, 1000, 1000, 100, 1, 1000, 100, 1)),
        gpmf(b"GPS9", b"?", 32, point),
    )
    return gpmf(b"DEVC", b"\0", 1, gpmf(b"STRM", b"\0", 1, *stream))


def gps5(second, **changes):
    moved = [(-22.9, -43.2 + 1e-4 * (second + part), 5.144) for part in (0, 0.5)]
    return gopro_sample(moved, when=f"26081412000{second}.000".encode(), **changes)


def gps5_of_floats(second):
    scales = 10**7, 10**7, 1000, 1000, 100
    whole = gpmf(b"SCAL", b"l", 4, struct.pack(">5i", *scales))
    floats = gpmf(b"SCAL", b"f", 4, struct.pack(">5f", *scales))
    return gps5(second).replace(whole, floats)


@pytest.mark.parametrize("sample", [gps5, gps9, gps5_of_floats])
def test_gopro(clip, sample):
    track = read_track(with_track(clip, b"meta", b"gpmd", [sample(second) for second in range(8)]))
    assert track.source == "GoPro GPMF" and track.notices == ()
    at = track.at(np.array([2.25, 6.5]))
    assert at.lon == pytest.approx([-43.199775, -43.19935]) and at.lat == pytest.approx([-22.9] * 2)
    assert at.speed_mps == pytest.approx([5.144] * 2) and at.heading_deg == pytest.approx([90, 90], abs=0.1)
    assert at.utc == pytest.approx(np.array([2.25, 6.5]) + RIO.timestamp() + 3 * 3600)


def test_gopro_without_lock_and_with_damage(clip):
    samples = [gps5(0, lock=0), gps5(1, dop=9999), *(gps5(at) for at in range(2, 6)), gps5(6)[:60], b"\xff" * 40]
    track = read_track(with_track(clip, b"meta", b"gpmd", samples))
    assert track.seconds[[0, -1]].tolist() == [2, 5.5]
    assert track.notices == (
        "2 of 8 samples of GPMF are damaged and left out",
        "2 of 10 positions left out with a horizontal dilution of precision above 10",
    )


def test_camm(clip):
    gps_time = RIO.timestamp() + 3 * 3600 - 315_964_800 + 18
    samples = [
        struct.pack("<2H3f", 0, 2, 0, 0, 0)
        + struct.pack("<2Hdi2d7f", 0, 6, gps_time + at, 3, -22.9, -43.2 + 1e-4 * at, 5, 1, 1, 5.144, 0, 0, 1)
        for at in range(8)
    ]
    check_rio(read_track(with_track(clip, b"camm", b"camm", samples)))
    small = [struct.pack("<2H3d", 0, 5, -22.9, -43.2 + 1e-4 * at, 5) for at in range(8)]
    track = read_track(with_track(write_clip(clip), b"meta", b"camm", [*small[:7], small[7][:20]]))
    assert track.lon == pytest.approx(-43.2 + 1e-4 * np.arange(7))
    assert track.notices == ("1 of 8 samples of CAMM are damaged and left out",)
    both = [*small[:4], *samples[4:]]
    assert read_track(with_track(write_clip(clip), b"meta", b"camm", both)).seconds.tolist() == list(range(8))


def test_tesla(tmp_path):
    """The first picture has zeros, as before a fix, the fourth a message that is cut off."""
    messages = [tesla_message(-22.9, -43.2 + 1e-4 * at, 5.144, 90.0) for at in range(8)]
    messages[0] = tesla_message(0.0, 0.0, 0.0, 0.0)
    messages[3] = b"\0\0\0\1\x06\x05\x14" + 16 * b"B" + b"i\x59\1\2\x80"
    track = read_track(write_tesla(tmp_path / "2026-08-14_09-00-00-front.mp4", messages))
    assert track.source == "Tesla" and track.seconds.tolist() == [1, 2, 4, 5, 6, 7]
    assert track.at(np.array([1.0, 4.5])).lon == pytest.approx([-43.1999, -43.19955])
    assert track.at(np.array([4.5])).heading_deg == pytest.approx([90])


def test_what_the_video_holds_comes_before_a_file_beside_it(clip):
    with_blocks(clip, [novatek(44, **rio(second)) for second in range(8)])
    clip.with_suffix(".csv").write_text("lat,lon,seconds\n1.0,2.0,0\n1.0,2.0,1\n")
    assert read_track(clip).source == "Novatek freeGPS"
    assert read_track(clip, clip.with_suffix(".csv")).source == "CSV, clip.csv"


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "source", "fixes", "place"),
    [
        ("blackvue-mp4_synthetic.mp4", "BlackVue", 4, (50.0, 30.0)),
        ("garmin_synthetic-pndm.mp4", "Garmin", 5, (50.0, 30.0)),
        ("gopro_hero5-trimmed.mp4", "GoPro GPMF", 36, (33.1264969, -117.3273542)),
        ("gopro_max-heromode.mp4", "GoPro GPMF", 191, (33.12677, -117.3273436)),
        ("novatek-ts_synthetic-happy.TS", "Novatek, transport stream", 6, (50.0, 30.0)),
        ("novatek_silverstone-a80.mp4", "Novatek freeGPS", 3, (50.0, 30.0)),
        ("novatek_synthetic-vantrue.mp4", "Novatek freeGPS", 3, (47.0, 27.0)),
        ("novatek_viofo-coldstart.mp4", "Novatek freeGPS", 4, (50.0, 30.0)),
        ("thinkware_synthetic-fseries.mp4", "NMEA in a track", 7, (50.0, 30.0)),
    ],
)
def test_files_of_cameras(real_data, name, source, fixes, place):
    track = read_track(real_data / "gps" / name)
    assert (track.source, len(track)) == (source, fixes)
    assert (track.lat[0], track.lon[0]) == pytest.approx(place, abs=1e-7)
    assert all(later > earlier for earlier, later in pairwise(track.seconds))
    assert (np.diff(track.distance_m) >= 0).all()


@pytest.mark.real_data
def test_a_real_camera_without_a_fix(real_data):
    track = read_track(real_data / "gps" / "juscar_real-anonymized.TS")
    assert len(track) == 0
    assert track.notices[0].startswith("LIGOGPS, transport stream: no usable position among 4 reports. A receiver")
