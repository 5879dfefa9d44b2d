"""The job of an estimate: the number of training steps that fit into some minutes on this machine."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from roadseg.datasets.sampling import Batch
from roadseg.errors import InputError
from roadseg.jobs.adapt import recipe_keys
from roadseg.labels.catalogue import label_space
from roadseg.training.build import build_trainer
from roadseg.training.recipe import AdaptRecipe, resolve

LEAST_STEPS = 10
"""Steps of the shortest run: the number after which losses are reported."""
TIMED_STEPS = 2


def steps_within(
    minutes: float, *, recipe: AdaptRecipe | str | Path | None = None, data: str | Path = "data", **options: Any
) -> int:
    """Return the number of training steps of `adapt` that take about `minutes` on this machine, by timing a few.

    Frames, rendered streets, pseudo-labels and the verdict at the end come on top.

    Args:
        minutes: above 0.
        recipe: see `adapt`.
        data: see `adapt`.
        options: recipe keys, see `adapt`; `target` need not be there.

    Raises:
        InputError: `minutes` is not above 0.
        RecipeError: the recipe or an option is wrong.
        WeightsError: the initial weights do not fit.
    """
    if not 0 < minutes < float("inf"):
        raise InputError(f"minutes: {minutes}, wanted above 0", "Give 15 for a first try.")
    values, origin = recipe_keys(recipe, {"target": "frames", **options})
    return max(LEAST_STEPS, round(60 * minutes / _seconds_a_step(resolve(values, origin=origin), Path(data))))


def _seconds_a_step(recipe: AdaptRecipe, data: Path) -> float:
    """Return the mean time of steps on noise, the first of which, which prepares much, is left out."""
    trainer = build_trainer(recipe, data)
    trainer.method.segmenter.train()
    random, classes = np.random.default_rng(0), len(label_space(recipe.labels))

    def images(crop: tuple[int, int]) -> torch.Tensor:
        return torch.from_numpy(random.integers(0, 256, (recipe.batch_size, 3, crop[1], crop[0]), np.uint8))

    def labels(crop: tuple[int, int]) -> torch.Tensor:
        return torch.from_numpy(random.integers(0, classes, (recipe.batch_size, crop[1], crop[0]), np.uint8))

    source, target = recipe.source_crop, recipe.target_crop
    batch = Batch.whole(images(source), labels(source), images(target), labels(target))
    batch = batch.to(trainer.method.runtime.device)
    trainer.make_step(batch)
    began = time.perf_counter()
    for _ in range(TIMED_STEPS):
        losses = trainer.make_step(batch)
    if losses:
        sum(losses.values()).item()  # type: ignore[union-attr]  # waits for the device
    return (time.perf_counter() - began) / TIMED_STEPS
