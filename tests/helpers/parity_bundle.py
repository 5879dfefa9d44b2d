"""Inputs of the published code, drawn again: weights, images and label maps, each determined by a name."""

import json
import os
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import torch

from roadseg.models.build import build_model
from roadseg.models.discriminator import PatchDiscriminator
from roadseg.models.weights import load_weights

FOLDER = Path(os.environ.get("ROADSEG_PARITY", Path(__file__).parents[1] / "parity" / "reference"))
GAINS = {"multi": 1.0, "single": 1.0, "vgg": 1.2, "D": 2.2, "D1": 2.2, "D2": 2.2}
KEYS = {
    "multi": "deeplab_multi_19",
    "single": "deeplab_single_19",
    "vgg": "deeplab_vgg_19",
    "D": "fc_discriminator_19",
    "D1": "fc_discriminator_19",
    "D2": "fc_discriminator_19",
}


@cache
def read_json(name):
    return json.loads((FOLDER / name).read_text())


@cache
def read_arrays(name):
    with np.load(FOLDER / name) as arrays:
        return dict(arrays)


def size(kind):
    """(height, width) of the `forward`, `discriminator` or `train` input."""
    return tuple(read_json("bundle.json")[f"{kind}_size"])


def rng(name):
    return np.random.default_rng(zlib.crc32((read_json("bundle.json")["salt"] + name).encode()))


def published_state(tag):
    """Weights of a network under the names of the published code, float32."""
    return {
        entry["key"]: _tensor(tag, entry["key"], entry["shape"])
        for entry in read_json("state_dict_keys.json")[KEYS[tag]]
    }


def _tensor(tag, key, shape):
    x = rng(f"{tag}/{key}").standard_normal(shape)
    if key.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    if key.endswith("running_mean"):
        x = 0.1 * x
    elif key.endswith("running_var"):
        x = 1 + 0.5 * np.abs(x)
    elif len(shape) == 4:
        x = x * GAINS[tag] / np.sqrt(np.prod(shape[1:]))
    elif key.endswith("bn3.weight"):
        x = 0.2 * (1 + 0.1 * x)
    elif key.endswith(".weight"):
        x = 1 + 0.1 * x
    else:
        x = 0.05 * x
    return torch.from_numpy(np.asarray(x, np.float32))


def images(name, count, height, width):
    """(count, 3, height, width) uint8 RGB; drawn as BGR."""
    draw = rng(f"image/{name}")
    blocks = draw.integers(0, 256, size=(count, 3, -(-height // 8), -(-width // 8)))
    noise = draw.integers(-40, 41, size=(count, 3, height, width))
    bgr = np.clip(_enlarged(blocks, height, width) + noise, 0, 255).astype(np.uint8)
    return torch.from_numpy(bgr[:, ::-1].copy())


def labels(name, count, height, width):
    """(count, height, width) uint8 train ids with a grid of ignored pixels."""
    blocks = rng(f"label/{name}").integers(0, 19, size=(count, -(-height // 8), -(-width // 8)))
    label = _enlarged(blocks, height, width).astype(np.uint8)
    y, x = np.mgrid[:height, :width]
    label[:, (y + x) % 11 == 0] = 255
    return torch.from_numpy(label)


def _enlarged(blocks, height, width):
    return blocks.repeat(8, axis=-2).repeat(8, axis=-1)[..., :height, :width]


def segmenter(tag, *, aspp="two-branch"):
    """Our network with the drawn weights, normalising with batch statistics in training, as the published code does."""
    name = "vgg16" if tag == "vgg" else "resnet101"
    options = {} if tag == "vgg" else {"batch_norm": "batch-statistics"}
    levels = 2 if tag == "multi" else 1
    network = build_model(name, 19, levels=levels, pretrained=False, aspp=aspp, **options)
    load_weights(network, published_state(tag))
    return network


def discriminator(tag):
    network = PatchDiscriminator(19)
    load_weights(network, published_state(tag))
    return network


def in_float64(network):
    """Make a network compute in float64; its input, normalised in float32, is widened."""
    network.register_forward_pre_hook(lambda module, inputs: inputs[0].double())
    return network.double()


def largest_difference(ours, reference):
    return float(np.abs(ours.detach().numpy() - reference).max())
