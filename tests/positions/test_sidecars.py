"""Files of positions beside a video, and how their times meet those of the video."""

from datetime import UTC, datetime, timedelta
from math import nan

import numpy as np
import pytest
from helpers.positions import nmea_sentence, write_clip

from roadseg.errors import InputError
from roadseg.positions.nmea import read_sentences
from roadseg.positions.read import read_track
from roadseg.positions.subtitles import read_subtitles
from roadseg.positions.tables import read_table

DELHI = (28.6, 77.2)
BEGIN = datetime(2026, 8, 14, 3, 0, tzinfo=UTC)


@pytest.fixture
def clip(tmp_path):
    """Function that writes a video of eight seconds."""
    return lambda name, creation=None: write_clip(tmp_path / name, creation)


def gpx(path, begin=BEGIN, seconds=range(-2, 12), place=DELHI, attributes="", timed=True):
    """A GPX file with a point every second, 1e-4 degrees further north each."""
    points = [
        f'<trkpt lat="{place[0] + 1e-4 * at:.6f}" lon="{place[1]:.6f}">'
        + (f"<time>{(begin + timedelta(seconds=at)).isoformat().replace('+00:00', 'Z')}</time>" if timed else "")
        + f"{attributes}</trkpt>"
        for at in seconds
    ]
    xml = (
        '<?xml version="1.0"?><gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1" xmlns:x="x">'
    )
    path.write_text(f"{xml}<trk><trkseg>{''.join(points)}</trkseg></trk></gpx>")
    return path


def rmc(second, lat="2836.0000,N", lon="07712.0000,E", status="A"):
    return nmea_sentence(f"GPRMC,0300{second:02d}.000,{status},{lat},{lon},19.44,0.00,140826,,,A")


@pytest.mark.parametrize(
    ("creation", "why"),
    [
        (BEGIN, "its creation time"),
        (BEGIN + timedelta(seconds=8), "taken for the end"),
        (BEGIN + timedelta(hours=5, minutes=30), "taken for the start in local time (Asia/Kolkata, UTC+05:30)"),
        (
            BEGIN + timedelta(hours=5, minutes=30, seconds=8),
            "taken for the end in local time (Asia/Kolkata, UTC+05:30)",
        ),
    ],
)
def test_creation_times_of_all_kinds(clip, creation, why):
    video = clip("drive.mp4", creation)
    gpx(video.with_suffix(".gpx"), seconds=range(9))
    track = read_track(video)
    assert track.source == "GPX, drive.gpx"
    assert track.at(np.arange(8.0)).lat == pytest.approx(28.6 + 1e-4 * np.arange(8))
    assert track.at(np.array([0.0])).utc[0] == BEGIN.timestamp()
    assert any(why in notice for notice in track.notices)


def test_the_name_tells_the_local_time_where_the_file_has_none(clip):
    video = clip("NO20260814-083000-000123F.mp4")
    gpx(video.with_suffix(".GPX"))
    track = read_track(video)
    assert track.at(np.array([3.0])).lat == pytest.approx([28.6003])
    assert track.notices == ("placed by the local time in its name (Asia/Kolkata, UTC+05:30)",)


def test_two_readings_that_fit_are_told(clip):
    video = clip("drive.mp4", BEGIN)
    gpx(video.with_suffix(".gpx"), begin=BEGIN - timedelta(hours=6), seconds=range(0, 13 * 3600, 60))
    other = "the end would fit as well, and begin 0:00:08 earlier: compare some frames"
    assert read_track(video).notices[:2] == ("placed by its creation time", f"its creation time, taken for {other}")


def test_the_offset_moves_the_track(clip):
    video = clip("drive.mp4", BEGIN)
    gpx(video.with_suffix(".gpx"))
    track = read_track(video, offset=1.5)
    assert track.at(np.array([3.5])).lat == pytest.approx([28.6002])
    assert track.offset_s == 1.5


def test_a_track_of_another_day(clip, tmp_path):
    video = clip("drive.mp4", BEGIN)
    file = gpx(video.with_suffix(".gpx"), begin=BEGIN - timedelta(days=1))
    found = read_track(video)
    assert len(found) == 0 and "but drive.mp4 begins at 2026-08-14 03:00:00 UTC" in found.notices[0]
    with pytest.raises(InputError, match=r"from 2026-08-13 .*\nGive the track of this video"):
        read_track(video, file)


def test_a_video_that_states_no_time_needs_an_offset(clip, tmp_path):
    video = clip("drive.mp4")
    file = gpx(tmp_path / "log.gpx", seconds=range(9))
    with pytest.raises(InputError, match=r"states no time of recording.*\nGive --gps-offset SECONDS"):
        read_track(video, file)
    assert read_track(video, file, offset=2.0).at(np.array([5.0])).lat == pytest.approx([28.6003])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<gpx><trk><trkseg/></trk></gpx>", "without track points"),
        ("<gpx><trk>", "not a GPX file"),
        ('<!DOCTYPE gpx [<!ENTITY a "b">]><gpx>&a;</gpx>', "entities"),
        ("hello", "not a format of positions"),
        ("$GPRMC,030000.000,V,,,,,,,140826,,,N*4A\n" * 3, "no usable position"),
    ],
)
def test_files_without_positions(clip, tmp_path, content, message):
    file = tmp_path / "log.txt"
    file.write_text(content)
    with pytest.raises(InputError, match=message) as found:
        read_track(clip("drive.mp4", BEGIN), file)
    assert str(found.value).count("\n") == 1


def test_points_without_times(clip, tmp_path):
    file = gpx(tmp_path / "route.gpx", timed=False)
    with pytest.raises(InputError, match=r"its 14 points have no times.*\nExport the recorded track"):
        read_track(clip("drive.mp4", BEGIN), file)
    with pytest.raises(InputError, match="cannot be read"):
        read_track(clip("drive.mp4", BEGIN), tmp_path / "missing.gpx")


def test_speed_course_and_precision_of_gpx(clip):
    video = clip("drive.mp4", BEGIN)
    more = "<hdop>1.5</hdop><extensions><x:speed>11.1</x:speed><x:course>0.5</x:course></extensions>"
    gpx(video.with_suffix(".gpx"), attributes=more)
    at = read_track(video).at(np.array([2.5]))
    assert at.speed_mps == pytest.approx([11.1]) and at.heading_deg == pytest.approx([0.5])
    gpx(video.with_suffix(".gpx"), attributes="<hdop>30</hdop>")
    assert "no usable position" in read_track(video).notices[0]


def test_sentences_of_a_camera_begin_with_its_video(clip):
    video = clip("drive.mp4")
    lines = [rmc(57 - 57, status="V", lat=",", lon=","), *(rmc(at, f"2836.{60 * at:04d},N") for at in range(1, 9))]
    video.with_suffix(".NMEA").write_text("\n".join([*lines, "$GSENSOR,1,2,3", rmc(9)[:40]]))
    track = read_track(video)
    assert np.isnan(track.at(np.array([0.5])).lat).all()  # no fix yet
    assert track.at(np.array([1.0, 3.0])).lat == pytest.approx([28.6001, 28.6003])
    assert track.at(np.array([2.0])).speed_mps == pytest.approx([10.0], abs=0.01)
    assert track.at(np.array([2.0])).utc[0] == BEGIN.timestamp() + 2


@pytest.mark.parametrize(
    "first",
    [
        nmea_sentence("GPRMC,,V,,,,,,,,,,N"),
        rmc(0)[:-2] + "00",
        rmc(0)[:30],
        nmea_sentence("GNRMC,000000,V,,,,,,,060180,,,N"),
    ],
    ids=["without a time", "wrong checksum", "cut off", "a clock that is not set"],
)
def test_sentences_that_say_nothing_take_their_time(clip, first):
    video = clip("drive.mp4")
    lines = [first, first, *(rmc(at, f"2836.{60 * at:04d},N") for at in range(2, 5)), first, rmc(6, "2836.0360,N")]
    video.with_suffix(".nmea").write_text("\n".join(lines))
    track = read_track(video)
    assert track.seconds.tolist() == [2, 3, 4, 6] and track.lat == pytest.approx(28.6 + 1e-4 * track.seconds)


def test_several_sentences_of_one_second(clip):
    """Two receivers, or ten reports a second by a clock of whole seconds, which did not begin with a second."""
    video = clip("drive.mp4")
    lines = [line for at in range(8) for line in (rmc(at, f"2836.{60 * at:04d},N"),) * 2]
    video.with_suffix(".nmea").write_text("\n".join(lines))
    assert read_track(video).seconds.tolist() == list(range(8))
    lines = [rmc((at + 6) // 10, f"2836.{6 * at:04d},N") for at in range(80)]
    video.with_suffix(".nmea").write_text("\n".join(lines))
    assert read_track(video).seconds == pytest.approx(np.arange(80) / 10)


def test_a_long_tunnel_between_two_sentences_lasts_as_their_clocks_say(tmp_path):
    video = write_clip(tmp_path / "drive.mp4", seconds=130)
    lines = [
        nmea_sentence(f"GPRMC,030{at // 60}{at % 60:02d},A,2836.0,N,07712.0,E,9,0,140826,,,A") for at in (0, 1, 95, 96)
    ]
    video.with_suffix(".nmea").write_text("\n".join(lines))
    track = read_track(video)
    assert (
        track.seconds.tolist() == [0, 1, 95, 96] and "94 s lie between positions over 10 s apart" in track.notices[-1]
    )


def test_weeks_that_began_again(clip):
    video = clip("drive.mp4", BEGIN)
    gpx(video.with_suffix(".gpx"), begin=BEGIN - timedelta(weeks=1024))
    track = read_track(video)
    assert (
        track.at(np.array([3.0])).utc[0] == BEGIN.timestamp() + 3
        and "14 of 14 dates were 1,024 weeks" in track.notices[0]
    )


def test_the_begin_that_has_positions_is_taken(clip):
    """The local time of the name lies between two drives of the track, the creation time in one of them."""
    video = clip("2026-08-14_10-00-00.mp4", BEGIN)
    gpx(video.with_suffix(".gpx"), seconds=[*range(-2, 12), *range(7200, 7210)])
    assert read_track(video).notices == ("placed by its creation time",)
    # A track that ends before the video does not make its creation time the end.
    gpx(video.with_suffix(".gpx"), seconds=range(-60, 5))
    early = read_track(clip("drive.mp4", BEGIN), video.with_suffix(".gpx"))
    assert early.at(np.array([2.0])).lat == pytest.approx([28.6002]) and "would fit as well" in early.notices[1]
    gpx(video.with_suffix(".gpx"), seconds=[*range(-2, 12), *range(7200, 7210)])
    late = clip("2026-08-14_09-30-00.mp4")
    with pytest.raises(
        InputError, match=r"none of its positions lies within 2026-08-14_09-30-00\.mp4.*\nGive the track"
    ):
        read_track(late, video.with_suffix(".gpx"))


@pytest.mark.parametrize(
    ("encoding", "change"),
    [
        ("utf-16", ('<?xml version="1.0"?>', "<?xml version='1.0' encoding='UTF-16'?>")),
        ("utf-8", (" xmlns=", " xmlns:a=")),
    ],
    ids=["UTF-16", "prefix"],
)
def test_gpx_of_other_forms(clip, encoding, change):
    video = clip("drive.mp4", BEGIN)
    text = gpx(video.with_suffix(".gpx")).read_text().replace(*change)
    if encoding == "utf-8":
        text = text.replace("</", "</a:").replace("<g", "<a:g").replace("<t", "<a:t")
    video.with_suffix(".gpx").write_text(text, encoding)
    assert read_track(video).at(np.array([3.0])).lat == pytest.approx([28.6003])


def test_wrong_checksums():
    good = [rmc(at) for at in range(4)]
    wrong = good[1].replace("2836", "2936")
    read, notices = read_sentences("\r\n".join([good[0], wrong, *good[2:]]))
    assert [each.fix.lat for each in read] == pytest.approx([28.6, nan, 28.6, 28.6], nan_ok=True)
    assert notices == ["1 of 4 NMEA sentences left out: wrong checksum"]
    edited = [line[:-2] + "00" for line in good]
    read, notices = read_sentences("\n".join(edited))
    assert len(read) == 4 and notices == ["the checksums of 4 of 4 NMEA sentences are wrong: none is checked"]


def test_precision_comes_from_the_other_sentence():
    gga = nmea_sentence("GPGGA,030000.000,2836.0000,N,07712.0000,E,1,04,31.5,200.0,M,-30.0,M,,")
    (found,), _ = read_sentences(f"{gga}\n{rmc(0)}")
    assert found.fix.hdop == 31.5


@pytest.mark.real_data
def test_a_real_camera_with_sentences(real_data):
    track = read_track(real_data / "gps" / "MOV_0581.mp4")
    assert track.seconds.tolist() == [0, 1, 2]
    assert (track.lat[0], track.lon[0]) == (-34.0, 151.0)
    assert track.speed_mps == pytest.approx([14.75, 15.21, 15.11], abs=0.01)


def cue(number, text):
    return f"{number + 1}\n00:00:0{number},500 --> 00:00:0{number + 1},500\n{text}\n\n"


@pytest.mark.parametrize(
    "form",
    [
        "[iso: 100] [latitude: {lat}] [longitude: {lon}] [rel_alt: 1.3]",
        "[latitude : {lat}] [longtitude : {lon}] [altitude: 5.0]",
        "GPS({lon},{lat},15) BAROMETER:1.9",
        "<font>Lat: {lat}, Lon: {lon} 45 km/h</font>",
        "2026/08/14 08:30:00 {lat}N {lon}E 45km/h",
        "N:{lat} E:{lon} 28 mph",
        "home lat: 12.000000 lon: 13.000000 now lat: +{lat} lng: +{lon}",
    ],
)
def test_subtitles(clip, form):
    video = clip("drive.mp4")
    cues = [cue(at, form.format(lat=f"{28.6 + 1e-4 * at:.6f}", lon="77.200000")) for at in range(8)]
    video.with_suffix(".SRT").write_text("".join(cues).replace("\n", "\r\n"), newline="")
    track = read_track(video)
    assert track.source == "SRT, drive.SRT" and track.seconds.tolist() == [at + 0.5 for at in range(8)]
    assert track.at(np.array([2.0, 6.5])).lat == pytest.approx([28.60015, 28.6006])
    assert track.lon == pytest.approx([77.2] * 8)
    if "45" in form or "28" in form:
        assert track.speed_mps == pytest.approx([12.5] * 8, abs=0.02)


@pytest.mark.parametrize(
    "form",
    [
        "[latitude: -22.900000] [longitude: -43.200000]",
        "Lat: 22.900000 S, Lon: 43.200000 W",
        "Lat: 22.900000S speed: 3 Lon: 43.200000W east",
        "Latitude: S 22,900000 Longitude: W43,200000",
        "S: -22.900000 W: -43.200000",
        '{"lon": -43.200000, "lat": -22.900000}',
        "GPS(-43.200000,-22.900000,19)",
    ],
)
def test_subtitles_of_the_south_and_west(tmp_path, form):
    (fix,) = read_subtitles(tmp_path / "a.srt", cue(0, form).replace("\n", "\r")).fixes
    assert (fix.lat, fix.lon) == (-22.9, -43.2)
    assert read_subtitles(tmp_path / "a.srt", form).fixes == []


@pytest.mark.parametrize(
    ("headings", "row"),
    [
        ("time,lat,n/s,lon,e/w", "2026-08-14 03:00:00 UTC,22.9,S,43.2,W"),
        ("sep=;\nTime;Latitude;Longitude", "2026/08/14 03:00:00;-22,9;-43,2"),
        ("timestamp,lat,lon", "1786676400000000,22.9S,W43.2"),
        ("Date\tTime\tLatitude N/S\tLongitude E/W", "2026-08-14\t03:00:00\t22.9°S\t43.2° W"),
    ],
)
def test_sides_commas_and_times_of_tables(tmp_path, headings, row):
    (fix,) = read_table(tmp_path / "a.csv", f"{headings}\n{row}\n").fixes
    assert (fix.lat, fix.lon, fix.utc) == (-22.9, -43.2, BEGIN.timestamp())


@pytest.mark.parametrize("time", ["03:00:00", "yesterday", "1e300", "-1e18", "inf", "9999-12-31T23:00:00-12:00"])
def test_times_that_cannot_be_are_refused(clip, time):
    video = clip("drive.mp4", BEGIN)
    video.with_suffix(".csv").write_text(f"time,lat,lon\n{time},28.6,77.2\n{time},28.6,77.2\n")
    with pytest.raises(InputError, match=r"none of its positions has a time that can be read\nGive times in ISO 8601"):
        read_track(video, video.with_suffix(".csv"))


def test_subtitles_and_tables_of_something_else_are_passed_over(clip):
    video = clip("drive.mp4")
    video.with_suffix(".srt").write_text(cue(0, "Good morning.") + cue(1, "Turn left in 28.600000 m"))
    video.with_suffix(".csv").write_text("name,price\na,1\n")
    assert read_track(video) is None
    with pytest.raises(InputError, match=r"names no place or no time|name no place or no time"):
        read_track(video, video.with_suffix(".csv"))


@pytest.mark.parametrize(
    "table",
    [
        "time,lat,lon,speed_kmh\n"
        + "".join(f"2026-08-14T03:00:0{at}Z,{28.6 + 1e-4 * at:.5f},77.2,45\n" for at in range(9)),
        "Timestamp;Latitude;Longitude\n"
        + "".join(f"{1786676400 + at};{28.6 + 1e-4 * at:.5f};77.2\n" for at in range(9)),
        "seconds\tLAT\tLNG\n" + "".join(f"{at}\t{28.6 + 1e-4 * at:.5f}\t77.2\n" for at in reversed(range(9))),
    ],
    ids=["ISO 8601", "seconds since 1970", "seconds of the video"],
)
def test_tables(clip, table):
    video = clip("drive.mp4", BEGIN)
    video.with_suffix(".csv").write_text(table)
    track = read_track(video)
    assert track.at(np.array([2.5])).lat == pytest.approx([28.60025])
    assert track.at(np.array([2.5])).speed_mps == pytest.approx([12.5 if "45" in table else 11.1], abs=0.1)


def test_a_file_that_cannot_be_used_is_told_and_the_next_is_taken(clip):
    video = clip("drive.mp4", BEGIN)
    gpx(video.with_suffix(".gpx"), timed=False)
    video.with_suffix(".nmea").write_text("\n".join(rmc(at) for at in range(9)))
    track = read_track(video)
    assert track.source == "NMEA, drive.nmea" and "have no times" in track.notices[0]
