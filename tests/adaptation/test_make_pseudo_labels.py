"""Pseudo-labels: the pixels that are kept, and the labelled set made of them."""

import json
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from helpers.toy_segmenter import CLASSES, Toy, toy_method

from roadseg.adaptation.make_pseudo_labels import SelectedLabels, pseudo_labelled, selection_thresholds
from roadseg.adaptation.method import TargetLabelling
from roadseg.adaptation.pseudo_labels import PseudoLabels
from roadseg.datasets.catalogue import dataset_kind
from roadseg.errors import DatasetError
from roadseg.inference.engine_segmenter import EngineSegmenter
from roadseg.labels.space import LabelSpace
from roadseg.models.predict import class_scores, labels_of
from roadseg.models.tta import NO_TTA
from roadseg.runtime import start

SPACE = LabelSpace("toy", tuple("abcdefgh"[:CLASSES]), tuple((10 * i, 0, 0) for i in range(CLASSES)))
SIZE = (64, 48)


def labeller_of(network, space=SPACE, *, batch_size=1, **options):
    """The network itself, which remembers what it is shown; real engines take a copy."""
    scores = partial(class_scores, network.eval(), runtime=start("cpu"))
    engine = SimpleNamespace(
        name="by hand",
        device=torch.device("cpu"),
        batch_size=batch_size,
        concurrency=1,
        scores=scores,
        labels=lambda images, size: labels_of(scores(images, size)),
    )
    return EngineSegmenter(engine, "toy", space, SIZE, **{"size_step": None, **options})


def counts_of(**pixels_by_confidence):
    counts = np.zeros((len(pixels_by_confidence), 256), np.int64)
    for row, pixels in enumerate(pixels_by_confidence.values()):
        for confidence, number in pixels.items():
            counts[row, confidence] = number
    return counts


def test_each_class_keeps_its_most_confident_pixels():
    counts = counts_of(low={50: 40, 80: 30, 120: 30}, high={240: 10, 250: 90}, never={})
    assert selection_thresholds(counts, 0.5) == (80, 230, 0)
    assert selection_thresholds(counts, 0.3) == (120, 230, 0)
    assert selection_thresholds(counts, 1.0) == (50, 230, 0)


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.array(pixels, np.uint8))


def test_pixels_below_the_threshold_of_their_class_are_ignored(tmp_path):
    write(tmp_path / "labels" / "a" / "x.png", [[0, 0, 1, 1]])
    write(tmp_path / "confidence" / "a" / "x.png", [[99, 100, 100, 200]])
    read = SelectedLabels((100, 200))
    assert read(tmp_path / "labels" / "a" / "x.png").tolist() == [[255, 0, 255, 1]]


@pytest.fixture
def frames(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("one", "below/two"):
        write(tmp_path / "frames" / f"{name}.png", rng.integers(0, 256, (96, 128, 3)))
    return dataset_kind("frames").open(tmp_path / "frames")


def test_images_become_a_labelled_set_that_keeps_a_share_of_every_class(frames, tmp_path):
    torch.manual_seed(0)
    made = pseudo_labelled(labeller_of(Toy()), SPACE, frames, tmp_path / "out", size=SIZE, keep_ratio=0.5)
    assert [sample.name for sample in made.samples] == [sample.name for sample in frames.samples]
    image, label = made.pair(0)
    assert image.shape == (96, 128, 3) and label.shape == (96, 128)
    record = json.loads((tmp_path / "out" / "pseudo-labels.json").read_text())
    assert record["keep_ratio"] == 0.5 and list(record["thresholds"]) == list(SPACE.classes)
    everything = np.stack([cv2.imread(str(s.label), cv2.IMREAD_UNCHANGED) for s in made.samples])
    selected = np.stack([made.label(index) for index in range(2)])
    for train_id in np.unique(everything):
        share = (selected == train_id).sum() / (everything == train_id).sum()
        assert share >= 0.5
    assert (selected == 255).any()
    assert set(np.unique(selected)) <= {*range(CLASSES), 255}


def test_what_is_labelled_already_is_not_labelled_again(frames, tmp_path):
    def make(network):
        return pseudo_labelled(labeller_of(network), SPACE, frames, tmp_path / "out", size=SIZE, keep_ratio=0.5)

    first = make(Toy())
    kept, lost = (sample.label for sample in first.samples)
    before = kept.read_bytes()
    lost.unlink()
    again = Toy()
    make(again)
    assert len(again.shown) == 6  # three scales, mirrored too, of one image
    assert kept.read_bytes() == before and lost.is_file()


@pytest.mark.parametrize(("options", "sides"), [({}, [48, 64, 80]), ({"flip": False, "scales": (1.0,)}, [64])])
def test_flips_and_scales_can_be_chosen_down_to_one_view(options, sides, frames, tmp_path):
    method, network = toy_method("pseudo-labels"), Toy()
    method.options = PseudoLabels.Options(**options)
    labelling = TargetLabelling(
        labeller_of(network), "", SPACE, tmp_path / "out", SIZE, "area", lambda done, total: None
    )
    method.label_target(frames, labelling)
    assert [image.shape[-1] for image in network.shown] == [
        side for _ in range(2) for side in sides for _ in range(len(sides) // 2 + 1)
    ]
    record = json.loads((tmp_path / "out" / "pseudo-labels.json").read_text())
    assert (record["flip"], len(record["scales"])) == (len(sides) > 1, len(sides))


def seeded():
    """The same network each time; it gives noise the classes 0 and 2."""
    torch.manual_seed(4)
    return Toy()


def labelled_by(teacher, frames, out, *, labeller=None, space=SPACE, keep_ratio=0.5):
    """Label frames with a teacher of this name; return the labelled set and the images that its network was shown."""
    network = seeded()
    labeller = labeller or labeller_of(network)
    made = pseudo_labelled(labeller, space, frames, out, size=SIZE, keep_ratio=keep_ratio, tta=NO_TTA, teacher=teacher)
    return made, network.shown


def test_labels_of_another_teacher_or_of_other_frames_are_made_anew(frames, tmp_path):
    out = tmp_path / "out"
    assert len(labelled_by("first", frames, out)[1]) == 2
    (out / "labels" / "one.png").unlink()
    assert len(labelled_by("first", frames, out)[1]) == 1  # goes on where it was
    assert len(labelled_by("first", frames, out)[1]) == 0
    assert len(labelled_by("second", frames, out)[1]) == 2
    frame = frames.samples[0].image
    cv2.imwrite(str(frame), cv2.imread(str(frame)) // 2)
    made, shown = labelled_by("second", frames, out)
    assert len(shown) == 2
    fewer = replace(frames, samples=frames.samples[1:])
    assert len(labelled_by("second", fewer, out)[1]) == 1
    assert not made.samples[0].label.exists()


def test_a_labelling_that_was_cut_off_goes_on(frames, tmp_path):
    """A broken second frame stands for whatever ends a labelling in its middle."""
    out = tmp_path / "out"
    last = frames.samples[1].image
    whole = last.read_bytes()
    last.write_bytes(whole[:50])
    with pytest.raises(DatasetError):
        labelled_by("teacher", frames, out)
    first = next((out / "labels").rglob("*.png"))
    before = first.stat().st_mtime_ns
    with pytest.raises(DatasetError):
        labelled_by("teacher", frames, out)
    assert first.stat().st_mtime_ns == before
    last.write_bytes(whole)
    made, shown = labelled_by("teacher", frames, out)
    assert len(shown) == 2  # the frames are others now
    assert all(sample.label.is_file() for sample in made.samples)


def test_classes_of_the_teacher_become_those_of_the_network(frames, tmp_path):
    teachers = LabelSpace("other", ("z", "c", "b", "a"), SPACE.colours[:4])
    out = tmp_path / "out"
    made, _ = labelled_by("x", frames, out, labeller=labeller_of(seeded(), teachers), keep_ratio=1.0)
    plain, _ = labelled_by("y", frames, tmp_path / "plain", keep_ratio=1.0)
    expected = np.array([255, 2, 1, 0], np.uint8)[plain.label(0)]
    assert (made.label(0) == expected).all() and np.unique(expected).tolist() == [1, 255]
    assert made.label_space == SPACE


def test_labels_without_confidence_all_count(frames, tmp_path):
    made, _ = labelled_by("x", frames, tmp_path / "out", labeller=labeller_of(seeded(), has_scores=False))
    sure, _ = labelled_by("y", frames, tmp_path / "sure", keep_ratio=1.0)
    assert (made.label(0) == sure.label(0)).all() and (made.label(0) < CLASSES).all()
    assert (cv2.imread(str(tmp_path / "out" / "confidence" / "one.png"), cv2.IMREAD_UNCHANGED) == 255).all()


def test_images_of_one_shape_are_labelled_together_and_in_their_shape(tmp_path):
    rng = np.random.default_rng(0)
    for name, shape in {"a": (48, 64), "b": (48, 64), "c": (48, 64), "d": (32, 64), "e": (32, 64)}.items():
        write(tmp_path / "frames" / f"{name}.png", rng.integers(0, 256, (*shape, 3)))
    frames, network = dataset_kind("frames").open(tmp_path / "frames"), Toy()
    labeller = labeller_of(network, batch_size=2, size_step=16)
    made, _ = labelled_by("x", frames, tmp_path / "out", labeller=labeller)
    assert [tuple(images.shape) for images in network.shown] == [(2, 3, 48, 64), (1, 3, 48, 64), (2, 3, 32, 64)]
    assert [made.label(index).shape for index in range(5)] == [SIZE[::-1]] * 5
