"""Overlays that are cut off, in whatever way, and go on: the results equal those of one that was not."""

import hashlib
import json
import multiprocessing
import random
import time
from fractions import Fraction

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.clips import make_clip, sound_packets
from helpers.drive_clips import TheUpperHalfIsSky

from roadseg.errors import InputError, OutputError, VideoError
from roadseg.overlay import encoding, job, parts
from roadseg.overlay.appearance import Appearance
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.job import overlay_video
from roadseg.overlay.summary import OverlayOptions
from roadseg.video.reader import VideoReader

SEGMENT_FRAMES = 64
"""A quarter of the usual, so that a short video has several segments."""
FRAMES = 5 * SEGMENT_FRAMES + 29
THIRD_SEGMENT = 46
"""Number of a batch of four frames towards its end: a failure loses the frames that are on the way between stages."""
KILLS = 20
PARTS = ".clip.parts"


class TheBrighterIsSky(TheUpperHalfIsSky):
    """Labels that follow the frame, and a failure at a given batch."""

    concurrency = 1

    def __init__(self, fail_at=None):
        super().__init__()
        self.fail_at = fail_at
        self.batches = 0

    def segment(self, images, tta=None):
        if self.batches == self.fail_at:
            raise self.failure
        self.batches += 1
        return np.where(images[:, ::2, ::2].mean(axis=3) > images.mean(axis=(1, 2, 3))[:, None, None], 0, 3).astype(
            np.uint8
        )

    failure: BaseException = MemoryError("the network is too large")

    def scores(self, images, tta):
        """Two classes, sky and road, at a quarter of the size."""
        labels = self.segment(images, tta)
        sky = (labels[:, ::2, ::2] == 0).astype(np.float32)
        return np.log(0.1 + 0.8 * np.stack([sky, 1 - sky], axis=1)).astype(np.float32)

    def labels_from_scores(self, scores):
        return np.where(scores.argmax(1) == 0, 0, 3).astype(np.uint8)


def shorten_segments(set_attribute=setattr):
    for module in (parts, job, encoding):
        set_attribute(module, "SEGMENT_FRAMES", SEGMENT_FRAMES)


@pytest.fixture(scope="module", autouse=True)
def short_segments():
    with pytest.MonkeyPatch.context() as patch:
        shorten_segments(patch.setattr)
        yield


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    ticks = np.cumsum(np.random.default_rng(0).integers(20, 60, FRAMES)) + 500
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return make_clip(path, pts=[int(tick) for tick in ticks], time_base=Fraction(1, 1000), sound="aac").path


@pytest.fixture(scope="module")
def whole(clip, tmp_path_factory):
    """The results of an uninterrupted overlay."""
    out = tmp_path_factory.mktemp("whole")
    overlay_video(clip, TheBrighterIsSky(), out)
    return contents(clip, out)


def contents(clip, out):
    """Content of the results, without time and cost of the work."""
    files = OverlayFiles.of(clip, out)
    with VideoReader(files.overlay) as video:
        pictures = [
            (
                frame.pts * frame.time_base,
                frame.duration * frame.time_base,
                digest(frame.y, frame.u, frame.v),
            )
            for frame in video
        ]
    summary = json.loads(files.summary.read_text())
    for name in ("wall_seconds", "frames_per_second", "stages", "frames_resumed"):
        del summary[name]
    table, where = pq.read_table(files.frames), pq.read_metadata(files.frames).metadata[b"heatmaps"]
    return pictures, sound_packets(files.overlay), table.to_pydict(), where, summary


def digest(*planes):
    return hashlib.sha256(b"".join(plane.tobytes() for plane in planes)).hexdigest()


def names(out):
    return sorted(path.name for path in out.iterdir() if path.name != ".lock")


@pytest.mark.slow
def test_segments_encoded_at_once_are_those_encoded_one_by_one(clip, whole, tmp_path, monkeypatch):
    monkeypatch.setattr("roadseg.overlay.job.encoders_at_once", lambda segmenter, frame, encoder: 3)
    told = []
    with pytest.raises(MemoryError):
        overlay_video(clip, TheBrighterIsSky(fail_at=THIRD_SEGMENT), tmp_path)
    summary = overlay_video(clip, TheBrighterIsSky(), tmp_path, on_progress=lambda done, total: told.append(done))
    assert summary.frames_resumed > 0 and told[-1] == FRAMES and len(told) < 6
    assert contents(clip, tmp_path) == whole


@pytest.mark.slow
def test_what_is_finished_is_not_done_again(clip, whole, tmp_path):
    told = []
    with pytest.raises(MemoryError):
        overlay_video(clip, TheBrighterIsSky(fail_at=THIRD_SEGMENT), tmp_path)
    assert names(tmp_path) == [PARTS]
    left = sorted(path.name for path in (tmp_path / PARTS).iterdir())
    assert left == ["000000.mp4", "000000.parquet", "000001.mp4", "000001.parquet", "manifest.json"]
    segmenter = TheBrighterIsSky()
    summary = overlay_video(clip, segmenter, tmp_path, on_progress=lambda done, total: told.append(done))
    assert segmenter.batches == -(-(FRAMES - 2 * SEGMENT_FRAMES) // 4)
    assert told == list(range(2 * SEGMENT_FRAMES + 1, FRAMES + 1))
    assert (summary.frames, summary.frames_resumed) == (FRAMES, 2 * SEGMENT_FRAMES)
    assert contents(clip, tmp_path) == whole
    assert names(tmp_path) == ["clip.frames.parquet", "clip.overlay.mp4", "clip.summary.json"]


@pytest.mark.slow
def test_smoothing_goes_on_where_it_was(clip, tmp_path):
    smooth, whole, cut = OverlayOptions(smoothing=0.9), tmp_path / "whole", tmp_path / "cut"
    overlay_video(clip, TheBrighterIsSky(), whole, smooth)
    with pytest.raises(MemoryError):
        overlay_video(clip, TheBrighterIsSky(fail_at=THIRD_SEGMENT), cut, smooth)
    assert overlay_video(clip, TheBrighterIsSky(), cut, smooth).frames_resumed == 2 * SEGMENT_FRAMES
    assert contents(clip, cut) == contents(clip, whole)
    rows = pq.read_table(OverlayFiles.of(clip, whole).frames)["fraction_Sky"].to_numpy()
    assert len(np.unique(rows)) > 10, "what is smoothed has to change for this to show anything"


@pytest.mark.slow
def test_parts_of_another_job_are_not_used(clip, whole, tmp_path):
    with pytest.raises(MemoryError):
        overlay_video(
            clip, TheBrighterIsSky(fail_at=THIRD_SEGMENT), tmp_path, OverlayOptions(appearance=Appearance(opacity=0.9))
        )
    segmenter = TheBrighterIsSky()
    assert overlay_video(clip, segmenter, tmp_path).frames_resumed == 0
    assert contents(clip, tmp_path) == whole


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["{", '{"versions": {}}'])
def test_parts_whose_manifest_says_something_else_are_not_used(clip, whole, tmp_path, damage):
    with pytest.raises(MemoryError):
        overlay_video(clip, TheBrighterIsSky(fail_at=THIRD_SEGMENT), tmp_path)
    (tmp_path / PARTS / "manifest.json").write_text(damage)
    assert overlay_video(clip, TheBrighterIsSky(), tmp_path).frames_resumed == 0
    assert contents(clip, tmp_path) == whole


@pytest.mark.slow
def test_a_job_whose_last_segment_was_done_is_only_joined(clip, whole, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("roadseg.overlay.parts.join_videos", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            overlay_video(clip, TheBrighterIsSky(), tmp_path)
    segmenter = TheBrighterIsSky()
    assert overlay_video(clip, segmenter, tmp_path).frames_resumed == FRAMES
    assert segmenter.batches == 0
    assert contents(clip, tmp_path) == whole


def test_a_video_that_is_what_is_wrong_leaves_no_parts(clip, tmp_path):
    segmenter = TheBrighterIsSky(fail_at=THIRD_SEGMENT)
    segmenter.failure = VideoError("too many packets cannot be decoded", "Copy it again.")
    with pytest.raises(VideoError):
        overlay_video(clip, segmenter, tmp_path)
    assert names(tmp_path) == []


def test_parts_left_of_a_job_that_was_done_are_removed(clip, tmp_path):
    overlay_video(clip, TheBrighterIsSky(), tmp_path)
    (tmp_path / PARTS).mkdir()
    (tmp_path / PARTS / "000000.mp4").touch()
    assert overlay_video(clip, TheBrighterIsSky(), tmp_path).skipped
    assert PARTS not in names(tmp_path)


@pytest.mark.slow
def test_earlier_results_stay_until_new_ones_are_whole(clip, tmp_path, monkeypatch):
    overlay_video(clip, TheBrighterIsSky(), tmp_path)
    before = contents(clip, tmp_path)

    def no_room(*_, **__):
        raise OutputError("no space left", "Free some.")

    monkeypatch.setattr("roadseg.overlay.parts.join_videos", no_room)
    with pytest.raises(OutputError):
        overlay_video(
            clip, TheBrighterIsSky(), tmp_path, OverlayOptions(appearance=Appearance(opacity=0.9), overwrite=True)
        )
    assert contents(clip, tmp_path) == before


def work(clip, out):
    shorten_segments()
    overlay_video(clip, TheBrighterIsSky(), out)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_kill_9_at_any_moment(clip, whole, tmp_path):
    """Killed at random moments, again and again, each time in another state of the work."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "roadseg.overlay.job"])
    draw = random.Random(0)

    def start(out):
        process = context.Process(target=work, args=(clip, out))
        process.start()
        return process

    start(tmp_path / "warm").join()
    started = time.perf_counter()
    first = start(tmp_path / "first")
    first.join()
    seconds = time.perf_counter() - started
    assert first.exitcode == 0

    kills, resumed, out = 0, 0, tmp_path / "out-0"
    while kills < KILLS:
        process = start(out)
        process.join(draw.uniform(0, 0.6 * seconds))
        if process.is_alive():
            process.kill()
            process.join()
            kills += 1
            resumed += (out / PARTS / "000000.parquet").exists()
            assert not (out / "clip.summary.json").exists() or contents(clip, out) == whole
        else:
            assert process.exitcode == 0
            assert contents(clip, out) == whole
            out = tmp_path / f"out-{kills}"
    assert resumed > KILLS / 4, "most were killed before anything was finished: this shows nothing"
    last = start(out)
    last.join()
    assert last.exitcode == 0
    assert contents(clip, out) == whole
    assert names(out) == ["clip.frames.parquet", "clip.overlay.mp4", "clip.summary.json"]


def test_a_video_that_vanishes_keeps_its_finished_segments(clip, tmp_path):
    """As when a memory card is pulled out; here the sound cannot be read at the end."""
    video, away = tmp_path / "clip.mp4", tmp_path / "away.mp4"
    video.write_bytes(clip.read_bytes())

    class PullsTheCard(TheBrighterIsSky):
        def segment(self, images, tta=None):
            if self.batches == THIRD_SEGMENT:
                video.rename(away)
            return super().segment(images, tta)

    with pytest.raises(InputError, match="no longer there") as caught:
        overlay_video(video, PullsTheCard(), tmp_path / "out")
    assert not isinstance(caught.value, VideoError) and "repeat the call" in caught.value.remedy
    away.rename(video)
    summary = overlay_video(video, TheBrighterIsSky(), tmp_path / "out")
    assert (summary.frames, summary.frames_resumed > 0) == (FRAMES, True)
    assert not (tmp_path / "out" / PARTS).exists()
