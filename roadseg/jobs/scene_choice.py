"""The choice behind `scenes = "auto"` and `adapt_bn = "auto"`: streets like those of the target, found without labels.

Batch norm is adapted from rendered streets of each kind to a few images of the target. Where the streets are alike, the
statistics change with light and camera alone, and labels become steadier; where they are not, what changes with the
content is corrected away too, and labels become less steady. So the kind with the steadiest labels is taken.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from roadseg.adaptation.batch_norm import IMAGES, BatchNormAdaptation
from roadseg.errors import InputError
from roadseg.evaluation.label_free import IMAGES as JUDGED
from roadseg.evaluation.label_free import Measures
from roadseg.evaluation.trained import card_of
from roadseg.files import write_json
from roadseg.inference.engines import network_segmenter
from roadseg.inputs.documents import read_json
from roadseg.models.network import SegmentationNetwork
from roadseg.runtime import is_main_process, main_process_first
from roadseg.streets.presets import PRESETS
from roadseg.training.build import named_datasets, target_images
from roadseg.training.recipe import AUTO, STREETS, AdaptRecipe
from roadseg.training.run_folder import RunFolder

ALL = ""
"""Scenes of all kinds, as recipes write it."""


@dataclass(frozen=True)
class SceneChoice:
    """Agreement between views of target images, in percent, by the streets that batch norm was adapted from."""

    start: float
    """Without adaptation."""
    adapted: dict[str, float]
    """By scenes, "" for all kinds; at least one."""

    @property
    def scenes(self) -> str:
        """The scenes whose adaptation gives the steadiest labels."""
        return max(self.adapted, key=self.adapted.__getitem__)

    @property
    def adapt_bn(self) -> bool:
        """True if that is steadier than no adaptation."""
        return self.adapted[self.scenes] > self.start

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read the record of a choice.

        Raises:
            InputError: it is missing or damaged.
        """
        try:
            return cls(**read_json(file))
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"{file}: cannot be read ({error})", "Start the run again in another folder.") from error

    def __str__(self) -> str:
        """One line for people."""
        figures = ", ".join(f"{scenes or 'all kinds'} {agreement:.1f}" for scenes, agreement in self.adapted.items())
        taken = f"streets: {self.scenes or 'all kinds'}; batch norm {'adapted' if self.adapt_bn else 'left as it is'}"
        return f"{taken} (agreement of views of the target in %: start {self.start:.1f}; adapted from {figures})"


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
            on_choice("comparing rendered streets with the target: less than a minute")
            write_json(run.scene_choice, asdict(_choice(recipe, network)))
    choice = SceneChoice.read(run.scene_choice)
    on_choice(str(choice))
    return recipe.chosen(choice.scenes, adapt_bn=choice.adapt_bn)


def _choice(recipe: AdaptRecipe, network: SegmentationNetwork) -> SceneChoice:
    targets = [target.open() for target in named_datasets(recipe).targets]
    images = target_images(recipe, targets, IMAGES)
    start = network_segmenter(network, card_of(recipe, network), device=recipe.device, engine="torch")
    judged = images[:: -(-len(images) // JUDGED)]

    def agreement(scenes: str) -> float:
        adapted = start.adapted_to(images, BatchNormAdaptation(recipe.bn_prior, scenes))
        return Measures.of(adapted, judged).agreement

    scenes = recipe.scenes if recipe.source == STREETS else ALL
    candidates = [ALL, *PRESETS] if scenes == AUTO else [scenes]
    return SceneChoice(Measures.of(start, judged).agreement, {scenes: agreement(scenes) for scenes in candidates})
