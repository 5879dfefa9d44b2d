"""Teachers: runs of roadseg and imported networks, and the sentences about what they do not know."""

import pytest
from helpers.by_brightness import ByBrightness

from roadseg.errors import InputError, WeightsError
from roadseg.inference import teacher
from roadseg.inference.teacher import load_teacher
from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.labels.space import LabelSpace


def notices_of(monkeypatch, classes):
    """Load a teacher of some classes that gives labels alone; return the sentences about it."""
    made = ByBrightness()
    made.label_space = LabelSpace("theirs", classes, ((0, 0, 0),) * len(classes))
    monkeypatch.setattr(teacher, "load_segmenter", lambda run, device: made)
    said = []
    assert load_teacher("runs/large", CITYSCAPES_19, "cpu", said.append) is made
    return said


def test_classes_that_one_of_the_two_lacks_are_named(monkeypatch):
    ignored, missing, unsure = notices_of(monkeypatch, ("road", "tram", "sky", "hydrant"))
    assert ignored.startswith("runs/large also knows tram, hydrant, which cityscapes-19 lacks")
    assert missing.startswith(
        "runs/large does not know sidewalk, building, wall, fence, pole, traffic light and 11 more"
    )
    assert unsure.startswith("runs/large gives labels without confidence")


def test_a_teacher_without_a_common_class_is_refused(monkeypatch):
    with pytest.raises(InputError, match=r"runs/large: none of its classes \(cat, dog\) is one of cityscapes-19"):
        notices_of(monkeypatch, ("cat", "dog"))


def test_a_run_that_is_none_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="no trained model here"):
        load_teacher(str(tmp_path), CITYSCAPES_19, "cpu", print)


@pytest.mark.slow
def test_packaged_weights_teach_with_confidence():
    said = []
    assert load_teacher("indian", CITYSCAPES_19, "cpu", said.append).has_scores
    assert not said  # its autorickshaws are cars in the classes of Cityscapes
