import itertools
import json
import threading
from fractions import Fraction

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.positions import nmea_sentence

from roadseg.adaptation.batch_norm import BatchNormAdaptation
from roadseg.errors import OutputError
from roadseg.files import fingerprint, held, locked
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.catalogue import CAMVID_11
from roadseg.models.tta import TTA
from roadseg.overlay.appearance import NO_LEGEND, Appearance
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.frame_table import POSITION_COLUMNS
from roadseg.overlay.job import overlay_video
from roadseg.overlay.summary import OverlayOptions
from roadseg.positions.options import PositionChoice
from roadseg.video.frame import Frame
from roadseg.video.probe import probe
from roadseg.video.reader import VideoReader
from roadseg.video.writer import VideoWriter

pytestmark = pytest.mark.timeout(60)
NAMES = ["clip.frames.parquet", "clip.overlay.mp4", "clip.summary.json"]


class BrightIsSky(Segmenter):
    """Labels bright pixels as sky (0) and the rest as road (3), at half the input size."""

    label_space = CAMVID_11
    input_size = (32, 16)
    batch_size = 4
    concurrency = 1

    def __init__(self, name: str = "bright", fail_at: int | None = None) -> None:
        self.name = name
        self.fail_at = fail_at
        self.batches: list[int] = []
        self.tta = set()
        self.adaptations = []

    def adapted_to(self, images, adaptation):
        self.adaptations.append((images, adaptation))
        return self

    def segment(self, images, tta=None):
        self.tta.add(tta)
        assert images.shape[1:] == (16, 32, 3) and images.dtype == np.uint8
        if self.fail_at == len(self.batches):
            raise MemoryError("the network is too large")
        self.batches.append(len(images))
        return np.where(images[:, ::2, ::2].mean(axis=3) > 127, 0, 3).astype(np.uint8)


def picture(index, width=64, height=48):
    """Bright above, dark below, the border one row lower in each frame."""
    rgb = np.full((height, width, 3), 20, np.uint8)
    rgb[: 12 + index] = 230
    return rgb


def make_video(path, durations=(1,) * 10, time_base=Fraction(1, 25), start=0, width=64, height=48):
    starts = itertools.accumulate(durations, initial=start)
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, width=width, height=height, time_base=time_base) as writer:
        for index, (pts, duration) in enumerate(zip(starts, durations, strict=False)):
            rgb = picture(index, width, height)
            writer.write(Frame.from_rgb(rgb, index=index, pts=pts, time_base=time_base, duration=duration))
    return path


def times(path):
    with VideoReader(path) as video:
        return [(float(frame.pts * frame.time_base), float(frame.duration * frame.time_base)) for frame in video]


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


@pytest.fixture
def clip(tmp_path):
    return make_video(tmp_path / "clip.mp4")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


RED_SKY = Appearance(style="both", palette={"Sky": (255, 0, 0)})
PLAIN = OverlayOptions(appearance=NO_LEGEND)


@pytest.mark.parametrize(
    ("durations", "time_base", "start"),
    [
        ((1,) * 10, Fraction(1, 25), 0),
        ((1001, 3003, 500, 9000, 1001), Fraction(1, 30_000), 0),
        ((40,) * 7, Fraction(1, 1000), 520),
    ],
    ids=["constant rate", "variable rate", "late start"],
)
def test_every_frame_at_its_time(tmp_path, out, durations, time_base, start):
    clip = make_video(tmp_path / "clip.mp4", durations, time_base, start)
    summary = overlay_video(clip, BrightIsSky(), out, PLAIN)
    assert names(out) == NAMES
    assert times(out / "clip.overlay.mp4") == times(clip)
    table = pq.read_table(out / "clip.frames.parquet")
    assert list(zip(table["seconds"].to_pylist(), table["duration_seconds"].to_pylist(), strict=True)) == times(clip)
    assert summary.frames == summary.frames_declared == len(durations)
    assert summary.duration_seconds == pytest.approx(sum(duration for _, duration in times(clip)))


def test_the_overlay_shows_the_labels(clip, out):
    overlay_video(clip, BrightIsSky(), out, OverlayOptions(appearance=Appearance(opacity=1, legend="none")))
    with VideoReader(out / "clip.overlay.mp4") as video:
        rgb = next(iter(video)).to_rgb().astype(int)
    assert np.abs(rgb[4, 32] - CAMVID_11.colours[0]).max() < 12
    assert np.abs(rgb[40, 32] - CAMVID_11.colours[3]).max() < 12


def test_batches_of_large_frames_are_small(clip, out, monkeypatch):
    monkeypatch.setattr("roadseg.overlay.job.BATCH_BYTES", 3 * 64 * 48 * 3 // 2 + 1)
    segmenter = BrightIsSky()
    overlay_video(clip, segmenter, out, OverlayOptions(batch_size=100, appearance=NO_LEGEND))
    assert segmenter.batches == [3, 3, 3, 1]


def test_without_a_word_batches_are_as_the_segmenter_likes_them(clip, out):
    segmenter = BrightIsSky()
    overlay_video(clip, segmenter, out, OverlayOptions(appearance=NO_LEGEND))
    assert segmenter.batches == [4, 4, 2]


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_batch_size_changes_nothing_but_the_batches(clip, out, batch_size):
    segmenter = BrightIsSky()
    overlay_video(clip, segmenter, out, OverlayOptions(batch_size=batch_size, appearance=NO_LEGEND))
    expected = {1: [1] * 10, 3: [3, 3, 3, 1], 100: [10]}
    assert segmenter.batches == expected[batch_size]
    road = pq.read_table(out / "clip.frames.parquet")["fraction_Road"].to_pylist()
    assert len(road) == 10
    assert road == sorted(road, reverse=True)
    assert road[0] > road[-1]


def test_the_summary_says_what_was_seen_and_done(clip, out):
    summary = overlay_video(clip, BrightIsSky(), out)
    document = json.loads((out / "clip.summary.json").read_text())
    assert document == summary.model_dump(mode="json")
    shares = {entry["name"]: entry for entry in document["classes"]}
    assert list(shares) == [*CAMVID_11.classes, "unlabelled"]
    assert shares["Sky"]["share"] + shares["Road"]["share"] == pytest.approx(1)
    assert shares["Road"]["frames"] == 10 and shares["Car"]["frames"] == 0
    assert shares["Road"]["seconds"] == pytest.approx(0.4) and document["duration_seconds"] == pytest.approx(0.4)
    assert list(document["stages"]) == ["decode", "prepare", "segment", "draw", "encode"]
    assert all(stage["busy_seconds"] > 0 for stage in document["stages"].values())
    assert (document["width_px"], document["height_px"]) == (64, 48)
    assert document["job"]["segmenter"] == "bright"
    assert document["job"]["video_fingerprint"] == fingerprint(clip)
    assert document["decoder_events"]["corrupt_packets"] == 0
    assert set(document["versions"]) >= {"roadseg", "torch", "av"}
    assert not summary.skipped


def test_views_and_adaptation_reach_the_segmenter_and_the_summary(clip, out):
    segmenter, tta = BrightIsSky(), TTA(flip=True, scales=(1.5, 0.5))
    adaptation = BatchNormAdaptation(7, "indian")
    overlay_video(clip, segmenter, out, OverlayOptions(tta=tta, batch_norm=adaptation))
    assert segmenter.tta == {tta}
    ((pictures, asked),) = segmenter.adaptations
    assert (pictures.shape, asked) == ((10, 16, 32, 3), adaptation)
    job = json.loads((out / "clip.summary.json").read_text())["job"]
    assert (job["flip"], job["scales"]) == (True, [0.5, 1.5])
    assert (job["batch_norm_prior"], job["batch_norm_scenes"]) == (7, "indian")


def test_nothing_is_adapted_or_averaged_unasked_or_twice(clip, out):
    segmenter = BrightIsSky()
    overlay_video(clip, segmenter, out)
    assert (segmenter.tta, segmenter.adaptations) == ({TTA()}, [])
    overlay_video(clip, segmenter, out, OverlayOptions(batch_norm=BatchNormAdaptation(7), overwrite=True))
    assert overlay_video(clip, segmenter, out, OverlayOptions(batch_norm=BatchNormAdaptation(7))).skipped
    assert len(segmenter.adaptations) == 1


def test_progress_counts_every_frame(clip, out):
    told = []
    overlay_video(clip, BrightIsSky(), out, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 10) for done in range(1, 11)]


def test_a_job_that_was_done_is_not_done_again(clip, out):
    first = overlay_video(clip, BrightIsSky(), out)
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.name != ".lock"}
    segmenter = BrightIsSky()
    second = overlay_video(clip, segmenter, out, OverlayOptions(batch_size=1))
    assert second.skipped and segmenter.batches == []
    assert second.model_copy(update={"skipped": False}) == first
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.name != ".lock"} == before
    moved = clip.rename(clip.parent.joinpath("moved").with_suffix(".mp4")).rename(clip)  # same content, new time
    assert overlay_video(moved, BrightIsSky(), out).skipped


@pytest.mark.parametrize("missing", NAMES)
def test_a_job_whose_results_are_not_all_there_is_done_again(clip, out, missing):
    overlay_video(clip, BrightIsSky(), out)
    (out / missing).unlink()
    assert not overlay_video(clip, BrightIsSky(), out).skipped
    assert names(out) == NAMES


def test_results_of_another_job_are_replaced_only_on_demand(clip, out, tmp_path):
    overlay_video(clip, BrightIsSky(), out)
    other = make_video(tmp_path / "other" / "clip.mp4", durations=(1,) * 5)
    for video, segmenter, options, difference in [
        (other, BrightIsSky(), OverlayOptions(), "another video$"),
        (clip, BrightIsSky("dim"), OverlayOptions(), "another network$"),
        (
            clip,
            BrightIsSky(),
            OverlayOptions(appearance=Appearance(opacity=0.4, legend="none")),
            "another choice of --opacity and --legend$",
        ),
        (clip, BrightIsSky(), OverlayOptions(appearance=RED_SKY), "another choice of --style and --palette$"),
        (clip, BrightIsSky(), OverlayOptions(tta=TTA(flip=True)), "another choice of --flip$"),
        (clip, BrightIsSky(), OverlayOptions(batch_norm=BatchNormAdaptation(7)), "another choice of --adapt-bn$"),
    ]:
        with pytest.raises(OutputError) as caught:
            overlay_video(video, segmenter, out, options)
        assert caught.match("clip.overlay.mp4: there already, made with " + difference.rstrip("$"))
    assert overlay_video(clip, BrightIsSky(), out).skipped
    assert overlay_video(other, BrightIsSky(), out, OverlayOptions(overwrite=True)).frames == 5
    assert len(times(out / "clip.overlay.mp4")) == 5


def test_a_summary_that_is_none_of_ours_is_not_replaced(clip, out):
    overlay_video(clip, BrightIsSky(), out)
    (out / "clip.summary.json").write_text("{}")
    with pytest.raises(OutputError, match="not written by this version"):
        overlay_video(clip, BrightIsSky(), out)


@pytest.mark.parametrize("fail_at", [0, 1, 3])
def test_a_segmenter_that_fails_leaves_nothing_behind(clip, out, fail_at):
    with pytest.raises(MemoryError, match="too large"):
        overlay_video(clip, BrightIsSky(fail_at=fail_at), out, OverlayOptions(batch_size=3))
    assert not out.exists()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("roadseg-")]


def test_a_caller_that_fails_keeps_the_earlier_results(clip, out):
    overlay_video(clip, BrightIsSky(), out)
    before = {name: (out / name).read_bytes() for name in NAMES}

    def interrupt(done, total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        overlay_video(clip, BrightIsSky(), out, OverlayOptions(overwrite=True), on_progress=interrupt)
    assert names(out) == NAMES
    assert {name: (out / name).read_bytes() for name in NAMES} == before


@pytest.mark.slow
def test_two_runs_refuse_each_other(clip, out, tmp_path):
    refused = pytest.raises(OutputError, match="another roadseg process is writing here")
    with locked(out), refused:
        overlay_video(clip, BrightIsSky(), out)
    with held(out / "clip.overlay.mp4"), refused:
        overlay_video(clip, BrightIsSky(), out)
    met = []

    def meanwhile(done, total):
        """In the middle of the work, the same video is refused and another is not."""
        if done == 5:
            with pytest.raises(OutputError, match=r"clip\.overlay\.mp4: another roadseg process"):
                overlay_video(clip, BrightIsSky(), out)
            met.append(overlay_video(make_video(tmp_path / "other.mp4"), BrightIsSky(), out))

    overlay_video(clip, BrightIsSky(), out, on_progress=meanwhile)
    assert [summary.frames for summary in met] == [10]
    assert overlay_video(clip, BrightIsSky(), out).skipped


def test_damage_is_counted_and_flagged(tmp_path, out):
    clip = make_video(tmp_path / "clip.mkv", durations=(40,) * 60, time_base=Fraction(1, 1000))
    data = bytearray(clip.read_bytes())
    for position in range(len(data) // 2, len(data) // 2 + 400, 2):
        data[position] ^= 0xFF
    clip.write_bytes(data)
    summary = overlay_video(clip, BrightIsSky(), out)
    flags = pq.read_table(out / "clip.frames.parquet")["decode_error"].to_pylist()
    assert summary.decoder_events["corrupt_packets"] + summary.decoder_events["damaged_frames"] > 0
    assert any(flags) and not all(flags) and not flags[0]


def test_a_given_frame_rate_places_frames_that_have_no_time(real_data, out):
    video = real_data / "video" / "odd" / "enst_video.h264"
    summary = overlay_video(video, BrightIsSky(), out, OverlayOptions(frame_rate=Fraction(10), appearance=NO_LEGEND))
    assert summary.duration_seconds == pytest.approx(summary.frames / 10)
    assert times(out / "enst_video.overlay.mp4")[1] == pytest.approx((0.1, 0.1))


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name", ["realshort.mp4", "video_90.mov", "h264_10bits.mp4", "bt709_full_range.mp4", "av1_video.mkv"]
)
def test_real_videos_keep_their_times_size_and_sound(real_data, out, name):
    video = real_data / "video" / "odd" / name
    summary = overlay_video(video, BrightIsSky(), out, PLAIN)
    files = OverlayFiles.of(video, out)
    before, after = probe(video), probe(files.overlay)
    assert np.array(times(files.overlay)) == pytest.approx(np.array(times(video)))
    assert (after.width, after.height) == (before.width // 2 * 2, before.height // 2 * 2)
    assert after.codec == "h264"
    kept = tuple(codec for codec in before.audio_codecs if codec in ("aac", "mp3", "opus"))
    assert after.audio_codecs == kept
    assert len(summary.notices) >= len(before.audio_codecs) - len(kept)


def test_a_fetched_video_keeps_its_title(clip, tmp_path):
    video = tmp_path / "fetched.mp4"
    video.write_bytes(clip.read_bytes())
    about = dict.fromkeys(("url", "section", "extractor", "id", "width", "height", "duration_seconds", "sha256"))
    entry = about | {"file": video.name, "size_bytes": 1, "fetched_at": ""}
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(json.dumps(entry) + "\n")
    assert overlay_video(video, BrightIsSky(), tmp_path / "before titles were kept").fetched_title == ""
    manifest.write_text(json.dumps(entry | {"title": "Rain in Kochi"}) + "\n")
    assert overlay_video(video, BrightIsSky(), tmp_path / "out").fetched_title == "Rain in Kochi"


def test_positions_are_in_every_row_where_they_are_known(tmp_path):
    video = make_video(tmp_path / "clip.mp4", durations=(25,) * 5)
    sentences = [
        nmea_sentence(f"GPRMC,03000{at}.000,A,3300.{at:02d}00,S,07000.0000,W,19.44,0.00,140826,,,A") for at in range(4)
    ]
    video.with_suffix(".nmea").write_text("\n".join(sentences))
    summary = overlay_video(video, BrightIsSky(), tmp_path / "out", OverlayOptions(NO_LEGEND))
    assert summary.position.source == "NMEA, clip.nmea" and summary.position.fixes == 4
    table = pq.read_table(tmp_path / "out" / "clip.frames.parquet")
    assert [str(table.schema.field(name).type) for name in POSITION_COLUMNS] == [
        *("timestamp[us, tz=UTC]", "double", "double", "float", "float", "double"),
    ]
    rows = table.select(list(POSITION_COLUMNS)).to_pylist()
    assert rows[1]["lat"] == pytest.approx(-33 - 0.01 / 60) and rows[1]["lon"] == -70
    assert rows[2]["utc"].isoformat() == "2026-08-14T03:00:02+00:00"
    assert rows[3]["distance_m"] == pytest.approx(3 * 18.487, rel=1e-3)
    assert all(value is None for value in rows[4].values())
    again = overlay_video(video, BrightIsSky(), tmp_path / "out", OverlayOptions(NO_LEGEND))
    assert again.skipped
    none = OverlayOptions(NO_LEGEND, position=PositionChoice("none"))
    with pytest.raises(OutputError, match="made with another choice of --gps\n"):
        overlay_video(video, BrightIsSky(), tmp_path / "out", none)
    video.with_suffix(".nmea").chmod(0)
    without = overlay_video(video, BrightIsSky(), tmp_path / "none", none)
    assert without.position is None
    assert pq.read_table(tmp_path / "none" / "clip.frames.parquet")["lat"].null_count == 5


def test_positions_that_cannot_be_placed_are_a_notice(tmp_path):
    video = make_video(tmp_path / "clip.mp4", durations=(25,) * 2)
    points = "".join(f'<trkpt lat="1" lon="2"><time>2026-08-14T03:00:0{at}Z</time></trkpt>' for at in range(3))
    video.with_suffix(".gpx").write_text(f"<gpx><trk><trkseg>{points}</trkseg></trk></gpx>")
    (notice,) = overlay_video(video, BrightIsSky(), tmp_path / "out", OverlayOptions(NO_LEGEND)).notices
    cause = "clip.mp4: states no time of recording, so GPX, clip.gpx cannot be placed"
    assert notice.startswith(f"positions: {cause}. Give --gps-offset SECONDS")
