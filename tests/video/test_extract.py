"""Extracted images: the right frames, an exact index, complete folders only, whatever happens to single videos."""

import json
import shutil
from fractions import Fraction

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.clips import level, make_clip

from roadseg.datasets.catalogue import dataset_kind
from roadseg.errors import InputError, OutputError, VideoError
from roadseg.video import extract
from roadseg.video.extract import extract_frames


@pytest.fixture
def clip(tmp_path):
    """Two seconds at 25 Hz, the grey of each frame encodes its index."""
    return make_clip(tmp_path / "drive.mp4", pts=range(50)).path


def rows(extraction):
    return pq.read_table(extraction.index).to_pylist()


def shown(extraction, row):
    """Return the index of the frame that an extracted image shows."""
    image = cv2.imread(str(extraction.index.parent / row["frame"]))
    return round((float(image[-8:, -8:].mean()) - level(0)) / 4)


def test_every(clip, tmp_path):
    result = extract_frames([clip], tmp_path / "out", every=0.5)
    listed = rows(result)
    assert [row["index"] for row in listed] == [0, 12, 25, 37]
    assert [shown(result, row) for row in listed] == [0, 12, 25, 37]
    assert [row["frame"].rpartition("/")[2] for row in listed] == [
        "000000.jpg",
        "000012.jpg",
        "000025.jpg",
        "000037.jpg",
    ]
    assert (result.images, result.videos[0].images, result.failures) == (4, 4, ())


def test_a_part_of_a_video(clip, tmp_path):
    out = tmp_path / "out"
    assert [row["index"] for row in rows(extract_frames(clip, out, every=0.2, start=1, duration=0.5))] == [25, 30, 35]
    assert extract_frames(clip, out, every=0.2, start=1, duration=0.5).videos[0].reused
    assert [row["index"] for row in rows(extract_frames(clip, out, count=2, start=1.2, min_change=0))] == [35, 45]


@pytest.mark.parametrize("count", [1, 4, 50])
def test_count(clip, tmp_path, count):
    result = extract_frames([clip], tmp_path / "out", count=count, min_change=0)
    assert result.images == len(rows(result)) == count


def test_every_second_by_default(clip, tmp_path):
    assert [row["index"] for row in rows(extract_frames(str(clip), str(tmp_path / "out")))] == [0, 25]


def test_folders_and_patterns(clip, tmp_path):
    for given in (clip.parent, tmp_path / "*.mp4"):
        assert [one.video for one in extract_frames(given, tmp_path / "out", count=1).videos] == [clip]


def test_count_where_the_length_is_not_stated(tmp_path):
    clip = make_clip(tmp_path / "raw.h264", pts=range(50)).path
    result = extract_frames([clip], tmp_path / "out", count=5)
    assert [row["index"] for row in rows(result)] == [5, 15, 25, 35, 45]


def test_scene_change(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", pts=range(50)).path
    result = extract_frames([clip], tmp_path / "out", scene_change=True)
    indices = [row["index"] for row in rows(result)]
    assert indices[0] == 0
    assert 5 < len(indices) < 40


def test_times_are_exact(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", pts=[75, 80, 99, 110], time_base=Fraction(1, 30))
    listed = rows(extract_frames([clip.path], tmp_path / "out", every=0.01, min_change=0))
    assert tuple(row["pts"] * Fraction(row["time_base_num"], row["time_base_den"]) for row in listed) == clip.seconds
    assert [row["seconds"] for row in listed] == pytest.approx([float(at) for at in clip.seconds])


def test_a_car_that_stands_is_kept_once(tmp_path):
    with_stop = [make_clip(tmp_path / f"{part}.h264", pts=range(5)).path for part in "ab"]
    film = tmp_path / "film.h264"
    film.write_bytes(b"".join(path.read_bytes() for path in with_stop))
    still = make_clip(tmp_path / "still.mkv", pts=[0]).path
    loop = tmp_path / "loop.h264"
    loop.write_bytes(make_clip(tmp_path / "one.h264", pts=[0]).path.read_bytes() * 20)
    result = extract_frames([film, still, loop], tmp_path / "out", every=0.04)
    assert [(video.images, video.duplicates) for video in result.videos] == [(10, 0), (1, 0), (1, 19)]
    again = extract_frames([loop], tmp_path / "out", every=0.04, min_change=0)
    assert (again.videos[0].images, again.videos[0].duplicates) == (20, 0)


@pytest.mark.parametrize(("max_size", "size"), [(32, (32, 24)), (64, (64, 48)), (500, (64, 48)), (None, (64, 48))])
def test_size(clip, tmp_path, max_size, size):
    result = extract_frames([clip], tmp_path / "out", count=2, max_size=max_size)
    assert len(rows(result)) == 2
    for row in rows(result):
        assert (row["width"], row["height"]) == size
        image = cv2.imread(str(result.index.parent / row["frame"]))
        assert image.shape == (size[1], size[0], 3)
        assert np.abs(image[2, 2].astype(int) - (30, 30, 220)).max() <= 12, "the red corner, in BGR"


def test_png_is_exact(clip, tmp_path):
    result = extract_frames([clip], tmp_path / "out", count=2, format="png")
    assert len(rows(result)) == 2
    for row in rows(result):
        assert row["frame"].endswith(".png")
        image = cv2.imread(str(result.index.parent / row["frame"]))
        assert np.abs(image[-8:, -8:].astype(int) - level(row["index"])).max() <= 2


def test_images_are_a_data_set(clip, tmp_path):
    result = extract_frames([clip], tmp_path / "out", count=7)
    assert len(dataset_kind("frames").open(tmp_path / "out")) == result.images == 7


def test_videos_of_one_name_do_not_collide(tmp_path):
    for folder, size in (("a", (64, 48)), ("b", (48, 64))):
        (tmp_path / folder).mkdir()
        make_clip(tmp_path / folder / "clip.mp4", size=size)
    paths = [tmp_path / "a/clip.mp4", tmp_path / "b/clip.mp4"]
    result = extract_frames(paths, tmp_path / "out", count=1)
    assert {(row["video"], row["width"]) for row in rows(result)} == {(str(paths[0]), 64), (str(paths[1]), 48)}


def test_a_video_given_twice_counts_once(clip, tmp_path):
    assert len(extract_frames([clip, clip], tmp_path / "out", count=3).videos) == 1


def test_a_broken_video_does_not_stop_the_others(clip, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing" * 99)
    result = extract_frames([broken, clip, tmp_path / "missing.mp4"], tmp_path / "out", count=3)
    assert [failure.video.name for failure in result.failures] == ["broken.mp4", "missing.mp4"]
    assert all(isinstance(failure.error, VideoError) for failure in result.failures)
    assert {row["video"] for row in rows(result)} == {str(clip)}


def test_only_broken_videos_are_an_error(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"nothing" * 99)
    with pytest.raises(VideoError, match=r"a\.mp4: not a video"):
        extract_frames([tmp_path / "a.mp4"], tmp_path / "out", count=3)
    with pytest.raises(VideoError, match="none of 2 videos"):
        extract_frames([tmp_path / "a.mp4", tmp_path / "b.mp4"], tmp_path / "out", count=3)
    with pytest.raises(VideoError, match="no videos"):
        extract_frames([], tmp_path / "out", count=3)
    assert not (tmp_path / "out" / "frames.parquet").exists()


def test_again_reuses_and_another_choice_replaces(clip, tmp_path):
    out = tmp_path / "out"
    first = extract_frames([clip], out, count=10)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.jpg")}
    second = extract_frames([clip], out, count=10)
    assert (first.videos[0].reused, second.videos[0].reused) == (False, True)
    assert second.images == 10
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.jpg")} == before
    third = extract_frames([clip], out, count=3)
    assert not third.videos[0].reused
    assert len(list(out.rglob("*.jpg"))) == len(rows(third)) == 3


def test_another_call_adds_to_the_folder(clip, tmp_path):
    other = make_clip(tmp_path / "other.mp4", size=(32, 32)).path
    extract_frames([clip], tmp_path / "out", count=3)
    result = extract_frames([other], tmp_path / "out", count=2)
    assert result.images == 2
    assert len(rows(result)) == 5


def test_images_that_somebody_deletes_leave_the_index(clip, tmp_path):
    result = extract_frames([clip], tmp_path / "out", count=3)
    (tmp_path / "out" / rows(result)[1]["frame"]).unlink()
    assert len(rows(extract_frames([clip], tmp_path / "out", count=3))) == 2


def test_interruption_keeps_what_is_done_and_leaves_nothing_half(clip, tmp_path, monkeypatch):
    other = make_clip(tmp_path / "other.mp4", size=(32, 32), pts=range(50)).path

    def stop(video, done, total):
        if video == other and done == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_frames([clip, other], tmp_path / "out", count=5, on_progress=stop)
    assert [path.name for path in (tmp_path / "out").glob("*-*")] == [next((tmp_path / "out").glob("drive-*")).name]
    assert len(pq.read_table(tmp_path / "out" / "frames.parquet")) == 5
    result = extract_frames([clip, other], tmp_path / "out", count=5)
    assert [video.reused for video in result.videos] == [True, False]


@pytest.mark.parametrize("name", ["drive-12345678.part", "drive-12345678-track2.part"])
def test_remains_of_a_killed_process_are_cleared(clip, tmp_path, name):
    remains = tmp_path / "out" / name
    remains.mkdir(parents=True)
    (remains / "000000.jpg").write_bytes(b"half")
    foreign = tmp_path / "out" / "my own.part"
    foreign.mkdir()
    extract_frames([clip], tmp_path / "out", count=1)
    assert not remains.exists()
    assert foreign.exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"images": []}'])
def test_a_record_in_another_form_is_written_again(clip, tmp_path, text):
    first = extract_frames([clip], tmp_path / "out", count=2)
    record = first.videos[0].folder / "frames.json"
    record.write_text(text)
    again = extract_frames([clip], tmp_path / "out", count=2)
    assert not again.videos[0].reused
    assert len(json.loads(record.read_text())["images"]) == len(rows(again)) == 2


def test_a_failed_write_leaves_the_images_of_last_time(clip, tmp_path, monkeypatch):
    out = tmp_path / "out"
    first = extract_frames([clip], out, count=5)

    def fail(path, frame, size):
        raise OutputError(f"{path}: no space left on the disk")

    monkeypatch.setattr(extract, "_write_image", fail)
    with pytest.raises(OutputError, match="no space left"):
        extract_frames([clip], out, count=6)
    assert len(list(out.rglob("*.jpg"))) == len(rows(first)) == 5
    assert not list(out.glob("*.part"))


def test_two_processes_do_not_write_to_one_folder(clip, tmp_path):
    from roadseg.files import locked

    with locked(tmp_path / "out"), pytest.raises(OutputError, match="another roadseg process"):
        extract_frames([clip], tmp_path / "out", count=1)


def test_progress_covers_every_frame(clip, tmp_path):
    seen = []
    extract_frames([clip], tmp_path / "out", count=1, on_progress=lambda *now: seen.append(now))
    assert seen == [(clip, done, 50) for done in range(1, 51)]


def test_record_says_what_happened(tmp_path):
    clip = make_clip(tmp_path / "clip.h264", pts=range(25)).path
    result = extract_frames([clip], tmp_path / "out", every=0.2)
    record = json.loads((result.videos[0].folder / "frames.json").read_text())
    assert record["choice"]["every"] == "1/5"
    assert record["events"] == result.videos[0].events
    assert "25 frames a second assumed" in record["events"]["notices"][0]


def test_odd_names_become_folders(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4").path
    odd = tmp_path / "Ünter den/"
    odd.mkdir()
    shutil.copy(clip, odd / "..my drive: 12%.mp4")
    result = extract_frames([odd / "..my drive: 12%.mp4"], tmp_path / "out", count=1)
    assert result.videos[0].folder.name.startswith("my_drive_12-")


@pytest.mark.parametrize(
    ("ways", "cause"),
    [
        ({"every": 1.0, "count": 3}, "one way"),
        ({"count": 3, "scene_change": True}, "one way"),
        ({"every": 0.0}, "interval"),
        ({"count": 0}, "number of frames"),
        ({"count": 1, "max_size": 0}, "size"),
    ],
)
def test_contradictory_choices(clip, tmp_path, ways, cause):
    with pytest.raises(InputError, match=cause):
        extract_frames([clip], tmp_path / "out", **ways)
    assert not (tmp_path / "out").exists()
