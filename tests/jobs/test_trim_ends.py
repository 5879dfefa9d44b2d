"""Overlays without the first and last metres of a drive."""

from fractions import Fraction

import pyarrow.parquet as pq
import pytest
from helpers.drive_clips import TheUpperHalfIsSky, make_drive
from helpers.positions import nmea_sentence

import roadseg
from roadseg.errors import InputError
from roadseg.jobs.overlay import overlay_videos
from roadseg.overlay.failures import Failure
from roadseg.video.reader import VideoReader

pytestmark = pytest.mark.timeout(60)
METRES = 10.0 / 111_320 * 60
"""Minutes of latitude of ten metres."""


def drive(path, *, begins, located=True):
    """A clip of eight seconds that drives ten metres a second to the south, with the camera's log."""
    make_drive(path, (1,) * 8, Fraction(1))
    lines = [
        f"GPRMC,0830{begins + at:02d}.000,A,33{(begins + at) * METRES:07.4f},S,07000.0000,W,19.44,180.0,140826,,,A"
        for at in range(8)
    ]
    if located:
        path.with_suffix(".nmea").write_text("\n".join(map(nmea_sentence, lines)))
    return path


def seconds(folder, name):
    return pq.read_table(folder / f"{name}.frames.parquet")["seconds"].to_pylist()


def test_a_video_by_itself_loses_both_ends(tmp_path):
    video = drive(tmp_path / "clip.mp4", begins=0)
    (summary,) = overlay_videos(video, tmp_path / "out", TheUpperHalfIsSky(), trim_ends=15, masks="npz")
    assert seconds(tmp_path / "out", "clip") == [2.0, 3.0, 4.0]
    assert summary.frames == 3 and summary.position.fixes > 0
    with VideoReader(tmp_path / "out" / "clip.overlay.mp4") as overlay:
        assert len(list(overlay)) == 3
    (again,) = overlay_videos(video, tmp_path / "out", TheUpperHalfIsSky(), trim_ends=15, masks="npz")
    assert again.skipped


def test_a_drive_loses_its_ends_and_not_those_of_its_clips(tmp_path):
    for begins in (0, 8, 16):
        drive(tmp_path / "card" / f"20260814_0830{begins:02d}_NF.mp4", begins=begins)
    warnings = []
    found = roadseg.find_drives(tmp_path / "card")
    results = overlay_videos(
        found.videos(), tmp_path / "out", TheUpperHalfIsSky(), trim_ends=75, on_warning=warnings.append
    )
    assert [result.frames for result in results] == [7]
    assert len(warnings) == 2 and all("left out, within 75 m of an end of its drive" in each for each in warnings)
    results = overlay_videos(found.videos(), tmp_path / "more", TheUpperHalfIsSky(), trim_ends=25)
    assert [result.frames for result in results] == [5, 8, 4]
    results = overlay_videos(found.videos(), tmp_path / "more", TheUpperHalfIsSky(), trim_ends=75, overwrite=True)
    assert [isinstance(result, Failure) for result in results] == [True, True, False]
    assert "there already, but within 75 m of an end of the drive" in results[0].error.cause


def test_what_would_show_the_ends_is_refused(tmp_path):
    unknown = drive(tmp_path / "unknown.mp4", begins=0, located=False)
    short = drive(tmp_path / "short.mp4", begins=0)
    failures = overlay_videos([unknown, short], tmp_path / "out", TheUpperHalfIsSky(), trim_ends=50)
    assert all(isinstance(failure, Failure) for failure in failures)
    assert [failure.error.cause.partition(": ")[2] for failure in failures] == [
        "no positions, so nothing tells its first and last 50 m",
        "all that is wanted of it is within 50 m of an end of its line",
    ]
    assert not list((tmp_path / "out").glob("*.mp4"))
    with pytest.raises(InputError, match="trim_ends needs positions"):
        overlay_videos(short, tmp_path / "out", TheUpperHalfIsSky(), trim_ends=50, gps="none")
