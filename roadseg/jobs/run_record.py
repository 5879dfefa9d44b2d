"""Progress of a run beside its log: sample images, a page and, if wanted, TensorBoard events."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.source_images import sample_images
from roadseg.errors import in_one_line
from roadseg.labels.catalogue import label_space
from roadseg.report.pages import write_training_page
from roadseg.training.events import Events
from roadseg.training.recipe import AdaptRecipe
from roadseg.training.run_folder import RunFolder
from roadseg.training.samples import IMAGES, Samples
from roadseg.training.trainer import Trainer


class RunRecord:
    """Writer of a run's sample images, page and events; failures become warnings and never end the training.

    It draws no random numbers and leaves networks as they are, so a run has bit-identical results without it. Use it
    as a context manager, which closes its files.
    """

    def __init__(
        self,
        run: RunFolder,
        recipe: AdaptRecipe,
        trainer: Trainer,
        *,
        source: ImageDataset,
        targets: Sequence[ImageDataset],
        warn: Callable[[str], None],
    ) -> None:
        """Start or continue at the trainer's step: label the first sample images, write the first page.

        Args:
            run: run folder, rewound to the trainer's step.
            recipe: recipe of the run.
            trainer: the trainer before its next step.
            source: data set of the sample images where there are no targets.
            targets: data sets of the sample images.
            warn: called with each cause of failure, once.
        """
        self._run, self._warn = run, warn
        self._warned: set[str] = set()
        self._samples: Samples | None = None
        self._events: Events | None = None
        with self._attempt("no TensorBoard events"):
            self._events = Events(run.events, step=trainer.step) if recipe.tensorboard else None
        with self._attempt("no sample images"):
            self._samples = _samples(run, recipe, trainer, source, targets)
        self._show(trainer.step, sampling=trainer.step == 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._events:
            with self._attempt("no TensorBoard events"):
                self._events.close()

    def log(self, record: dict[str, Any]) -> None:
        """Add a line of the log, or the final scores, which are not in the log, to the events."""
        if self._events:
            with self._attempt("no TensorBoard events"):
                self._events.scalars(record)

    def milestone(self, step: int, sampling: bool) -> None:
        """Update page and events after a step; label the sample images again if `sampling`."""
        self._show(step, sampling=sampling)

    def write_page(self) -> None:
        """Write the page of the run folder."""
        with self._attempt("no page of the training"):
            write_training_page(self._run)

    def _show(self, step: int, *, sampling: bool) -> None:
        if sampling and self._samples:
            samples, self._samples = self._samples, None  # dropped if it fails, for example for lack of memory
            with self._attempt("no more sample images"):
                images = samples.take(step)
                if self._events:
                    self._events.images("samples", images, step)
                self._samples = samples
        if self._events:
            with self._attempt("no TensorBoard events"):
                self._events.flush()
        self.write_page()

    @contextmanager
    def _attempt(self, failure: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # No failure here may end days of training.
            warning = f"{failure}: {in_one_line(error)}"
            if warning not in self._warned:
                self._warned.add(warning)
                self._warn(warning)


def _samples(
    run: RunFolder, recipe: AdaptRecipe, trainer: Trainer, source: ImageDataset, targets: Sequence[ImageDataset]
) -> Samples:
    shown = targets[:IMAGES] or [source]
    each = -(-IMAGES // len(shown))
    images = [sample_images(dataset, recipe.input_size, each, recipe.resampling) for dataset in shown]
    return Samples(
        trainer.result,
        label_space(recipe.labels),
        np.concatenate(images)[:IMAGES],
        trainer.method.runtime,
        run.samples,
        domain="target" if targets else "source",
    )
