"""The choices that a recipe leaves open by `scenes = "auto"` and `adapt_bn = "auto"`, or by a model on the hub."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, TypeAdapter, ValidationError

from roadseg.adaptation.batch_norm import IMAGES
from roadseg.adaptation.defaults import AUTO
from roadseg.errors import InputError
from roadseg.evaluation.trained import card_of
from roadseg.files import write_json
from roadseg.inference.engines import network_segmenter
from roadseg.inference.scene_choice import ALL, KINDS, SceneChoice, choose_scenes
from roadseg.inputs.documents import read_json
from roadseg.models.hub import fetched, on_hub
from roadseg.models.names import BACKBONE_PREFIX
from roadseg.models.network import SegmentationNetwork
from roadseg.models.weights import MODEL_FILE, load_model, model_file
from roadseg.runtime import is_main_process, main_process_first
from roadseg.training.build import named_datasets, target_images
from roadseg.training.callbacks import Callbacks
from roadseg.training.recipe import STREETS, AdaptRecipe
from roadseg.training.run_folder import RunFolder

Choice = TypeVar("Choice")


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
    choice = _read(run.scene_choice, SceneChoice, "a choice of scenes")
    chosen = recipe.chosen(choice.scenes, adapt_bn=choice.adapt_bn)
    if recipe.scenes == AUTO:
        on_choice(f"streets to train on: {chosen.scenes or 'all kinds'}")
    if recipe.adapt_bn == AUTO:
        on_choice(str(choice))
    return chosen


def with_model(recipe: AdaptRecipe, run: RunFolder, callbacks: Callbacks) -> AdaptRecipe:
    """Return a recipe whose model on the hub has the hash of its commit, after a download if the cache lacks it.

    The commit is chosen once for a run: that of the run in `init`, if it has this model, else that in the cache, else
    the newest. Other models stay as they are.

    Args:
        recipe: recipe of the run.
        run: folder that gets the record of the commit.
        callbacks: functions to call on progress.

    Raises:
        FetchError: the model cannot be downloaded.
        InputError: a package is missing, or the record cannot be read.
        OutputError: the folder cannot be written to.
    """
    place = recipe.model.removeprefix(BACKBONE_PREFIX)
    if place == recipe.model or not on_hub(place):
        return recipe
    begun = run.model_choice.is_file() and run.recipe.is_file()
    wanted = _read(run.model_choice, _ModelChoice, "a model").model if begun else recipe.model
    chosen = _model_of(recipe.init)  # whose configuration that run holds
    if chosen != wanted and not chosen.startswith(f"{wanted}@"):
        place = wanted.removeprefix(BACKBONE_PREFIX)
        chosen = BACKBONE_PREFIX + fetched(place, on_start=callbacks.on_start, on_progress=callbacks.on_download)
    if not begun and is_main_process():
        write_json(run.model_choice, {"model": chosen})
    return recipe.model_copy(update={"model": chosen})


class _ModelChoice(BaseModel):
    model: str


def _model_of(init: str) -> str:
    """Return the model of the run that training starts from; empty if that is none."""
    file = model_file(init)
    return load_model(file)[1].model if file.name == MODEL_FILE and file.is_file() else ""


def _choice(recipe: AdaptRecipe, network: SegmentationNetwork, images: NDArray[np.uint8]) -> SceneChoice:
    start = network_segmenter(network, card_of(recipe, network), device=recipe.device, engine="torch")
    scenes = recipe.scenes if recipe.source == STREETS else ALL
    return choose_scenes(start, images, recipe.bn_prior, KINDS if scenes == AUTO else [scenes])


def _read(file: Path, kind: type[Choice], what: str) -> Choice:
    remedy = "Start the run again in another folder."
    try:
        return TypeAdapter(kind).validate_python(read_json(file))
    except ValidationError:
        raise InputError(f"{file}: is not the record of {what}", remedy) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({error})", remedy) from error
