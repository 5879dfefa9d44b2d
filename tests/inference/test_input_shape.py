"""Images of any shape reach a network in their own proportions."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.tiny_sets import make_camvid

from roadseg.datasets.catalogue import open_dataset
from roadseg.datasets.transforms import size_within
from roadseg.evaluation.evaluate import evaluate
from roadseg.inference.engines import load_segmenter
from roadseg.inference.label_frames import label_frames
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.catalogue import CAMVID_11
from roadseg.overlay.job import overlay_video
from roadseg.training.build import fitted_to_target
from roadseg.training.recipe import resolve
from roadseg.video.frame import Frame
from roadseg.video.writer import VideoWriter


class Square(Segmenter):
    """Labels everything sky, and remembers the shapes that it is shown; takes sizes within 128x96."""

    name = "square"
    label_space = CAMVID_11

    def __init__(self, input_size=(128, 96), shown=None):
        self.input_size = input_size
        self.shown = [] if shown is None else shown

    def fitted(self, aspect_ratio):
        return Square(size_within((128, 96), aspect_ratio), self.shown)

    def segment(self, images, tta=None):
        self.shown.append((images.shape[2], images.shape[1]))
        return np.zeros(images.shape[:3], np.uint8)


@pytest.mark.parametrize(
    ("room", "images", "size"),
    [
        ((640, 480), (1920, 1080), (640, 360)),
        ((640, 480), (480, 272), (640, 360)),
        ((640, 480), (480, 360), (640, 480)),
        ((640, 480), (481, 360), (640, 480)),
        ((640, 480), (1080, 1920), (272, 480)),
        ((640, 480), (2048, 1024), (640, 320)),
        ((640, 480), (600, 600), (480, 480)),
        ((1024, 512), (2048, 1024), (1024, 512)),
        ((100, 60), (100, 60), (100, 60)),
        ((640, 480), (8000, 100), (640, 32)),
    ],
)
def test_the_largest_size_within_another(room, images, size):
    assert size_within(room, images[0] / images[1]) == size


@pytest.mark.parametrize("room", [(640, 480), (512, 256), (480, 640), (96, 64)])
def test_a_size_that_was_found_is_found_again_within_itself(room):
    """Else a run that was adapted to a video would see it at another size than the weights that it started from."""
    for aspect_ratio in (480 / 272, 848 / 480, 854 / 480, *np.linspace(0.5, 3, 1001)):
        size = size_within(room, float(aspect_ratio))
        assert size_within(size, float(aspect_ratio)) == size


def test_the_default_weights_see_images_in_their_shape_unless_a_size_is_named():
    segmenter = load_segmenter()
    assert segmenter.input_size == (640, 480)
    wide = segmenter.fitted(16 / 9)
    assert wide.input_size == (640, 360)
    assert wide.fitted(4 / 3).input_size == (640, 480), "the room is not forgotten"
    assert segmenter.input_size == (640, 480), "left as it is"
    assert load_segmenter(input_size=(320, 320)).fitted(16 / 9).input_size == (320, 320)


def test_labels_of_a_wide_image_are_those_of_the_fitted_size():
    rng = np.random.default_rng(0)
    image = cv2.resize(rng.integers(0, 255, (9, 16, 3), np.uint8), (320, 180))
    as_it_is, squeezed = load_segmenter(engine="exact"), load_segmenter(engine="exact", input_size=(640, 480))
    wide = load_segmenter(engine="exact", input_size=(640, 360))
    labels = as_it_is.label(image)
    assert (labels == wide.label(image)).all()
    assert (labels != squeezed.label(image)).any()


def test_images_of_several_shapes_are_labelled_each_in_its_own():
    segmenter = Square()
    shapes = [(30, 40), (30, 40), (18, 32), (40, 30)]
    maps = segmenter.label([np.zeros((*shape, 3), np.uint8) for shape in shapes])
    assert [each.shape for each in maps] == shapes
    assert list(dict.fromkeys(segmenter.shown)) == [(128, 96), (128, 72), (72, 96)]


def _video(path: Path, width: int, height: int, **options: object) -> Path:
    first = Frame.from_rgb(np.zeros((height, width, 3), np.uint8), index=0, pts=0, time_base=Fraction(1), duration=1)
    with VideoWriter.like(path, first, **options) as writer:
        writer.write(first)
    return path


@pytest.mark.parametrize(("size", "seen"), [((320, 180), (128, 72)), ((180, 320), (56, 96))])
def test_frames_of_videos_and_streams(size, seen, tmp_path):
    video = _video(tmp_path / "drive.mp4", *size)
    for frames in (video, [np.zeros((size[1], size[0], 3), np.uint8)] * 2):
        segmenter = Square()
        labelled = list(label_frames(frames, segmenter))
        assert labelled[0][1].shape == (size[1], size[0])
        assert set(segmenter.shown) == {seen}
    segmenter = Square()
    assert overlay_video(video, segmenter, tmp_path / "out").job.input_size_px == seen
    assert set(segmenter.shown) == {seen}


def test_pixels_that_are_not_square_count_as_they_are_shown(tmp_path):
    video = _video(tmp_path / "anamorphic.mp4", 320, 240, sample_aspect_ratio=Fraction(4, 3))
    segmenter = Square()
    overlay_video(video, segmenter, tmp_path / "out")
    assert set(segmenter.shown) == {(128, 72)}


def test_data_sets_are_scored_in_their_shape_and_trained_on_in_it(tmp_path):
    root = make_camvid(tmp_path / "camvid", 2)
    for path in root.rglob("*.png"):
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), cv2.resize(image, (96, 48), interpolation=cv2.INTER_NEAREST))
    segmenter = Square()
    evaluate(segmenter, open_dataset(f"camvid:{root}:val"))
    assert set(segmenter.shown) == {(128, 64)}
    values = {"method": "multi-level", "target": f"camvid:{root}:val", "size": (64, 48), "crop": (32, 32)}
    assert fitted_to_target(resolve(values, origin="test")).input_size == (64, 32)
    named = resolve({**values, "target_size": (48, 48)}, origin="test")
    assert fitted_to_target(named).input_size == (48, 48)
    whole = resolve({**values, "crop": "whole", "scale": (1, 1)}, origin="test")
    assert fitted_to_target(whole).input_size == (64, 48)
