"""Batches as a pure function of (seed, step): resuming needs no replay, and workers cannot change the order."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from roadseg.cores import usable_cores
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.fourier import fourier_aligned
from roadseg.datasets.rare_classes import RareClasses
from roadseg.datasets.transforms import CropTransform
from roadseg.errors import RecipeError, RoadsegError, TrainingError
from roadseg.labels.space import LabelMap
from roadseg.runtime import generator

SOURCE_STREAM, FIRST_TARGET_STREAM = 0, 1
"""Numbers of the streams of random numbers; each further target has the next."""
ANNOTATED_STREAM = 1 << 16
"""Stream of target images with manual labels, beyond those of all targets."""
POLL_SECONDS = 5
"""Seconds after which a stop request is looked for while a batch is awaited."""
LONGEST_WAIT = 600
"""Seconds that a batch may take."""


class Batch(NamedTuple):
    """Input of one training step, or a part of it: a joint batch may be divided over time and over processes."""

    source_images: Tensor
    """(N, 3, H, W) uint8 RGB."""
    source_labels: Tensor
    """(N, H, W) uint8 train ids, 255 where ignored."""
    target_images: Tensor | None
    """(N, 3, H, W) uint8 RGB; None for methods that do not use the target."""
    label_counts: Tensor
    """(256,) int64 pixels by train id in all source labels of the joint batch, for normalising losses. The loader of
    one of several processes counts only its share, so these have to be summed."""
    joint_size: int
    """Number of source images in the joint batch."""
    first: int = 0
    """Place of the first image in the joint batch."""
    target_labels: Tensor | None = None
    """(N, H, W) uint8 pseudo-labels, 255 where ignored; None for methods without pseudo-labels."""
    target_label_counts: Tensor | None = None
    """(256,) int64 pixels by train id in all pseudo-labels of the joint batch."""
    annotated_images: Tensor | None = None
    """(N, 3, H, W) uint8 RGB of target images with manual labels; None where there are none."""
    annotated_labels: Tensor | None = None
    """(N, H, W) uint8 train ids of these, 255 where ignored."""
    annotated_label_counts: Tensor | None = None
    """(256,) int64 pixels by train id in all manual labels of the joint batch."""

    @classmethod
    def whole(
        cls,
        source_images: Tensor,
        source_labels: Tensor,
        target_images: Tensor | None,
        target_labels: Tensor | None = None,
        annotated: tuple[Tensor, Tensor] | None = None,
    ) -> "Batch":
        """Build a joint batch that is not divided; the arguments have the shapes of the fields."""
        return cls(
            source_images,
            source_labels,
            target_images,
            _counts(source_labels),
            len(source_images),
            target_labels=target_labels,
            target_label_counts=None if target_labels is None else _counts(target_labels),
            annotated_images=None if annotated is None else annotated[0],
            annotated_labels=None if annotated is None else annotated[1],
            annotated_label_counts=None if annotated is None else _counts(annotated[1]),
        )

    @property
    def counts(self) -> list[Tensor]:
        """Label counts, which processes have to sum."""
        counts = (self.label_counts, self.target_label_counts, self.annotated_label_counts)
        return [each for each in counts if each is not None]

    @property
    def share(self) -> float:
        """Share of this part in the joint batch, 0 to 1: the weight of its means in the joint loss."""
        return len(self.source_images) / self.joint_size

    def parts(self, count: int) -> Iterator["Batch"]:
        """Divide into `count` parts whose sizes differ by at most one image; single images where there are fewer."""
        for places in _divided(range(len(self.source_images)), min(count, len(self.source_images))):
            of_part = slice(places.start, places.stop)
            yield self._replace(
                source_images=self.source_images[of_part],
                source_labels=self.source_labels[of_part],
                target_images=None if self.target_images is None else self.target_images[of_part],
                first=self.first + places.start,
                target_labels=None if self.target_labels is None else self.target_labels[of_part],
                annotated_images=None if self.annotated_images is None else self.annotated_images[of_part],
                annotated_labels=None if self.annotated_labels is None else self.annotated_labels[of_part],
            )

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on `device`, with images channels last in memory."""
        there: dict[str, Any] = {
            name: part.to(device, non_blocking=True)
            for name, part in self._asdict().items()
            if isinstance(part, Tensor)
        }
        return self._replace(**there)


@dataclass(frozen=True)
class AdaptationBatches:
    """Batches of labelled source and unlabelled target crops; item `step` depends only on (seed, step)."""

    source: ImageDataset
    targets: Sequence[ImageDataset]
    """Target data sets, drawn from in turn, so that each is seen equally often at any size; may be empty."""
    batch_size: int
    source_transform: CropTransform
    target_transform: CropTransform
    seed: int
    fourier_beta: float = 0.0
    """Largest share of the target's low-frequency amplitudes that source crops take on, drawn at random for each crop,
    see `roadseg.datasets.fourier`; 0 leaves them unchanged."""
    pseudo_labelled: bool = False
    """True if the targets' labels are pseudo-labels and part of the batch; other labels are not read."""
    rare_classes: RareClasses | None = None
    """Draws source images by their classes, and crops that show them; None draws all alike."""
    annotated: ImageDataset | None = None
    """Target images with manual labels, in the source's label space: as many crops per batch as of the source. They
    leave all other random draws unchanged."""
    places: range | None = None
    """Places in the joint batch that are prepared here; None for all."""

    def for_process(self, rank: int, processes: int) -> "AdaptationBatches":
        """Return the share of every joint batch that belongs to one of several processes.

        Raises:
            RecipeError: there are more processes than images.
        """
        if self.batch_size < processes:
            raise RecipeError(
                f"batch_size = {self.batch_size} leaves no image for some of {processes} processes",
                "Start fewer processes, or choose a larger batch_size.",
            )
        return replace(self, places=_divided(range(self.batch_size), processes)[rank])

    def __getitem__(self, step: int) -> Batch:
        """Return the batch of training step `step`, counted from 0."""
        crops = list(self._target_crops(step))
        targets, target_labels = [image for image, _ in crops], [label for _, label in crops if label is not None]
        images, labels = [], []
        for place, (image, label, rng) in enumerate(self._source_crops(step)):
            if self.fourier_beta:
                aligned = fourier_aligned(image, targets[place], rng.uniform(0, self.fourier_beta))
                image = np.clip(aligned, 0, 255).astype(np.uint8)
            images.append(image)
            labels.append(label)
        batch = Batch.whole(
            _stack(images),
            torch.from_numpy(np.stack(labels)),
            _stack(targets) if targets else None,
            torch.from_numpy(np.stack(target_labels)) if target_labels else None,
            self._annotated_crops(step),
        )
        return batch._replace(joint_size=self.batch_size, first=self.places.start if self.places else 0)

    def _source_crops(self, step: int) -> Iterator[tuple[NDArray[np.uint8], LabelMap, np.random.Generator]]:
        """Yield crops with their labels and the generator that drew them."""
        for number in self._numbers(step):
            if self.rare_classes is None:
                shown = None
                index, rng = self._draw(self.source, SOURCE_STREAM, number)
            else:
                rng = generator(self.seed, SOURCE_STREAM, number)
                shown, index = self.rare_classes.draw(rng)
            image, label = self.source_transform(*self.source.pair(index), rng, shown=shown)
            yield image, np.asarray(label), rng

    def _target_crops(self, step: int) -> Iterator[tuple[NDArray[np.uint8], LabelMap | None]]:
        for number in self._numbers(step) if self.targets else ():
            turn, which = divmod(number, len(self.targets))
            target = self.targets[which]
            index, rng = self._draw(target, FIRST_TARGET_STREAM + which, turn)
            image, label = target.pair(index) if self.pseudo_labelled else (target.image(index), None)
            yield self.target_transform(image, label, rng)

    def _annotated_crops(self, step: int) -> tuple[Tensor, Tensor] | None:
        if self.annotated is None:
            return None
        images, labels = [], []
        for number in self._numbers(step):
            index, rng = self._draw(self.annotated, ANNOTATED_STREAM, number)
            image, label = self.target_transform(*self.annotated.pair(index), rng)
            images.append(image)
            labels.append(np.asarray(label))
        return _stack(images), torch.from_numpy(np.stack(labels))

    def _numbers(self, step: int) -> Iterator[int]:
        """Yield the numbers of the step's samples, counted from the first sample of the first step."""
        for place in self.places or range(self.batch_size):
            yield step * self.batch_size + place

    def _draw(self, dataset: ImageDataset, stream: int, number: int) -> tuple[int, np.random.Generator]:
        """Return the index of the sample of this number, in shuffled epochs, and a generator for this sample alone."""
        epoch, place = divmod(number, len(dataset))
        order = generator(self.seed, stream, epoch).permutation(len(dataset))
        return int(order[place]), generator(self.seed, stream, epoch, place)


def load_batches(
    batches: AdaptationBatches,
    first: int,
    last: int,
    *,
    workers: int,
    pin_memory: bool = False,
    give_up: Callable[[], bool] = lambda: False,
) -> Iterator[Batch]:
    """Yield the batches of steps `first` to `last` - 1 in order.

    Args:
        batches: source of the batches.
        first: first step.
        last: step after the last.
        workers: number of processes that prepare batches ahead; 0 prepares them in this process.
        pin_memory: True places batches in page-locked memory, from which a CUDA device copies while it computes.
        give_up: asked every few seconds while a batch is awaited from other processes; True ends the waiting.

    Raises:
        RoadsegError: a file of a data set is not what it should be.
        TrainingError: a process that prepares batches died, or none has a batch after `LONGEST_WAIT` seconds.
        KeyboardInterrupt: `give_up` returned True.
    """
    workers = min(workers, usable_cores())  # they change only the speed
    loader = DataLoader(
        _Attempts(batches),
        batch_size=None,
        sampler=range(first, last),
        num_workers=workers,
        worker_init_fn=_start_worker if workers else None,
        prefetch_factor=4 if workers else None,
        timeout=POLL_SECONDS if workers else 0,
        pin_memory=pin_memory,
        # Without its own generator, a loader draws from the global one, and a resumed run would draw once more.
        generator=torch.Generator(),
    )
    prepared = iter(loader)
    while (attempt := _next(prepared, give_up)) is not None:
        if isinstance(attempt, RoadsegError):
            raise attempt
        yield attempt


def _next(prepared: Iterator[Batch | RoadsegError], give_up: Callable[[], bool]) -> Batch | RoadsegError | None:
    """Return what a loader prepares next, None at its end."""
    for _ in range(LONGEST_WAIT // POLL_SECONDS):
        try:
            return next(prepared, None)
        except RuntimeError as error:
            if "timed out" not in str(error):
                raise TrainingError(
                    "a process that prepares batches has died, perhaps for lack of memory",
                    "Free memory (also of /dev/shm) or choose fewer workers, and continue with --resume.",
                ) from error
        if give_up():
            raise KeyboardInterrupt
    raise TrainingError(
        f"no batch was ready within {LONGEST_WAIT} s",
        "Check the disk and /dev/shm, choose workers = 0 or smaller batches, and continue with --resume.",
    )


@dataclass(frozen=True)
class _Attempts(Dataset[Batch | RoadsegError]):
    """Batches, or the errors of their files: raised in a worker, an error would arrive as the text of a traceback."""

    batches: AdaptationBatches

    def __getitem__(self, step: int) -> Batch | RoadsegError:
        try:
            return self.batches[step]
        except RoadsegError as error:
            return error


def _start_worker(worker: int) -> None:
    # Workers run beside the training threads; OpenCV's own threads would only take cores from them.
    cv2.setNumThreads(0)
    # Ctrl-C and torchrun signal whole process groups, but the training loop decides when to stop.
    os.setpgrp()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _divided(places: range, count: int) -> list[range]:
    """Divide into `count` runs whose lengths differ by at most one."""
    return [places[i * len(places) // count : (i + 1) * len(places) // count] for i in range(count)]


def _counts(labels: Tensor) -> Tensor:
    return torch.bincount(labels.flatten(), minlength=256)


def _stack(images: list[NDArray[np.uint8]]) -> Tensor:
    """Stack images (H, W, 3) as (N, 3, H, W) uint8, channels last in memory."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
