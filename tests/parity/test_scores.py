"""Preprocessing, Fourier alignment and scores agree with the published code's."""

import numpy as np
import pytest
import torch
from helpers.parity_bundle import read_arrays

from roadseg.datasets.cityscapes import CITYSCAPES_LABELS
from roadseg.datasets.fourier import fourier_aligned
from roadseg.datasets.gta5 import GTA5_LABELS
from roadseg.datasets.transforms import CropTransform, resized_image
from roadseg.labels.confusion import confusion_matrix, intersection_over_union
from roadseg.models.deeplab import DeepLabV2

pytestmark = pytest.mark.parity

SHARED_16 = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 15, 17, 18]
SHARED_13 = [0, 1, 2, 6, 7, 8, 10, 11, 12, 13, 15, 17, 18]


def test_iou():
    arrays = read_arrays("compute_iou.npz")
    confusion = np.zeros((19, 19), np.int64)
    for pair in range(2):
        truth = CITYSCAPES_LABELS.encode(arrays[f"gt_raw_{pair}"])
        assert np.array_equal(truth, arrays[f"gt_train_{pair}"])
        confusion += confusion_matrix(arrays[f"pred_{pair}"], truth, 19)
    assert np.array_equal(confusion, arrays["hist"])
    iou = intersection_over_union(confusion)
    np.testing.assert_allclose(iou, arrays["iou"], rtol=1e-12)
    for classes, key in ((range(19), "miou_nanmean"), (SHARED_16, "miou16"), (SHARED_13, "miou13")):
        assert np.nanmean(iou[list(classes)]) == pytest.approx(float(arrays[key]), rel=1e-12)


def normalised(image):
    return DeepLabV2.normalisation(torch.from_numpy(image).permute(2, 0, 1)[None])[0].numpy()


def check_picture(image, reference):
    """The last grey level depends on the version of Pillow."""
    difference = np.abs(normalised(image) - reference)
    assert difference.max() <= 1 + 1e-4
    assert (difference > 1e-4).mean() < 0.01


def test_source_images_and_labels():
    arrays = read_arrays("preprocess.npz")
    reference = arrays["gta_image_97x65"]
    size = reference.shape[:0:-1]
    whole = CropTransform(size, size, scale=(1.0, 1.0), jitter=0.0, horizontal_flip=False, resampling="bicubic")
    label = GTA5_LABELS.encode(arrays["label_raw_u8"])
    image, label = whole(arrays["rgb_u8"], label, np.random.default_rng(0))
    check_picture(image, reference)
    assert np.array_equal(label, arrays["gta_label_97x65"])


def test_target_images():
    arrays = read_arrays("preprocess.npz")
    check_picture(resized_image(arrays["rgb_u8"], (64, 32), "bicubic"), arrays["city_image_64x32"])


@pytest.mark.parametrize("beta", [0.01, 0.09])
def test_fourier_alignment(beta):
    arrays = read_arrays("fda.npz")
    source, target = (arrays[key].transpose(1, 2, 0) for key in ("src_u8", "trg_u8"))
    aligned = fourier_aligned(source, target, beta).transpose(2, 0, 1)
    assert np.abs(aligned - arrays[f"np_L{beta}"]).max() <= 1e-3
