"""A toy street set in the real on-disk format, learnable in a few steps: each class has its colour."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.training.keys import merged
from roadseg.training.recipe import AdaptRecipe, resolve

SIZE = (96, 64)
ROAD, BUILDING, SKY, CAR = 0, 2, 10, 13
COLOURS = {ROAD: (90, 90, 95), BUILDING: (150, 90, 60), SKY: (150, 190, 240), CAR: (200, 20, 30)}


def street(index: int, *, night: bool = False) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Sky over buildings over road with a car on it, as RGB image and label map; `night` is another domain."""
    rng = np.random.default_rng(index)
    width, height = SIZE
    label = np.full((height, width), SKY, np.uint8)
    label[rng.integers(10, 25) :] = BUILDING
    label[rng.integers(34, 44) :] = ROAD
    left = rng.integers(5, width - 35)
    label[36:50, left : left + 25] = CAR
    image = np.zeros((height, width, 3), np.float64)
    for train_id, colour in COLOURS.items():
        image[label == train_id] = colour
    image += rng.normal(0, 8, image.shape)
    if night:
        image = image * (0.45, 0.5, 0.7) + 10
    return np.clip(image, 0, 255).astype(np.uint8), label


def write_streets(root: Path, count: int, *, night: bool = False) -> Path:
    """Write a labelled set as `roadseg synth` lays it out."""
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    (root / "dataset.toml").write_text('kind = "streets"\nlabel_space = "indian-20"\n')
    for index in range(count):
        image, label = street(index, night=night)
        cv2.imwrite(str(root / "images" / f"{index:06}.png"), image[..., ::-1])
        cv2.imwrite(str(root / "labels" / f"{index:06}.png"), label)
    return root


RECIPE = {
    "method": "multi-level",
    "size": SIZE,
    "crop": (64, 48),
    "source_jitter": 0.0,
    "target_jitter": 0.0,
    "batch_size": 2,
    "adversarial": {"discriminator_width": 8},
    "lsd": {"width": 8},
    "steps": 6,
    "checkpoint_every": 3,
    "workers": 0,
    "device": "cpu",
}
"""Recipe keys that make a run take a second or two."""
ONE_VIEW = {"flip": False, "scales": (1.0,)}
"""Options of pseudo-labels with which labelling takes a sixth of the time."""


def toy_recipe(data: Path, **changes: Any) -> AdaptRecipe:
    """The recipe of a run on the streets in `data`, `source` and `target`, with these keys changed."""
    values = {**RECIPE, "source": str(data / "source"), "target": str(data / "target" / "images")}
    return resolve(merged(values, changes), origin="test")


def write_tiny_run(folder: Path) -> Path:
    """A run folder as `roadseg adapt` leaves it, with a network of random weights that sees 64x48 pixels."""
    import torch

    from roadseg.models.build import build_model
    from roadseg.models.weights import MODEL_FILE, ModelCard, save_model

    torch.manual_seed(0)
    network = build_model("fast", 19, levels=1, pretrained=False)
    card = ModelCard(
        model="fast",
        levels=1,
        labels="cityscapes-19",
        input_size=(64, 48),
        method="source-only",
        source="nothing",
        target="",
        steps=0,
        seed=0,
    )
    folder.mkdir(parents=True, exist_ok=True)
    save_model(folder / MODEL_FILE, network, card)
    return folder
