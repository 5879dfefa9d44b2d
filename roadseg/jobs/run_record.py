"""What a run shows of itself beside its log: sample pictures, a page and, where wanted, TensorBoard events."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.source_images import sample_images
from roadseg.labels.catalogue import label_space
from roadseg.report.pages import write_training_page
from roadseg.training.events import Events
from roadseg.training.recipe import AdaptRecipe
from roadseg.training.run_folder import RunFolder
from roadseg.training.samples import PICTURES, Samples
from roadseg.training.trainer import Trainer


class RunRecord:
    """Shows a run of the main process to whoever looks on; what cannot be shown is told, and ends no training.

    It draws no random numbers and leaves networks as they are, so that a run comes out the same to the bit without it.
    Use it as a context manager, which closes what it writes to.
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
        """Begin, or go on where the trainer stands: the first pictures are labelled, the first page is written.

        Args:
            run: rewound to where the trainer stands.
            recipe: of the run.
            trainer: before its next step.
            source: shown where there are no targets.
            targets: that training looks at.
            warn: told what cannot be shown, each cause once.
        """
        self._run, self._warn = run, warn
        self._told: set[str] = set()
        self._samples: Samples | None = None
        self._events: Events | None = None
        with self._attempt("no TensorBoard events"):
            self._events = Events(run.events, step=trainer.step) if recipe.tensorboard else None
        with self._attempt("no sample pictures"):
            self._samples = _samples(run, recipe, trainer, source, targets)
        self._show(trainer.step, look=trainer.step == 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._events:
            with self._attempt("no TensorBoard events"):
                self._events.close()

    def log(self, record: dict[str, Any]) -> None:
        """Take in a line that was added to the log, or the scores of the end, which are not in it."""
        if self._events:
            with self._attempt("no TensorBoard events"):
                self._events.scalars(record)

    def milestone(self, step: int, look: bool) -> None:
        """Show where the run stands after a step, with the sample pictures labelled anew if `look`."""
        self._show(step, look=look)

    def write_page(self) -> None:
        """Write the page of what the run folder holds."""
        with self._attempt("no page of the training"):
            write_training_page(self._run)

    def _show(self, step: int, *, look: bool) -> None:
        if look and self._samples:
            samples, self._samples = self._samples, None  # given up where it fails, for want of memory for example
            with self._attempt("no more sample pictures"):
                pictures = samples.take(step)
                if self._events:
                    self._events.pictures("samples", pictures, step)
                self._samples = samples
        if self._events:
            with self._attempt("no TensorBoard events"):
                self._events.flush()
        self.write_page()

    @contextmanager
    def _attempt(self, failure: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # Days of training must not end for a picture of it, whatever is wrong with that.
            told = f"{failure}: {error}"
            if told not in self._told:
                self._told.add(told)
                self._warn(told)


def _samples(
    run: RunFolder, recipe: AdaptRecipe, trainer: Trainer, source: ImageDataset, targets: Sequence[ImageDataset]
) -> Samples:
    shown = targets[:PICTURES] or [source]
    each = -(-PICTURES // len(shown))
    pictures = [sample_images(dataset, recipe.input_size, each, recipe.resampling) for dataset in shown]
    return Samples(
        trainer.result,
        label_space(recipe.labels),
        np.concatenate(pictures)[:PICTURES],
        trainer.method.runtime,
        run.samples,
        domain="target" if targets else "source",
    )
