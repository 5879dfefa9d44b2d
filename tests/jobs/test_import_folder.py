"""Folders of transformers as run folders: labels are those of the library."""

import numpy as np
import pytest
import torch
from helpers.foreign_folders import eomt, segformer
from helpers.foreign_networks import IMAGENET, images, quicken_trials
from helpers.hub import own_hub, publish

from roadseg.inference.engines import load_segmenter
from roadseg.jobs.import_network import import_network

pytestmark = [
    pytest.mark.extra("transformers", "onnx", "onnxruntime", "onnxscript", "scipy"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


@pytest.fixture(autouse=True)
def quick_streets(monkeypatch):
    """Streets that are quickly drawn."""
    quicken_trials(monkeypatch)


def scaled(pixels):
    """Images (N, H, W, 3) uint8 as the image processor of the library scales them, (N, 3, H, W)."""
    mean, std = (np.array(each, np.float32) for each in IMAGENET)
    return torch.from_numpy((pixels.astype(np.float32) - mean) / std).permute(0, 3, 1, 2)


def test_a_segformer_of_any_size_from_the_hub(tmp_path, monkeypatch):
    model = segformer(tmp_path / "segformer", size=(96, 64))
    with own_hub(monkeypatch, tmp_path / "cache") as site:
        commit = publish(site, "acme/segformer", tmp_path / "segformer")
        found = import_network("hf:acme/segformer", tmp_path / "run")
    assert found.origin == f"acme/segformer@{commit}"
    assert (found.classes, found.answer, found.label_stride) == (("road", "building", "vegetation", "sky"), "scores", 4)
    assert (found.input_size, found.any_size, found.normalization) == ((96, 64), True, "imagenet")
    for size, count in (((96, 64), 3), ((64, 32), 1)):
        pixels = images(count, size)
        segmenter = load_segmenter(tmp_path / "run", device="cpu", engine="exact", input_size=size)
        with torch.no_grad():
            logits = model(pixel_values=scaled(pixels)).logits
        expected = torch.nn.functional.interpolate(logits, size=size[::-1], mode="bilinear").argmax(1).numpy()
        assert (segmenter.segment(pixels) == expected).mean() > 0.999


def test_an_eomt_of_one_size(tmp_path):
    model = eomt(tmp_path / "eomt")
    found = import_network(tmp_path / "eomt", tmp_path / "run", input_size=(64, 64))
    assert (found.answer, found.label_stride) == ("probabilities", 8)
    assert (found.input_size, found.any_size) == ((64, 64), False)
    pixels = images(3, (64, 64))
    with torch.no_grad():
        answer = model(pixel_values=scaled(pixels))
    scores = torch.einsum(
        "nqc,nqhw->nchw", answer.class_queries_logits.softmax(-1)[..., :-1], answer.masks_queries_logits.sigmoid()
    )
    found = load_segmenter(tmp_path / "run", device="cpu", engine="onnxruntime").scores(pixels)
    np.testing.assert_allclose(np.exp(found), scores / scores.sum(1, keepdim=True), atol=1e-4)
