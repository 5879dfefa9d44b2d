import csv
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.drive_clips import TheUpperHalfIsSky, make_drive

from roadseg.errors import InputError
from roadseg.labels.catalogue import CAMVID_11, CITYSCAPES_19
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.frame_table import FrameTable, read_frames
from roadseg.overlay.job import overlay_video
from roadseg.overlay.stats import ClassTotals
from roadseg.overlay.totals import overlay_stats
from roadseg.report.stats_tables import _digits, _percent, stats_csv, stats_tables
from roadseg.video.frame import Frame

pytestmark = pytest.mark.timeout(120)
DURATIONS = (30, 10, 10)
"""Durations in tenths of a second."""


def recorded_at(path, time):
    """A drive with a creation time: in MP4's movie header, in seconds since 1904 (ISO/IEC 14496-12, section 8.2.2)."""
    data = bytearray(make_drive(path, DURATIONS).read_bytes())
    at = data.index(b"mvhd") + 8
    seconds = datetime.fromisoformat(time) - datetime(1904, 1, 1, tzinfo=UTC)
    data[at : at + 4] = int(seconds.total_seconds()).to_bytes(4, "big")
    path.write_bytes(data)
    return path


@pytest.fixture
def drives(tmp_path):
    """Overlays: two drives with creation times, one of which lasts beyond midnight, and one without."""
    segmenter, out = TheUpperHalfIsSky(), tmp_path / "out"
    overlay_video(recorded_at(tmp_path / "a.mp4", "2024-03-01T23:59:57Z"), segmenter, out / "a")
    overlay_video(recorded_at(tmp_path / "b.mp4", "2024-03-02T06:30:00+05:30"), segmenter, out / "b")
    overlay_video(make_drive(tmp_path / "c.mp4"), segmenter, out)
    return out


def shares(totals):
    return {share.name: (share.share, share.seconds) for share in totals.shares() if share.frames}


def test_classes_over_all_by_video_and_by_hour(drives):
    stats = overlay_stats([drives, drives / "a"])
    assert stats.label_space == "camvid-11"
    assert [(video.name, video.totals.frames) for video in stats.videos] == [("a/a", 3), ("b/b", 3), ("c", 5)]
    assert shares(stats.totals) == {name: (0.5, pytest.approx(10.5)) for name in ("Sky", "Road")}
    assert {hour: totals.frames for hour, totals in stats.hours.items()} == {0: 2, 1: 3, 23: 1}
    assert {hour: totals.seconds for hour, totals in stats.hours.items()} == pytest.approx({0: 2, 1: 5, 23: 3})
    assert (stats.timeless, stats.repeated, stats.half_done) == (1, 0, 0)


def test_a_video_alone_has_the_figures_of_its_summary(drives):
    stats = overlay_stats([drives / "a"])
    (video,) = stats.videos
    assert video.name == "a"
    assert stats.totals.shares() == video.totals.shares()
    for found, written in zip(video.totals.shares(), video.summary.classes, strict=True):
        assert (found.name, found.frames) == (written.name, written.frames)
        assert (found.share, found.seconds) == pytest.approx((written.share, written.seconds))
    assert video.summary.creation_time == datetime(2024, 3, 1, 23, 59, 57, tzinfo=UTC)
    assert json.loads((drives / "a" / "a.summary.json").read_text())["creation_time"] == "2024-03-01T23:59:57Z"
    assert json.loads((drives / "c.summary.json").read_text())["creation_time"] is None


def test_rows_are_read_only_of_videos_that_go_on_into_another_hour(drives, monkeypatch):
    read = []

    def noted(path, names):
        read.append(path.name)
        return read_frames(path, names)

    monkeypatch.setattr("roadseg.overlay.overlaps.read_frames", noted)
    overlay_stats([drives])
    assert read == ["a.frames.parquet"]
    read.clear()
    path = drives / "b" / "b.frames.parquet"
    pq.write_table(pq.read_table(path), path, write_statistics=False)
    assert {hour: totals.frames for hour, totals in overlay_stats([drives]).hours.items()} == {0: 2, 1: 3, 23: 1}
    assert read == ["a.frames.parquet", "b.frames.parquet"]


def test_what_is_half_done_is_left_out_and_counted(drives):
    (drives / "b" / "b.summary.json").unlink()
    stats = overlay_stats([drives])
    assert (len(stats.videos), stats.half_done) == (2, 1)
    (drives / "a" / "a.summary.json").unlink()
    with pytest.raises(InputError, match="no finished results of `roadseg overlay`, only 2 that are half done"):
        overlay_stats([drives / "a", drives / "b"])


def test_several_results_of_a_video_are_told(drives, tmp_path):
    overlay_video(tmp_path / "a.mp4", TheUpperHalfIsSky(), drives / "again")
    stats = overlay_stats([drives])
    assert (len(stats.videos), stats.repeated) == (4, 1)
    assert "1 video counted more than once" in stats_tables(stats)[0].notes[0]


def test_label_spaces_do_not_mix(drives, tmp_path):
    overlay_video(tmp_path / "c.mp4", TheUpperHalfIsSky(CITYSCAPES_19), drives / "other")
    with pytest.raises(InputError, match=r"other/c\.frames\.parquet counts classes of cityscapes-19, .* of camvid-11"):
        overlay_stats([drives])


def damage_table(out):
    (out / "c.frames.parquet").write_bytes(b"PAR1 no")
    return "c.frames.parquet: not a table of frames"


def damage_summary(out):
    (out / "c.summary.json").write_text("{}")
    return "c.summary.json: not written by this version"


def lose_rows(out):
    with FrameTable(out / "c.frames.parquet", CITYSCAPES_19, Fraction(1)) as table:
        table.add(frame(0, 0, 1), np.arange(256))
    return "c.frames.parquet has 1 frames, but its summary counts 5"


def lose_column(out):
    """A table of a video that goes on into another hour, without durations."""
    path = out / "a" / "a.frames.parquet"
    pq.write_table(pq.read_table(path).drop_columns("duration_seconds"), path)
    return "a.frames.parquet: not a table of frames"


@pytest.mark.parametrize("damage", [damage_table, damage_summary, lose_rows, lose_column])
def test_what_cannot_be_read_is_named(drives, damage):
    cause = damage(drives)
    with pytest.raises(InputError, match=cause) as caught:
        overlay_stats([drives])
    assert "--overwrite" in caught.value.remedy


def test_folders_without_results(tmp_path):
    for folder, cause in ((tmp_path, "no finished results"), (tmp_path / "no", "no such folder")):
        with pytest.raises(InputError, match=cause):
            overlay_stats([folder])


def test_tables_list_the_largest_and_tell_what_they_leave_out(drives):
    stats = overlay_stats([drives])
    classes, hours, videos = stats_tables(stats, classes=1, videos=2)
    assert classes.title == "3 videos, 10.5 s, 11 frames"
    assert classes.rows == (("Sky", "50.0", "10.5", "11", "0.0"),)
    assert classes.notes == ("... and 1 more: files of --out have all classes.",)
    assert hours.rows == (("00:00", "2.0", "50.0"), ("01:00", "5.0", "50.0"), ("23:00", "3.0", "50.0"))
    assert "1 video without positions or a creation time" in hours.notes[1]
    assert videos.rows == (
        ("a/a", "2024-03-01 23:59", "5.0", "3", "50.0"),
        ("b/b", "2024-03-02 01:00", "5.0", "3", "50.0"),
    )
    assert videos.notes == ("... and 1 more",)
    assert [len(table.rows) for table in stats_tables(stats)] == [2, 3, 3]


class ASpeckIsACar(TheUpperHalfIsSky):
    def segment(self, images, tta=None):
        labels = super().segment(images)
        labels[:, 0, :7] = range(1, 8)  # as many pixels of each of these classes
        labels[:, 1, 0] = CAMVID_11.classes.index("Car")
        return labels


def test_people_and_vehicles_are_listed_however_rare(tmp_path):
    overlay_video(make_drive(tmp_path / "c.mp4"), ASpeckIsACar(), tmp_path / "out")
    stats = overlay_stats([tmp_path / "out"])
    classes, videos = stats_tables(stats, classes=2)
    assert [row[:2] for row in classes.rows] == [("Road", "50.8"), ("Sky", "43.8"), ("Car", "0.8")]
    assert videos.header[-3:] == ("Road", "Sky", "Car")
    assert classes.notes[0].startswith("... and 6 more")


def test_rare_classes_keep_their_digits(tmp_path):
    totals = ClassTotals(["Sky", "Car"])
    totals.add(np.array([[299_997, 3]]), np.array([100 / 3]))
    assert [_percent(share.share) for share in totals.shares()] == ["100.0", "0.001"]
    assert [_digits(share.share) for share in totals.shares()] == ["0.99999", "0.00001"]
    assert _digits(totals.seconds) == "33.333"


@pytest.mark.parametrize(
    ("offset", "hours", "day"),
    [(5.5, {5: 3, 6: 3}, "2024-03-02 05:29"), (-8, {15: 1, 16: 2, 17: 3}, "2024-03-01 15:59")],
)
def test_hours_follow_the_time_zone(drives, offset, hours, day):
    stats = overlay_stats([drives], utc_offset=timedelta(hours=offset))
    assert {hour: totals.frames for hour, totals in stats.hours.items()} == hours
    _, by_hour, videos = stats_tables(stats)
    zone = "UTC+05:30" if offset > 0 else "UTC-08:00"
    assert by_hour.title == f"By time of day, {zone}: share of the frame %"
    assert (videos.header[1], videos.rows[0][1]) == (f"recorded, {zone}", day)
    rows = list(csv.DictReader(stats_csv(stats).splitlines()))
    assert {row["hour"] for row in rows if row["group"] == "hour"} == set(map(str, hours))
    assert rows[-1]["recorded"] == ""
    assert datetime.fromisoformat(rows[-13]["recorded"]) == datetime(2024, 3, 2, 1, tzinfo=UTC)


def test_names_that_contradict_containers_are_told(drives, tmp_path):
    """A camera in India that follows the standard, and one that writes local time into the container."""
    for name, time in (("20240302_063000", "2024-03-02T01:00:00Z"), ("20240302_063003_end", "2024-03-02T01:00:08Z")):
        overlay_video(recorded_at(tmp_path / f"{name}.mp4", time), TheUpperHalfIsSky(), tmp_path / "india")
    (notice,) = overlay_stats([tmp_path / "india"]).notices
    assert notice == (
        f"2 videos with another time in the name than in the container: {tmp_path}/20240302_063000.mp4 says "
        "2024-03-02 06:30, its container 2024-03-02 01:00 (UTC). Hours follow the names with --utc-offset +05:30."
    )
    assert overlay_stats([tmp_path / "india", drives], utc_offset=timedelta(hours=5.5)).notices == ()
    overlay_video(
        recorded_at(tmp_path / "20240302_080000.mp4", "2024-03-02T08:00:00Z"), TheUpperHalfIsSky(), tmp_path / "india"
    )
    stats = overlay_stats([tmp_path / "india"], utc_offset=timedelta(hours=5.5))
    assert stats.notices[0].startswith("1 video with") and stats.notices[0].endswith("with --utc-offset +00:00.")
    assert stats_tables(stats)[1].notes[-1] == stats.notices[0] == stats.as_dict()["notices"][0]
    assert "names with" not in overlay_stats([tmp_path / "india"], utc_offset=timedelta(hours=2)).notices[0]


def totals_of(table):
    """Totals of the rows of a table."""
    totals = ClassTotals(FrameTable.names(CAMVID_11))
    for rows in read_frames(table, totals.names):
        totals.add(rows.pixels, rows.durations)
    return totals


def frame(index, pts, duration):
    y, c = np.zeros((2, 2), np.uint8), np.zeros((1, 1), np.uint8)
    return Frame(y, c, c, "bt709", False, index, pts, Fraction(1, 4), duration)


@pytest.mark.slow
def test_hundreds_of_tables_add_up_to_what_numpy_says(tmp_path):
    """Frames of unequal duration, times over several days, a few videos without one."""
    draw = np.random.default_rng(0)
    example = overlay_video(make_drive(tmp_path / "example.mp4"), TheUpperHalfIsSky(), tmp_path / "example")
    classes = len(CAMVID_11) + 1
    fractions, durations, by_hour = [], [], defaultdict(list)
    for number in range(300):
        files = OverlayFiles.of(tmp_path / f"{number}.mp4", tmp_path / "out" / str(number % 7))
        files.frames.parent.mkdir(parents=True, exist_ok=True)
        start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=int(draw.integers(0, 400_000)))
        with FrameTable(files.frames, CAMVID_11, Fraction(1, 4)) as table:
            pts = 0
            for index in range(int(draw.integers(1, 40))):
                counts = draw.integers(0, 50, 256) * (draw.random(256) < 0.5) + (np.arange(256) == 3)
                duration = int(draw.integers(1, 1000))
                table.add(frame(index, pts, duration), counts)
                summed = np.append(counts[: classes - 1], counts[classes - 1 :].sum())
                fractions.append(summed / summed.sum())
                durations.append(duration / 4)
                if number % 10:
                    by_hour[(start + timedelta(seconds=pts / 4)).hour].append(len(durations) - 1)
                pts += duration
        totals = totals_of(files.frames)
        changed = {
            "video": f"{number}.mp4",
            "creation_time": start if number % 10 else None,
            "frames": totals.frames,
            "duration_seconds": totals.seconds,
            "classes": totals.shares(),
        }
        example.model_copy(update=changed).write(files)

    told = []
    stats = overlay_stats([tmp_path / "out"], on_progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 300) for done in range(1, 301)]
    weights, parts = np.array(durations), np.array(fractions)
    assert (len(stats.videos), stats.timeless, len(stats.hours)) == (300, 30, len(by_hour))
    for totals, rows in [(stats.totals, slice(None)), *((stats.hours[hour], by_hour[hour]) for hour in by_hour)]:
        weight, part = weights[rows], parts[rows]
        assert (totals.frames, totals.seconds) == (len(weight), pytest.approx(weight.sum()))
        found = totals.shares()
        assert [one.share for one in found] == pytest.approx(np.average(part, axis=0, weights=weight))
        assert [one.seconds for one in found] == pytest.approx(weight @ (part > 0))
        assert [one.frames for one in found] == (part > 0).sum(axis=0).tolist()
    assert sum(video.totals.seconds for video in stats.videos) == pytest.approx(weights.sum())
