"""Networks give the published networks' outputs for the same weights and images."""

import numpy as np
import pytest
import torch
from helpers.parity_bundle import (
    KEYS,
    discriminator,
    images,
    in_float64,
    largest_difference,
    published_state,
    read_arrays,
    read_json,
    rng,
    segmenter,
    size,
)

from roadseg.models.network import resized
from roadseg.models.predict import predict
from roadseg.runtime import start

pytestmark = pytest.mark.parity

NETWORKS = {
    "multi": ("deeplab_multi.npz", {"aspp": "two-branch"}, ("eval__head2_f64", "eval__head1_f64")),
    "multi-four-branch": ("deeplab_multi_sum4.npz", {"aspp": "four-branch"}, ("eval__head2_f64", "eval__head1_f64")),
    "single": ("deeplab_single.npz", {"aspp": "two-branch"}, ("eval__out_f64",)),
    "vgg": ("deeplab_vgg.npz", {"aspp": "two-branch"}, ("out_f64",)),
}


@pytest.fixture(scope="module")
def forward_images():
    return images("fwd", 2, *size("forward"))


@pytest.mark.parametrize("tag", ["multi", "single", "vgg", "D"])
def test_the_weights_are_drawn_as_they_were(tag):
    state = published_state(tag)
    for key, sums in read_json("param_checksums.json")[KEYS[tag]].items():
        values = state[key].double()
        assert values.sum().item() == pytest.approx(sums["sum"], rel=1e-9, abs=1e-9), key
        assert values.abs().sum().item() == pytest.approx(sums["abs_sum"], rel=1e-9), key


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_in_evaluation(name, forward_images):
    file, options, outputs = NETWORKS[name]
    network = segmenter(name.split("-")[0], **options).eval()
    pixels = network.normalisation(forward_images)
    with torch.inference_mode():
        single = network(pixels).logits
        double = in_float64(network)(pixels).logits
    assert len(single) == len(outputs)
    for key, ours32, ours64 in zip(outputs, single, double, strict=True):
        reference = read_arrays(file)[key]
        assert largest_difference(ours64, reference) <= 1e-9
        assert largest_difference(ours32, reference) <= 2e-5 * np.abs(reference).max()


@pytest.mark.slow
def test_batch_statistics_and_running_buffers_in_training(forward_images):
    reference = read_arrays("deeplab_multi.npz")
    network = segmenter("multi").train()
    pixels = network.normalisation(forward_images)
    with torch.no_grad():
        main, auxiliary = network(pixels).logits
        buffers = dict(network.backbone.named_buffers())
        for key, value in reference.items():
            if key.startswith("train_after__"):
                assert largest_difference(buffers[key.removeprefix("train_after__")], value) <= 1e-5, key
        double = in_float64(network)(pixels).logits
    for ours32, ours64, head in ((main, double[0], "head2"), (auxiliary, double[1], "head1")):
        expected = reference[f"train__{head}_f64"]
        assert largest_difference(ours64, expected) <= 1e-9
        assert largest_difference(ours32, expected) <= 1e-4 * np.abs(expected).max()


@pytest.mark.slow
def test_label_maps_by_either_up_sampling(forward_images):
    reference = read_arrays("deeplab_multi.npz")
    network = segmenter("multi").eval()
    height, width = size("forward")
    with torch.inference_mode():
        logits = network(network.normalisation(forward_images)).logits[0]
    pictures = forward_images.permute(0, 2, 3, 1).numpy()
    for align_corners, suffix in ((True, "ac1"), (False, "ac0")):
        upsampled = resized(logits, (height, width), align_corners=align_corners)[:, :, ::16, ::16]
        assert largest_difference(upsampled, reference[f"eval__head2_up_{suffix}_strided"]) <= 1e-4
        network.align_corners = align_corners
        labels = predict(network, pictures, (width, height), start("cpu"))
        assert (labels == reference[f"eval__head2_argmax_{suffix}"]).mean() >= 0.999
    assert (reference["eval__head2_argmax_ac1"] != reference["eval__head2_argmax_ac0"]).mean() > 0.01


def test_discriminator():
    reference = read_arrays("discriminator.npz")
    z = 3.0 * rng("dinput").standard_normal((2, 19, *size("discriminator")))
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    maps = torch.from_numpy((exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32))
    assert maps.double().sum().item() == pytest.approx(float(reference["input_sum"]), rel=1e-9)
    network = discriminator("D").eval()
    with torch.inference_mode():
        assert largest_difference(network(maps), reference["out_f64"]) <= 2e-5 * np.abs(reference["out_f64"]).max()
        assert largest_difference(in_float64(network)(maps), reference["out_f64"]) <= 1e-9
