"""Overlays whose frames go to the device of the network once: torch's CPU stands for every device."""

from dataclasses import replace
from fractions import Fraction
from itertools import islice

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from roadseg.inference.engines import load_segmenter
from roadseg.inference.planes import PlaneLayout, scaled, to_rgb
from roadseg.models.tta import TTA
from roadseg.overlay.appearance import NO_LEGEND, Appearance
from roadseg.overlay.encoding import encoders_at_once
from roadseg.overlay.job import overlay_video
from roadseg.overlay.masking import Mask
from roadseg.overlay.summary import OverlayOptions
from roadseg.streets.drive import drive_frames
from roadseg.video.frame import Frame
from roadseg.video.reader import VideoReader
from roadseg.video.writer import VideoWriter

SIZE, COUNT = (322, 181), 7
INPUT = (160, 96)


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    """A rendered drive of odd height."""
    path = tmp_path_factory.mktemp("drive") / "drive.mkv"
    images = islice((image for image, _ in drive_frames(0, 1, size=SIZE)), COUNT)
    frames = [
        Frame.from_rgb(image, index=index, pts=40 * index, time_base=Fraction(1, 1000), duration=40, matrix="bt601")
        for index, image in enumerate(images)
    ]
    with VideoWriter.like(path, frames[0]) as writer:
        for frame in frames:
            writer.write(frame)
    return path


@pytest.fixture(scope="module")
def segmenter():
    return load_segmenter(device="cpu", engine="torch", precision="float32", input_size=INPUT)


def table(out):
    rows = pq.read_table(out / "drive.frames.parquet").to_pylist()
    return [{name: value for name, value in row.items() if not name.startswith("fraction")} for row in rows]


def check_same(found, expected):
    """Check that two folders have the overlay of the drive with the same times, and labels and pixels nearly."""
    for row, reference in zip(table(found), table(expected), strict=True):
        pixels = {name for name in row if name.startswith("pixels")}
        sure = {name for name in row if name.startswith("confidence")}
        assert {name: row[name] for name in row.keys() - pixels - sure} == {
            name: reference[name] for name in reference.keys() - pixels - sure
        }
        large = [name for name in sure if row[name.replace("confidence", "pixels")] > 20]
        assert [row[name] for name in large] == pytest.approx([reference[name] for name in large], abs=0.02)
        moved = sum(abs(row[name] - reference[name]) for name in pixels)
        assert moved <= 0.01 * sum(row[name] for name in pixels)
    with (
        VideoReader(found / "drive.overlay.mp4") as one,
        VideoReader(expected / "drive.overlay.mp4") as other,
    ):
        for frame, reference in zip(one, other, strict=True):
            assert np.abs(frame.y.astype(int) - reference.y).mean() < 2  # equal but for the encoder
            assert (frame.pts, frame.duration) == (reference.pts, reference.duration)


@pytest.mark.parametrize(
    "options",
    [
        OverlayOptions(batch_size=3),
        OverlayOptions(batch_size=7, appearance=Appearance(opacity=0.8, legend="none"), tta=TTA(flip=True)),
        OverlayOptions(batch_size=2, appearance=NO_LEGEND, mask=Mask(np.eye(8, dtype=bool), "test"), confidence=True),
        OverlayOptions(batch_size=3, appearance=NO_LEGEND, smoothing=0.6),
        OverlayOptions(
            batch_size=3, appearance=Appearance(style="both", side_by_side=True, height=120, title="A drive")
        ),
        OverlayOptions(batch_size=1, appearance=NO_LEGEND, smoothing=0.9, tta=TTA(flip=True)),
    ],
    ids=["plain", "views", "mask and confidence", "smooth", "side by side", "smooth views one by one"],
)
def test_the_overlay_is_that_of_the_cpu(drive, segmenter, options, tmp_path, monkeypatch):
    expected = overlay_video(drive, segmenter, tmp_path / "cpu", options)
    monkeypatch.setattr("roadseg.overlay.job.draws_on_device", lambda segmenter: True)
    found = overlay_video(drive, segmenter, tmp_path / "device", options)
    by_scores = ["score", *(["smooth"] if options.smoothing else []), "draw"]
    scored = options.smoothing or options.confidence
    assert list(found.stages) == ["decode", *(by_scores if scored else ["device"]), "encode"]
    assert found.frames == expected.frames == COUNT
    check_same(tmp_path / "device", tmp_path / "cpu")


@pytest.mark.gpu
def test_an_overlay_on_a_gpu_is_that_of_the_cpu(drive, segmenter, tmp_path):
    options = OverlayOptions(batch_size=3, appearance=NO_LEGEND)
    overlay_video(drive, segmenter, tmp_path / "cpu", options)
    on_gpu = load_segmenter(device="cuda", precision="float32", input_size=INPUT)
    summary = overlay_video(drive, on_gpu, tmp_path / "device", options)
    assert list(summary.stages) == ["decode", "device", "encode"]
    check_same(tmp_path / "device", tmp_path / "cpu")


@pytest.mark.parametrize("size", [(160, 90), (333, 200), (96, 300)])
@pytest.mark.parametrize("full_range", [False, True])
def test_rgb_is_that_of_swscale(drive, size, full_range):
    with VideoReader(drive) as reader:
        frames = [replace(frame, full_range=full_range) for frame in reader]
    layout = PlaneLayout.of(frames[0])
    planes = layout.planes(layout.pack(frames, torch.device("cpu")))
    found = to_rgb(planes, size, frames[0].matrix, full_range).permute(0, 2, 3, 1).numpy()
    difference = np.abs(found - np.stack([frame.to_rgb(size) for frame in frames]))
    assert difference.max() <= 2
    assert difference.mean() < 0.05


def test_a_shrunk_pixel_is_the_mean_of_its_area():
    plane = torch.tensor([[[0, 30, 60], [0, 30, 60], [90, 90, 90]]], dtype=torch.uint8)
    assert scaled(plane, (2, 1)).tolist() == [[pytest.approx([(0 + 0 + 90 + 75) / 4.5, (60 + 60 + 90 + 75) / 4.5])]]


@pytest.mark.parametrize(
    ("cores", "size", "on_gpu", "expected"),
    [
        (16, (1920, 1080), True, 4),
        (64, (1920, 1080), True, 4),  # 4 GB hold four segments of 0.8 GB and one that is filled
        (16, (3840, 2160), True, 1),
        (2, (1280, 720), True, 1),
        (16, (1280, 720), False, 1),
    ],
)
def test_segments_are_encoded_at_once_where_a_gpu_leaves_the_cores_and_memory_holds_them(
    cores, size, on_gpu, expected, segmenter, monkeypatch
):
    monkeypatch.setattr("roadseg.overlay.encoding.usable_cores", lambda: cores)
    monkeypatch.setattr("roadseg.overlay.encoding.default_threads", lambda: min(4, cores))
    monkeypatch.setattr("roadseg.overlay.encoding.draws_on_device", lambda segmenter: on_gpu)
    luma, chroma = np.zeros(size[::-1], np.uint8), np.zeros((size[1] // 2, size[0] // 2), np.uint8)
    frame = Frame(luma, chroma, chroma, "bt709", False, 0, 0, Fraction(1, 25), 1)
    assert encoders_at_once(segmenter, frame) == expected


def test_frames_that_do_not_fit_the_memory_are_drawn_in_smaller_batches(drive, segmenter, tmp_path, monkeypatch):
    sizes = []
    label = type(segmenter).label_on_device

    def short_of_memory(self, images, tta):
        sizes.append(len(images))
        if len(images) > 3:
            raise torch.OutOfMemoryError
        return label(self, images, tta)

    monkeypatch.setattr(type(segmenter), "label_on_device", short_of_memory)
    monkeypatch.setattr("roadseg.overlay.job.draws_on_device", lambda segmenter: True)
    summary = overlay_video(drive, segmenter, tmp_path, OverlayOptions(batch_size=7, appearance=NO_LEGEND))
    assert summary.frames == COUNT and sizes == [7, 3, 3, 1]
