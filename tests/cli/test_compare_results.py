"""`roadseg compare --dataset` and `--video`, with random and default weights."""

import json
import re
from fractions import Fraction

import numpy as np
import pytest
import torch
from helpers.clips import make_clip, picture_times, sound_packets, sound_tracks
from helpers.tiny import write_streets

from roadseg.inference.engines import load_segmenter
from roadseg.models.build import build_model
from roadseg.models.weights import MODEL_FILE, ModelCard, save_model
from roadseg.overlay import side_by_side
from roadseg.overlay.appearance import NO_LEGEND
from roadseg.overlay.draw import Overlay
from roadseg.video.reader import VideoReader

TORCH = ("--engine", "torch")
"""An engine that needs no compilation, where the engine does not matter."""
FILES = ["compare.html", "comparison.json", "comparison.md", "comparison.png"]


def make_run(folder, seed):
    torch.manual_seed(seed)
    card = ModelCard(
        model="fast", levels=1, labels="cityscapes-19", input_size=(64, 48), method="source-only", source="nothing",
        target="", steps=0, seed=seed,
    )  # fmt: skip
    folder.mkdir(parents=True)
    save_model(folder / MODEL_FILE, build_model("fast", 19, levels=1, pretrained=False), card)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [make_run(folder / name, seed) for seed, name in enumerate(("before", "after", "third", "fourth"))]


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    return write_streets(tmp_path_factory.mktemp("set") / "streets", 3)


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) if folder.exists() else []


@pytest.fixture
def compare(roadseg, tmp_path):
    return lambda *arguments: roadseg("compare", *arguments, "--device", "cpu", "--out", tmp_path / "out")


@pytest.mark.slow
def test_a_data_set_gives_a_page_an_image_and_tables(compare, runs, streets, tmp_path, capsys):
    assert compare(*runs[:2], "--dataset", f"streets:{streets}", "--images", 2, "--flip") == 0
    shown = capsys.readouterr()
    assert "mIoU" in shown.out and "compare.html" in shown.err
    assert visible(tmp_path / "out") == FILES
    assert "each image and its mirror image" in (tmp_path / "out" / "compare.html").read_text()

    assert (
        compare(runs[0] / MODEL_FILE, "default", "--dataset", f"streets:{streets}", "--input-size", "64x48", "--json")
        == 0
    )
    record = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in record["runs"]] == ["before", "default"]
    assert [one["input_size_px"] for one in record["runs"]] == [[64, 48]] * 2
    assert len(record["shown"]) == 3
    saved = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert saved == {key: record[key] for key in saved}
    table = (tmp_path / "out" / "comparison.md").read_text()
    assert f"| {saved['runs'][0]['miou']:.2f} |" in table or f"| **{saved['runs'][0]['miou']:.2f}** |" in table


@pytest.mark.slow
@pytest.mark.parametrize("columns", [50, 80])
def test_no_line_is_wider_than_the_terminal(compare, runs, streets, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert compare(*runs, "--dataset", f"streets:{streets}", "--quiet") == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= columns


def test_a_data_set_that_cannot_be_scored_leaves_nothing(compare, runs, streets, tmp_path, capsys):
    for arguments, message in (
        ((runs[0], "--dataset", f"frames:{streets / 'images'}"), "has no label maps"),
        ((runs[0], tmp_path / "none", "--dataset", f"streets:{streets}"), "no trained model here"),
        ((runs[0], "--dataset", f"streets:{tmp_path / 'none'}"), "none"),
        ((runs[0], "--dataset", f"streets:{streets}", "--smooth"), "not the frames of one video"),
    ):
        assert compare(*arguments) == 1
        told = capsys.readouterr().err.strip().splitlines()
        assert message in told[0] and len(told) == 2, told
        assert visible(tmp_path / "out") == []


def pane(frame, place):
    """Luma of a pane of a video of 160x96, without its title."""
    top, left = place // 2 * 100, place % 2 * 164
    return frame.y[top + 40 : top + 96, left : left + 160].astype(int)


def seen(segmenter, frame):
    """Luma of a frame with the labels of a run, without the rows of the title."""
    labels = segmenter.segment(np.stack([frame.to_rgb(segmenter.input_size)]))[0]
    return Overlay(segmenter.label_space, NO_LEGEND).draw(frame, labels).y[40:96].astype(int)


@pytest.mark.slow
def test_a_video_has_a_pane_a_run_in_step(compare, runs, tmp_path, capsys):
    clip = make_clip(
        tmp_path / "clip.mp4", size=(160, 96), pts=(0, 30, 31, 40, 70, 71, 95), time_base=Fraction(1, 90),
        sound="aac", noise=True,
    )  # fmt: skip
    assert compare(*runs[:2], "--video", clip.path, "--json") == 0
    record = json.loads(capsys.readouterr().out)
    path = tmp_path / "out" / "clip.comparison.mp4"
    assert visible(tmp_path / "out") == [path.name]
    assert (record["comparison"], record["frames"]) == (str(path), 7)
    assert list(record["runs"]) == ["before", "after"]
    assert picture_times(path) == picture_times(clip.path)
    assert sound_tracks(path) == sound_tracks(clip.path) != []
    segmenters = [load_segmenter(run, device="cpu").fitted(160 / 96) for run in runs[:2]]
    with VideoReader(path) as video, VideoReader(clip.path) as plain:
        assert (video.info.width, video.info.height) == (record["width_px"], record["height_px"])
        assert video.info.width == 324 and video.info.height >= 96
        assert (video.info.codec, video.info.pixel_format) == ("h264", "yuv420p")
        for frame, before in zip(video, plain, strict=True):
            expected = [seen(segmenter, before) for segmenter in segmenters]
            for place in range(2):
                apart = [np.abs(pane(frame, place) - one).mean() for one in expected]
                assert apart[place] < 5 < apart[1 - place]


@pytest.mark.slow
def test_a_part_of_a_video_begins_at_0_with_its_sound(compare, runs, tmp_path, capsys):
    clip = make_clip(tmp_path / "clip.mp4", size=(160, 96), pts=range(50), sound="aac", noise=True)
    part = ("--video", clip.path, "--start", "0.4", "--duration", "0.8s")
    assert compare(*runs[:2], *part, *TORCH, "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["frames"], record["duration_seconds"]) == (20, pytest.approx(0.8))
    assert not any("sound" in notice for notice in record["notices"])
    path = tmp_path / "out" / "clip.comparison.mp4"
    original = {data: at for data, at, _ in sound_packets(clip.path)}
    assert {original[data] - at for data, at, _ in sound_packets(path)} == {Fraction(2, 5)}
    segmenter = load_segmenter(runs[0], device="cpu", engine="torch").fitted(160 / 96)
    with VideoReader(path) as video, VideoReader(clip.path) as plain:
        for frame, before in zip(video, list(plain)[10:30], strict=True):
            assert frame.pts * frame.time_base == Fraction(before.index - 10, 25)
            assert np.abs(pane(frame, 0) - seen(segmenter, before)).mean() < 5

    for arguments, code, message in (
        (("--video", clip.path, "--start", "9"), 1, "no frame begins from 0:09 on"),
        (("--video", clip.path, "--duration", "0"), 1, "wanted above 0"),
        (("--dataset", "streets:x", "--start", "9"), 2, "give it together with --video"),
    ):
        assert compare(*runs[:2], *arguments) == code
        assert message in capsys.readouterr().err


@pytest.mark.slow
def test_three_runs_and_the_video_make_a_square(compare, runs, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", size=(160, 96), noise=True, pts=range(3))
    assert compare(*runs[:3], "--video", clip.path, *TORCH, "--smooth", "--flip", "--input-size", "64x48") == 0
    with VideoReader(tmp_path / "out" / "clip.comparison.mp4") as video, VideoReader(clip.path) as plain:
        for frame, before in zip(video, plain, strict=True):
            own = before.y[40:96].astype(int)
            apart = [np.abs(pane(frame, place) - own).mean() for place in range(4)]
            assert apart[0] < 6 < min(apart[1:])


@pytest.mark.slow
def test_four_runs_fill_a_square_and_a_large_video_is_made_smaller(compare, runs, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", size=(2000, 1000), pts=range(2))
    assert compare(*runs, "--video", clip.path, *TORCH) == 0
    with VideoReader(tmp_path / "out" / "clip.comparison.mp4") as video:
        frame = next(iter(video))
        assert frame.width == 1920
        assert frame.height % 2 == 0 and 2 * 478 + 4 <= frame.height <= 2 * 480 + 100


@pytest.mark.slow
def test_a_video_that_cannot_be_compared_leaves_nothing(compare, runs, tmp_path, capsys):
    clip = make_clip(tmp_path / "clip.mp4")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clip.path.read_bytes()[:300])
    for arguments, message in (
        ((runs[0], "--video", clip.path), "one run"),
        ((runs[0], runs[0] / ".", "--video", clip.path), "one run"),
        ((*runs, "default", "--video", clip.path), "5 runs"),
        ((*runs[:2], "--video", broken), "broken.mp4"),
        ((*runs[:2], "--video", tmp_path / "no.mp4"), "no such file"),
        ((runs[0], tmp_path / "none", "--video", clip.path), "no trained model here"),
    ):
        assert compare(*arguments) == 1
        told = capsys.readouterr().err.strip().splitlines()
        assert message in told[0] and len(told) == 2, told
        assert visible(tmp_path / "out") == []


def test_a_video_is_not_replaced_by_its_comparison(compare, runs, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    clip = make_clip(tmp_path / "out" / "own.mp4")
    own = clip.path.rename(tmp_path / "out" / "own.comparison.mp4")
    before = own.read_bytes()
    assert compare(*runs[:2], "--video", own, *TORCH) == 0
    assert own.read_bytes() == before
    assert visible(tmp_path / "out") == ["own.comparison.comparison.mp4", own.name]


@pytest.mark.slow
def test_ctrl_c_leaves_nothing(compare, runs, tmp_path, monkeypatch, capsys):
    clip = make_clip(tmp_path / "clip.mp4", pts=range(40))

    def interrupted(done, total):
        if done == 5:
            raise KeyboardInterrupt

    draw = side_by_side.compare_on_video
    monkeypatch.setattr(
        "roadseg.jobs.compare.draw_side_by_side",
        lambda *arguments, **options: draw(*arguments, **options | {"on_progress": interrupted}),
    )
    assert compare(*runs[:2], "--video", clip.path, *TORCH) == 130
    assert "starts again" in capsys.readouterr().err
    assert visible(tmp_path / "out") == []


def test_wrong_usage(roadseg, runs, streets, tmp_path, capsys):
    data, film, out = f"streets:{streets}", tmp_path / "no.mp4", ("--out", tmp_path / "out")
    for arguments, message in (
        ((runs[0], "--dataset", data), "--out"),
        ((runs[0], "--dataset", data, "--out", "table.md"), "--out"),
        ((runs[0], "--dataset", data, "--video", film, *out), "only one of"),
        ((runs[0], "--engine", "torch"), "--engine"),
        ((runs[0], "--video", film, "--images", 3, *out), "--images"),
        ((runs[0], "--flip"), "--dataset or --video"),
        (("--dataset", data, *out), "give runs"),
    ):
        assert roadseg("compare", *arguments) == 2
        told = re.sub(r"[\s│]+", " ", capsys.readouterr().err)
        assert message in told, told
    assert visible(tmp_path / "out") == []
