"""The choices that a recipe leaves open by `scenes = "auto"` and `adapt_bn = "auto"`."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from roadseg.adaptation.batch_norm import IMAGES
from roadseg.adaptation.defaults import AUTO
from roadseg.errors import InputError
from roadseg.evaluation.trained import card_of
from roadseg.files import write_json
from roadseg.inference.engines import network_segmenter
from roadseg.inference.scene_choice import ALL, KINDS, SceneChoice, choose_scenes
from roadseg.inputs.documents import read_json
from roadseg.models.network import SegmentationNetwork
from roadseg.runtime import is_main_process, main_process_first
from roadseg.training.build import named_datasets, target_images
from roadseg.training.recipe import STREETS, AdaptRecipe
from roadseg.training.run_folder import RunFolder


def with_choices(
    recipe: AdaptRecipe,
    network: SegmentationNetwork,
    run: RunFolder,
    on_choice: Callable[[str], None],
) -> AdaptRecipe:
    """Return a recipe with its choices made, once for a run: processes and resumed runs read what the first wrote.

    Args:
        recipe: recipe of the run.
        network: network that training starts from; its weights are left as they are.
        run: folder that gets the record of the choice.
        on_choice: called with one line before the choice and one about it.

    Raises:
        DatasetError: an image of the target cannot be read.
        InputError: images of the source cannot be read.
        OutputError: the folder cannot be written to.
    """
    if not recipe.chooses:
        return recipe.chosen("", adapt_bn=False)
    with main_process_first():
        if is_main_process() and not run.recipe.is_file():
            images = target_images(recipe, [target.open() for target in named_datasets(recipe).targets], IMAGES)
            on_choice("comparing rendered streets with the target: one to three minutes")
            write_json(run.scene_choice, asdict(_choice(recipe, network, images)))
    choice = _read(run.scene_choice)
    chosen = recipe.chosen(choice.scenes, adapt_bn=choice.adapt_bn)
    if recipe.scenes == AUTO:
        on_choice(f"streets to train on: {chosen.scenes or 'all kinds'}")
    if recipe.adapt_bn == AUTO:
        on_choice(str(choice))
    return chosen


def _choice(recipe: AdaptRecipe, network: SegmentationNetwork, images: NDArray[np.uint8]) -> SceneChoice:
    start = network_segmenter(network, card_of(recipe, network), device=recipe.device, engine="torch")
    scenes = recipe.scenes if recipe.source == STREETS else ALL
    return choose_scenes(start, images, recipe.bn_prior, KINDS if scenes == AUTO else [scenes])


def _read(file: Path) -> SceneChoice:
    remedy = "Start the run again in another folder."
    try:
        return TypeAdapter(SceneChoice).validate_python(read_json(file))
    except ValidationError:
        raise InputError(f"{file}: is not the record of a choice of scenes", remedy) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({error})", remedy) from error
