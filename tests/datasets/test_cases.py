"""Folders that were once read wrongly without a word."""

import numpy as np
import pytest
from PIL import Image

from roadseg.datasets.check import check_dataset
from roadseg.datasets.folder import FOLDER
from roadseg.datasets.image_files import ORIENTATION
from roadseg.errors import DatasetError
from roadseg.labels.space import IGNORE

pytestmark = pytest.mark.real_data
SHAPE = (64, 96)


@pytest.fixture
def opened(real_data):
    return lambda name: FOLDER.open(real_data / "cases" / f"folder_{name}", "")


def test_masks_of_one_bit_hold_zero_and_one(opened):
    dataset = opened("onebit")
    for index in range(len(dataset)):
        image, label = dataset.pair(index)
        assert (image.shape, set(np.unique(label))) == ((*SHAPE, 3), {0, 1})


def test_images_and_masks_of_one_orientation_stay_a_pair(opened):
    dataset = opened("exifmask")
    table = np.array([IGNORE, 0, 1], np.uint8)
    for index, sample in enumerate(dataset.samples):
        image, label = dataset.pair(index)
        with Image.open(sample.image) as stored, Image.open(sample.label) as mask:
            turned = stored.getexif().get(ORIENTATION) == 3
            assert turned == (mask.getexif().get(ORIENTATION) == 3) == (index == 0)
            step = -1 if turned else 1
            assert np.array_equal(image, np.asarray(stored)[::step, ::step])
            assert np.array_equal(label, table[np.asarray(mask)][::step, ::step])


def test_a_jpeg_with_a_broken_middle_is_refused(opened, real_data):
    dataset = opened("corrupt_mid")
    with pytest.raises(DatasetError, match=r"images/0\.jpg: cannot be read as an image .*broken\)\nDelete it"):
        dataset.pair(0)
    assert dataset.pair(1)[0].shape == (*SHAPE, 3)
    report = check_dataset(f"folder:{real_data}/cases/folder_corrupt_mid:train")
    assert [problem.cause.rpartition("/")[2][:5] for problem in report.problems] == ["0.jpg"]


@pytest.mark.parametrize(
    ("name", "stems"), [("exts_some", ["0", "1", "2"]), ("webp", ["0", "2"]), ("upper_mask", ["0", "1"])]
)
def test_every_image_is_read_with_its_mask(opened, name, stems):
    dataset = opened(name)
    assert [sample.name for sample in dataset.samples] == stems
    for index in range(len(dataset)):
        image, label = dataset.pair(index)
        assert image.shape == (*label.shape, 3) == (*SHAPE, 3)
        assert set(np.unique(label)) <= {0, 1, IGNORE}


def test_a_mask_without_an_image_is_named(opened):
    (notice,) = opened("webp").notices
    assert notice.endswith("masks without an image are left out: 1 of 3; the first is 1.png")
    assert opened("exts_some").notices == opened("upper_mask").notices == ()
