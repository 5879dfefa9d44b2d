"""Evaluation of a segmenter on a labelled data set: the one path of commands, training, comparisons and benchmarks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice
from pathlib import Path
from typing import TypedDict, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from roadseg.adaptation.batch_norm import IMAGES, BatchNormAdaptation
from roadseg.adaptation.defaults import PRIOR
from roadseg.datasets.catalogue import open_dataset
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.read_ahead import read_ahead
from roadseg.datasets.source_images import aspect_ratio, sample_images
from roadseg.datasets.transforms import Image, Resampling, resized_image
from roadseg.errors import DatasetError, InputError
from roadseg.evaluation.blocks import divided
from roadseg.evaluation.by_drive import ScoresByDrive
from roadseg.evaluation.consistency import TemporalConsistency
from roadseg.evaluation.scores import Evaluation, Steadiness
from roadseg.evaluation.trained import ScoringSettings, load_published, scored_segmenter
from roadseg.inference.engines import EngineName, network_segmenter
from roadseg.inference.segmenter import Segmenter
from roadseg.inference.smoothing import WEIGHT, TemporalSmoother
from roadseg.labels.catalogue import label_space
from roadseg.labels.confusion import confusion_matrix
from roadseg.labels.counterparts import unmatched_notices
from roadseg.labels.space import IGNORE, LabelMap, conversion
from roadseg.models.tta import NO_TTA, TTA
from roadseg.runtime import DeviceName
from roadseg.training.recipe_files import read_recipe

Progress = Callable[[int, int], None]
"""Called with (images done, images in all)."""
OnImage = Callable[[int, LabelMap, Evaluation], None]
"""Called with the number of an image in its data set, its predicted train ids (H, W), and the scores of it alone."""
READ_AHEAD = 2
"""Batches that are read and resized while the segmenter works on another."""


class EvaluationOptions(TypedDict, total=False):
    """Options of `evaluate`, which explains them."""

    engine: EngineName
    device: DeviceName
    input_size: tuple[int, int] | None
    resampling: Resampling | None
    classes: str | None
    recipe: str | Path | None
    flip: bool
    scales: tuple[float, ...]
    smooth: bool
    adapt_bn: bool
    bn_prior: int
    bn_scenes: str
    on_progress: Progress
    on_load: Callable[[str], None]


Sets = list[str] | list[ImageDataset] | tuple[ImageDataset | str, ...]
"""Several data sets."""


@overload
def evaluate(
    run: Segmenter | str | Path, dataset: ImageDataset | str, **options: Unpack[EvaluationOptions]
) -> Evaluation: ...


@overload
def evaluate(run: Segmenter | str | Path, dataset: Sets, **options: Unpack[EvaluationOptions]) -> ScoresByDrive: ...


def evaluate(
    run: Segmenter | str | Path,
    dataset: ImageDataset | str | Sets,
    *,
    engine: EngineName = "exact",
    device: DeviceName = "auto",
    input_size: tuple[int, int] | None = None,
    resampling: Resampling | None = None,
    classes: str | None = None,
    recipe: str | Path | None = None,
    flip: bool = False,
    scales: tuple[float, ...] = (1.0,),
    smooth: bool = False,
    adapt_bn: bool = False,
    bn_prior: int = PRIOR,
    bn_scenes: str = "",
    on_progress: Progress = lambda done, total: None,
    on_load: Callable[[str], None] = lambda message: None,
) -> Evaluation | ScoresByDrive:
    """Score a run on labelled data: IoU by class and mean IoU over the classes that both know; several sets by drive.

    Args:
        run: a run folder, a `model.safetensors`, the name of packaged weights, or a segmenter from `load_segmenter`;
            with `recipe`, a published weight file.
        dataset: a labelled data set as KIND:ROOT or KIND:ROOT:SPLIT; `val` where no split is written and the kind has
            it. Or a list of several.
        engine: `exact` scores as papers do: torch in float32, class scores up-sampled to the size of the truth before
            labels are decided. `auto`, `torch` and `openvino` score what overlays draw, and are faster.
        device: device to run on; `auto` takes the first of CUDA, MPS and CPU.
        input_size: (width, height) in pixels that images are resized to; by default the `target_size` that the run's
            recipe names, or else the largest size of their own shape within that of the training.
        resampling: `area` or `bicubic`; by default as in the run's recipe.
        classes: name of a label space over whose classes the mean is taken; by default as in the run's recipe.
        recipe: recipe that names network and label space of a published weight file.
        flip: average class probabilities with those of the mirrored image.
        scales: average class probabilities over these factors on the input size, 0.5 to 2.
        smooth: average class scores over time along the motion; for a data set that is a video.
        adapt_bn: adapt batch-norm statistics to the images of the data set; labels are not used.
        bn_prior: for `adapt_bn`, the weight of the training statistics, in images, at least 0.
        bn_scenes: for `adapt_bn`, rendered streets to compare with, or "auto", see `BatchNormAdaptation`.
        on_progress: called with (images done, images in all), over all data sets.
        on_load: called with a line that says which tensors of a published weight file were used.

    Returns:
        The scores; for a list, those of each data set, with a row for each drive and data set and the mean over drives.

    Raises:
        WeightsError: the run has no readable model.
        DatasetError: the data set cannot be read, or has no labels of the run's classes.
        InputError: an option does not go with the run, the data set or this machine; a list is empty or names a data
            set twice.
    """
    sets = _opened(dataset if isinstance(dataset, list | tuple) else (dataset,))
    scored_classes = label_space(classes).name if classes else ""
    tta, batch_norm = TTA(flip, tuple(scales)), BatchNormAdaptation.chosen(adapt_bn, bn_prior, bn_scenes)
    segmenter, settings = _loaded(run, engine, device, input_size, recipe, on_load)
    resampling = resampling or settings.resampling
    scored_classes = scored_classes or settings.scored_classes
    for images in sets.values():
        _Counter(segmenter, images)  # what cannot be scored is refused before minutes are spent on another data set
    evaluations: dict[str, Evaluation] = {}
    in_all = sum(map(len, sets.values()))
    for name, images in sets.items():
        before = sum(evaluation.images for evaluation in evaluations.values())

        def count(done: int, in_set: int, before: int = before) -> None:
            on_progress(before + done, in_all)

        evaluations[name] = score(
            segmenter,
            images,
            resampling=resampling,
            scored_classes=scored_classes,
            tta=tta,
            smoothing=WEIGHT if smooth else 0.0,
            batch_norm=batch_norm,
            on_progress=count,
        )
    return ScoresByDrive(evaluations) if isinstance(dataset, list | tuple) else next(iter(evaluations.values()))


def _loaded(
    run: Segmenter | str | Path,
    engine: EngineName,
    device: DeviceName,
    input_size: tuple[int, int] | None,
    recipe: str | Path | None,
    on_load: Callable[[str], None],
) -> tuple[Segmenter, ScoringSettings]:
    """Return the segmenter of a run, and the settings of its recipe; the arguments are those of `evaluate`."""
    if isinstance(run, Segmenter):
        if engine != "exact" or device != "auto" or input_size or recipe:
            raise InputError(
                "engine, device, input_size and recipe are for loading a run; this is a loaded segmenter",
                "Give them to load_segmenter instead.",
            )
        return run, ScoringSettings()
    if recipe is None:
        return scored_segmenter(run, device=device, engine=engine, input_size=input_size)
    published, report = load_published(Path(run), read_recipe(recipe))
    on_load(str(report))
    size = input_size or published.settings.input_size
    segmenter = network_segmenter(published.network, published.card, device=device, engine=engine, input_size=size)
    return segmenter, published.settings


def _opened(sets: Sequence[ImageDataset | str]) -> dict[str, ImageDataset]:
    """Return data sets by the names that their scores get."""
    opened = {one if isinstance(one, str) else one.name: one for one in sets}
    if not sets or len(opened) < len(sets):
        raise InputError(
            "no data set is named" if not sets else f"a data set is named twice in {', '.join(opened)}",
            "Give different data sets, for example camvid:data/camvid:train+val.",
        )
    return {name: open_dataset(one) if isinstance(one, str) else one for name, one in opened.items()}


def score(
    segmenter: Segmenter,
    dataset: ImageDataset,
    *,
    resampling: Resampling = "area",
    scored_classes: str = "",
    tta: TTA = NO_TTA,
    smoothing: float = 0.0,
    batch_norm: BatchNormAdaptation | None = None,
    on_progress: Progress = lambda done, total: None,
    on_image: OnImage = lambda index, predicted, evaluation: None,
) -> Evaluation:
    """Label every image of a data set and compare with its label maps.

    The segmenter is fitted to the shape of each image; label maps are compared at the size of the truth. Only classes
    that some class of the segmenter maps to are scored, see `roadseg.labels.space.conversion`; a predicted class that
    the data set does not have is an error wherever it stands, and a class of the data set that is part of one of the
    segmenter counts as that one. For a video, steadiness is measured too.

    Args:
        segmenter: left as it is.
        dataset: labelled.
        resampling: how images are resized.
        scored_classes: name of a label space over whose classes the mean is taken; empty for all.
        tta: test-time augmentation.
        smoothing: weight of the past in class scores, 0 to below 1; above 0 for a data set that is a video.
        batch_norm: how to adapt batch norm to the images of the data set; None: do not.
        on_progress: called with (images done, images in all).
        on_image: called for each image, with scores over all classes.

    Raises:
        DatasetError: the data set has no labels, shares no class with the segmenter, or has no scored pixel.
        InputError: batch norm cannot be adapted, or the data set is to be smoothed and is not a video.
    """
    counter = _Counter(segmenter, dataset)
    if smoothing and not dataset.is_video:
        raise InputError(
            f"{dataset.name}: its images are not the frames of one video, so there is nothing to smooth",
            "Leave --smooth out, or take a drive made by `roadseg synth --drive`.",
        )
    if batch_norm is not None:
        segmenter = segmenter.fitted(aspect_ratio(dataset))
        images = sample_images(dataset, segmenter.input_size, IMAGES, resampling)
        segmenter = segmenter.adapted_to(images, batch_norm)
    consistency = TemporalConsistency(len(segmenter.label_space)) if dataset.is_video and len(dataset) > 1 else None
    smoother = TemporalSmoother(smoothing) if smoothing else None
    done = 0
    for fitted, pixels, truths in _batches(dataset, segmenter, resampling):
        sizes = [(truth.shape[1], truth.shape[0]) for truth in truths]
        if smoother is None:
            predictions = fitted.labels_at(pixels, sizes, tta)
        else:
            scores = zip(pixels, fitted.scores(pixels, tta), strict=True)
            smoothed = np.stack([smoother.smooth(image, now) for image, now in scores])
            predictions = fitted.labels_from_scores_at(smoothed, sizes)
        for image, predicted, truth in zip(pixels, predictions, truths, strict=True):
            on_image(done, predicted, counter.count(done, predicted, truth))
            if consistency is not None:
                consistency.add(image, predicted)
            done += 1
            on_progress(done, len(dataset))
    steadiness = Steadiness(consistency.miou, consistency.changed) if consistency is not None else None
    evaluation = counter.total(len(dataset), steadiness)
    return evaluation.within(label_space(scored_classes)) if scored_classes else evaluation


class _Counter:
    """Counts pixels by [truth, prediction] over the classes that a data set shares with a segmenter."""

    def __init__(self, segmenter: Segmenter, dataset: ImageDataset) -> None:
        labels = segmenter.label_space
        space = dataset.label_space
        if space is None:
            raise DatasetError(f"{dataset.name}: has no label maps to score against", dataset.unlabelled)
        to_truth = conversion(labels, space)
        scored = sorted(set(to_truth[: len(labels)].tolist()) - {IGNORE})
        if not scored:
            raise DatasetError(
                f"{dataset.name}: {space.name} and {labels.name} share no class",
                "Choose a data set with classes of the run, see `roadseg datasets`.",
            )
        self._dataset, self._space, self._engine = dataset.name, space, segmenter.engine
        self._notices = segmenter.notices + dataset.notices + unmatched_notices(space, labels)
        self._classes = tuple(space.classes[i] for i in scored)
        self._blocks = divided(dataset.samples)
        other = len(scored)
        self._truth_place = np.full(256, IGNORE, np.uint8)
        self._truth_place[scored] = np.arange(other)
        self._predicted_place = np.minimum(self._truth_place[to_truth], other)
        of_whole = self._truth_place[to_truth[conversion(space, labels)]]
        self._truth_place = np.where(self._truth_place == IGNORE, of_whole, self._truth_place)
        self._counts = np.zeros((max(self._blocks.of_image, default=0) + 1, other + 1, other + 1), np.int64)

    def count(self, index: int, predicted: LabelMap, truth: LabelMap) -> Evaluation:
        """Add an image by its number in the data set; return the scores of it alone."""
        classes = len(self._classes) + 1
        counts = confusion_matrix(self._predicted_place[predicted], self._truth_place[truth], classes)
        self._counts[self._blocks.of_image[index]] += counts
        return Evaluation(self._dataset, self._space, self._classes, counts, 1, self._engine)

    def total(self, images: int, steadiness: Steadiness | None) -> Evaluation:
        """Return the scores of all images, and of each drive."""
        if not self._counts.any():
            raise DatasetError(f"{self._dataset}: every pixel of its label maps is ignored", "Check the label ids.")
        whole = Evaluation(
            self._dataset,
            self._space,
            self._classes,
            self._counts.sum(0),
            images,
            self._engine,
            steadiness,
            self._notices,
            tuple(self._counts),
        )
        return replace(whole, drives=self._drives(whole)) if len(self._blocks.of_drive) > 1 else whole

    def _drives(self, whole: Evaluation) -> tuple[Evaluation, ...]:
        drives = []
        for drive, blocks in self._blocks.of_drive.items():
            counts = self._counts[blocks.start : blocks.stop]
            drives.append(
                replace(
                    whole,
                    dataset=drive,
                    confusion=counts.sum(0),
                    images=self._blocks.images[drive],
                    steadiness=None,
                    notices=(),
                    blocks=tuple(counts),
                )
            )
        return tuple(drives)


def _batches(
    dataset: ImageDataset, segmenter: Segmenter, resampling: Resampling
) -> Iterator[tuple[Segmenter, NDArray[np.uint8], list[LabelMap]]]:
    """Yield the segmenter fitted to images, the images at its input size (N, H, W, 3) and their label maps, in order,
    read ahead by threads."""

    def read(index: int) -> tuple[Segmenter, Image, LabelMap]:
        image, label = dataset.pair(index)
        fitted = segmenter.fitted(image.shape[1] / image.shape[0])
        return fitted, resized_image(image, fitted.input_size, resampling), label

    count = segmenter.batch_size
    samples = read_ahead(read, range(len(dataset)), READ_AHEAD * count)
    for _, alike in groupby(samples, lambda sample: sample[0].input_size):
        while batch := list(islice(alike, count)):
            fitted, images, labels = zip(*batch, strict=True)
            yield fitted[0], np.stack(images), list(labels)
