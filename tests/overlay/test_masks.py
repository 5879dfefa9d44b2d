"""Masks beside overlays: every value and time, in every format, of whole and of interrupted jobs."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from helpers.drive_clips import TheUpperHalfIsSky, make_drive
from PIL import Image

from roadseg.errors import InputError, OutputError
from roadseg.labels.catalogue import CAMVID_11
from roadseg.overlay import encoding, job, parts
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.job import overlay_video
from roadseg.overlay.masking import Mask
from roadseg.overlay.summary import OverlayOptions
from roadseg.video.find import is_video
from roadseg.video.reader import VideoReader

DURATIONS = (1, 3, 2, 1, 7, 1, 1, 2, 4, 1)
STARTS = np.cumsum((0, *DURATIONS[:-1]))
TIME_BASE = Fraction(1, 10)
FORMATS = ("png", "npz", "mp4")


class EveryFrameDiffers(TheUpperHalfIsSky):
    """Labels that follow the brightness of the frame, some of them none."""

    def segment(self, images, tta=None):
        return np.stack([self.labels(round((image.mean() - 20) / 10)) for image in images])

    @staticmethod
    def labels(index):
        return ((np.arange(7 * 17).reshape(7, 17) * (index + 1)) % 12).astype(np.uint8)


@pytest.fixture(autouse=True)
def short_segments(monkeypatch):
    for module in (parts, job, encoding):
        monkeypatch.setattr(module, "SEGMENT_FRAMES", 4)


@pytest.fixture
def clip(tmp_path):
    return make_drive(tmp_path / "clip.mp4", DURATIONS, TIME_BASE)


EXPECTED = np.stack([EveryFrameDiffers.labels(index) for index in range(len(DURATIONS))])


def read(files, form):
    """Label maps, begin and duration in seconds as other programs read them."""
    path = files.masks[form]
    if form == "npz":
        with np.load(path) as arrays:
            assert arrays["classes"].tolist() == list(CAMVID_11.classes)
            assert arrays["index"].tolist() == list(range(len(DURATIONS)))
            return arrays["labels"], arrays["seconds"], arrays["duration_seconds"]
    if form == "mp4":
        capture, grey = cv2.VideoCapture(str(path)), []
        while (read := capture.read())[0]:
            assert (read[1] == read[1][..., :1]).all()
            grey.append(read[1][..., 0])
        with VideoReader(path) as video:
            frames = list(video)
        assert all(np.array_equal(frame.y, one) for frame, one in zip(frames, grey, strict=True))
        return np.stack(grey), [frame.seconds for frame in frames], [frame.duration_seconds for frame in frames]
    images = sorted(path.iterdir())
    assert images[4].name == "000004_0.700s.png"
    with Image.open(images[4]) as image:
        assert image.mode == "P" and image.getpalette()[9:12] == list(CAMVID_11.colours[3])
    labels = [np.array(Image.open(image)) for image in images]
    return np.stack(labels), [float(image.stem[7:-1]) for image in images], None


def stop_in_the_second_segment(done, total):
    if done == 6:
        raise KeyboardInterrupt


@pytest.mark.parametrize("form", FORMATS)
def test_masks_are_the_label_maps_at_the_times_of_the_frames(form, clip, tmp_path):
    out, options = tmp_path / "out", OverlayOptions(masks=form)
    with pytest.raises(KeyboardInterrupt):
        overlay_video(clip, EveryFrameDiffers(), out, options, on_progress=stop_in_the_second_segment)
    files = OverlayFiles.of(clip, out)
    assert not any(path.exists() for path in files.masks.values())
    summary = overlay_video(clip, EveryFrameDiffers(), out, options)
    assert summary.frames_resumed in (4, 8)  # the second segment may be whole before the stop comes
    labels, seconds, durations = read(files, form)
    assert np.array_equal(labels, EXPECTED)
    assert seconds == pytest.approx(STARTS / 10)
    assert durations is None or durations == pytest.approx(np.array(DURATIONS) / 10)
    assert sorted(path.name for path in out.iterdir() if not path.name.startswith(".")) == sorted(
        ["clip.overlay.mp4", "clip.frames.parquet", "clip.summary.json", files.masks[form].name]
    )
    assert not is_video(tmp_path / "clip.masks.mp4")


def test_masks_belong_to_the_job(clip, tmp_path):
    out, files = tmp_path / "out", OverlayFiles.of(clip, tmp_path / "out")
    overlay_video(clip, EveryFrameDiffers(), out, OverlayOptions(masks="png"))
    assert overlay_video(clip, EveryFrameDiffers(), out, OverlayOptions(masks="png")).skipped
    with pytest.raises(OutputError, match="made with another choice of --masks"):
        overlay_video(clip, EveryFrameDiffers(), out, OverlayOptions(masks="npz"))
    overlay_video(clip, EveryFrameDiffers(), out, OverlayOptions(masks="npz", overwrite=True))
    assert [form for form, path in files.masks.items() if path.exists()] == ["npz"]
    files.masks["npz"].unlink()
    assert not overlay_video(clip, EveryFrameDiffers(), out, OverlayOptions(masks="npz")).skipped
    assert files.masks["npz"].exists()
    overlay_video(clip, EveryFrameDiffers(), out, OverlayOptions(overwrite=True))
    assert not any(path.exists() for path in files.masks.values())
    with pytest.raises(InputError, match="masks: 'gif' is unknown"):
        OverlayOptions(masks="gif")


def test_what_a_mask_leaves_out_has_no_label(clip, tmp_path):
    hidden = np.zeros((48, 64), bool)
    hidden[24:] = True
    overlay_video(clip, EveryFrameDiffers(), tmp_path / "out", OverlayOptions(masks="npz", mask=Mask(hidden, "x")))
    labels, _, _ = read(OverlayFiles.of(clip, tmp_path / "out"), "npz")
    assert (labels[:, 4:] == 255).all()
    assert np.array_equal(labels[:, :3], EXPECTED[:, :3])
