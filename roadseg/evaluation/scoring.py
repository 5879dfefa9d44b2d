"""The job behind `roadseg evaluate`: a run, or weights that others published, scored on a labelled data set."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from roadseg.adaptation.batch_norm import PICTURES, BatchNormAdaptation, adapted_to, source_moments
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.source_images import sample_images, source_images
from roadseg.datasets.transforms import Resampling
from roadseg.errors import InputError, WeightsError
from roadseg.evaluation.evaluate import Evaluation, OnPicture, Predict, evaluate
from roadseg.inference.smoothing import TemporalSmoother
from roadseg.labels.catalogue import label_space
from roadseg.labels.space import LabelSpace
from roadseg.models.build import MODELS, build_model
from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import class_scores, labels_of, resized_scores, to_numpy, to_tensor
from roadseg.models.tta import NO_TTA, SCORE_STRIDE, TTA, log_probabilities, part_of, predict_with_tta
from roadseg.models.weights import LoadReport, load_model, load_weights, model_file
from roadseg.runtime import Runtime
from roadseg.training.recipe import AdaptRecipe, read_recipe, resolve
from roadseg.training.run_folder import RunFolder


@dataclass(frozen=True)
class Candidate:
    """A trained network with all that scoring it takes."""

    network: SegmentationNetwork
    """In evaluation mode."""
    labels: LabelSpace
    """What it predicts."""
    input_size: tuple[int, int]
    """(width, height) that pictures are resized to."""
    resampling: Resampling
    scored_classes: str
    """Label space whose classes the mean is taken over; empty for all that can be scored."""
    report: LoadReport | None = None
    """Which tensors of a bare file of weights were used."""
    source: str = ""
    """What it learned from, as a recipe names it; empty where that is not known."""


def load_run(path: Path) -> Candidate:
    """A run folder, or a `model.safetensors` outside of one.

    Raises:
        WeightsError: there is no readable model of ours.
    """
    if path.suffix in (".pth", ".pt") and path.exists():
        raise WeightsError(
            f"{path}: does not say which network it is for", "Name a recipe that does: --recipe pipelines/FILE.toml."
        )
    network, card = load_model(path)
    file = RunFolder(model_file(path).parent).recipe
    if not file.is_file():
        return Candidate(network, card.label_space, card.input_size, "area", "", source=card.source)
    recipe = resolve(read_recipe(file), origin=str(file))
    return Candidate(
        network,
        card.label_space,
        card.input_size,
        recipe.resampling,
        recipe.scored_classes,
        source=card.source,
    )


def load_published(weights: Path, recipe: AdaptRecipe) -> Candidate:
    """A bare file of weights, for the network, heads and label space that a recipe names.

    The whole network must be filled. A file with the main head alone makes a network of one level.

    Raises:
        WeightsError: the file cannot be read, or is not for that network.
    """
    labels = label_space(recipe.labels)
    options = {option: getattr(recipe, option) for option in MODELS[recipe.model].OPTIONS}
    mismatch = None
    for levels in (2, 1):
        network = build_model(recipe.model, len(labels), levels=levels, pretrained=False, **options)
        try:
            report = load_weights(network, weights)
        except WeightsError as error:
            mismatch = mismatch or error
        else:
            return Candidate(
                network.eval(),
                labels,
                recipe.input_size,
                recipe.resampling,
                recipe.scored_classes,
                report,
                recipe.source,
            )
    assert mismatch is not None
    raise mismatch


def score(
    candidate: Candidate,
    dataset: ImageDataset,
    runtime: Runtime,
    *,
    tta: TTA = NO_TTA,
    smoothing: float = 0.0,
    batch_norm: BatchNormAdaptation | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    on_picture: OnPicture = lambda index, predicted, evaluation: None,
) -> Evaluation:
    """Score a network on a labelled data set, as `roadseg.evaluation.evaluate.evaluate` does.

    Args:
        candidate: the network; left as it is.
        dataset: labelled.
        runtime: where it runs.
        tta: test-time augmentation.
        smoothing: weight of the past in class scores, for a data set that is a video.
        batch_norm: adapt its batch norm to pictures of the data set, not to their labels; None: do not.
        on_progress: told (images done, images in all).
        on_picture: told of each picture, before the mean is confined to `scored_classes`.

    Raises:
        DatasetError: the data set cannot be scored on.
        InputError: batch norm cannot be adapted, or what is no video is to be smoothed.
    """
    if smoothing and not dataset.is_video:
        raise InputError(
            f"{dataset.name}: its pictures are not the frames of one video, so there is nothing to smooth",
            "Leave --smooth out, or take a drive of `roadseg synth --drive`.",
        )
    network = runtime.place(candidate.network)
    if batch_norm is not None:
        size, resampling = candidate.input_size, candidate.resampling
        source = source_moments(network, source_images(candidate.source, size, PICTURES, batch_norm.scenes), runtime)
        pictures = sample_images(dataset, size, PICTURES, resampling)
        network = adapted_to(network, source, pictures, runtime, batch_norm.prior)
    evaluation = evaluate(
        _smooth(network, runtime, tta, smoothing)
        if smoothing
        else lambda images, size: predict_with_tta(network, images, size, runtime, tta),
        candidate.labels,
        dataset,
        input_size=candidate.input_size,
        resampling=candidate.resampling,
        on_progress=on_progress,
        on_picture=on_picture,
    )
    return evaluation.within(label_space(candidate.scored_classes)) if candidate.scored_classes else evaluation


def _smooth(network: SegmentationNetwork, runtime: Runtime, tta: TTA, weight: float) -> Predict:
    """Predictions of one frame of a video after the other, their scores averaged over time."""
    smoother, scores = TemporalSmoother(weight), partial(class_scores, network, runtime=runtime)

    def predict(images: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
        coarse = part_of(images.shape[2:0:-1], SCORE_STRIDE)
        (now,) = to_numpy(log_probabilities(scores, to_tensor(images, runtime.device), coarse, tta))
        smooth = torch.from_numpy(smoother.smooth(images[0], now)[None])
        return to_numpy(labels_of(resized_scores(smooth, size, align_corners=network.align_corners)))

    return predict
