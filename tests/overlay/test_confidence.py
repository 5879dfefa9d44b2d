"""Overlays that keep how sure the network is."""

import csv

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.drive_clips import TheUpperHalfIsSky, make_drive
from PIL import Image

from roadseg.errors import InputError
from roadseg.jobs.stats import stats
from roadseg.labels.space import IGNORE
from roadseg.overlay import encoding, job, parts
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.job import overlay_video
from roadseg.overlay.masking import Mask
from roadseg.overlay.stats import ClassTotals
from roadseg.overlay.summary import OverlayOptions
from roadseg.report.pages import write_report


class SurerOfSky(TheUpperHalfIsSky):
    """The upper half is sky, with nine to one; the rest road, with three to two."""

    has_scores = True

    def scores(self, images, tta=None):
        labels = self.segment(images, tta)
        sky = np.where(labels == 0, np.float32(0.9), np.float32(0.4))
        return np.log(np.stack([sky, 1 - sky], axis=1))

    def labels_from_scores(self, scores):
        return np.where(scores[:, 0] > scores[:, 1], 0, 3).astype(np.uint8)


@pytest.fixture(autouse=True)
def short_segments(monkeypatch):
    for module in (parts, job, encoding):
        monkeypatch.setattr(module, "SEGMENT_FRAMES", 4)


@pytest.fixture
def clip(tmp_path):
    return make_drive(tmp_path / "clip.mp4")


@pytest.mark.parametrize("smoothing", [0.0, 0.5])
def test_a_class_has_the_mean_confidence_of_its_labels(smoothing, clip, tmp_path):
    out, files = tmp_path / "out", OverlayFiles.of(clip, tmp_path / "out")
    options = OverlayOptions(masks="npz", confidence=True, smoothing=smoothing)
    summary = overlay_video(clip, SurerOfSky(), out, options)
    found = {entry.name: entry.confidence for entry in summary.classes}
    assert (found["Sky"], found["Road"]) == (pytest.approx(0.9, abs=0.003), pytest.approx(0.6, abs=0.003))
    assert found["Building"] is None and found["unlabelled"] is None
    table = pq.read_table(files.frames)
    assert np.allclose(table["confidence_Sky"], 0.9, atol=0.003)
    assert table["confidence_Building"].null_count == summary.frames
    with np.load(files.masks["npz"]) as arrays:
        labels, confidence = arrays["labels"], arrays["confidence"]
    assert confidence.shape == labels.shape
    assert np.array_equal(np.unique(confidence[labels == 0]), [230])  # 0.9 * 255
    stats([out], out=tmp_path / "stats.csv")
    lines = (tmp_path / "stats.csv").read_text().splitlines()
    rows = [row for row in csv.DictReader(lines) if row["group"] == "all"]
    assert [float(row["confidence"]) for row in rows if row["confidence"]] == pytest.approx([0.9, 0.6], abs=0.003)
    write_report(files)
    assert "Mean probability of the labels of a class" in (out / "clip.report.html").read_text()


def test_images_of_confidence_lie_in_a_folder_of_their_own(clip, tmp_path):
    hidden = np.zeros((48, 64), bool)
    hidden[36:] = True
    options = OverlayOptions(masks="png", confidence=True, mask=Mask(hidden, "x"))
    overlay_video(clip, SurerOfSky(), tmp_path / "out", options)
    folder = OverlayFiles.of(clip, tmp_path / "out").masks["png"]
    labels = sorted(folder.glob("*.png"))
    assert [path.name for path in labels] == sorted(path.name for path in (folder / "confidence").iterdir())
    with Image.open(folder / "confidence" / labels[0].name) as image, Image.open(labels[0]) as label:
        assert image.mode == "L"
        assert np.array_equal(np.array(image) == 0, np.array(label) == IGNORE)


def test_confidences_add_up_like_shares():
    pixels, durations = np.array([[8, 2], [4, 6]]), np.array([1.0, 3.0])
    totals = ClassTotals(["a", "b"])
    totals.add(pixels, durations, np.array([[0.5, np.nan], [1.0, 0.25]]))
    a = (1 * 0.8 * 0.5 + 3 * 0.4 * 1.0) / (1 * 0.8 + 3 * 0.4)
    assert [share.confidence for share in totals.shares()] == pytest.approx([a, 0.25], abs=1e-6)
    twice = ClassTotals.of(totals.shares(), totals.frames, totals.seconds)
    twice.include(totals)
    assert twice.shares()[0].confidence == pytest.approx(a, abs=1e-6)
    plain = ClassTotals(["a", "b"])
    plain.add(pixels, durations)
    assert [share.confidence for share in plain.shares()] == [None, None]


def test_what_cannot_be_kept_is_refused(clip, tmp_path):
    with pytest.raises(InputError, match="gives labels without probabilities"):
        overlay_video(clip, TheUpperHalfIsSky(), tmp_path / "out", OverlayOptions(confidence=True))
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="an mp4 holds no confidence"):
        OverlayOptions(masks="mp4", confidence=True)
