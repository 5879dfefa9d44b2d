"""Weights that the page offers: those of the package, and runs in a few folders; and loaded segmenters."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from roadseg.errors import InputError
from roadseg.inference.engines import load_segmenter
from roadseg.inference.imported.card import imported_folder
from roadseg.inference.segmenter import Segmenter
from roadseg.models.names import NETWORK_FILE, PACKAGED
from roadseg.models.weights import load_model
from roadseg.training.run_folder import RunFolder

KEPT = 2
"""Segmenters that stay loaded."""
WIDE = 16 / 9
"""Shape of most videos: an engine takes seconds to prepare itself for a shape."""


class Run(NamedTuple):
    """Weights by their name on the page."""

    name: str
    path: Path
    """Run folder, or the name of packaged weights."""
    is_finished: bool
    has_page: bool

    @property
    def folder(self) -> RunFolder:
        """The files of a run."""
        return RunFolder(self.path)


class Runs:
    """The weights, by name, and the segmenters of the last few that were asked for.

    Args:
        folders: their sub-folders are looked through for runs; some may be missing. New runs go into the first.
        first: run folder, weight file or name of packaged weights that the page begins with.

    Raises:
        WeightsError: there is no readable model in `first`.
    """

    def __init__(self, folders: Sequence[Path], first: Path) -> None:
        if imported_folder(first) is None:
            load_model(first)  # a mistake is told now, not by the first frame
        self._folders = list(folders)
        self._first = first
        self._runs: dict[str, Run] = {}
        self._segmenters: OrderedDict[str, Segmenter] = OrderedDict()
        self._loading = threading.Lock()
        self.find()

    @property
    def first(self) -> str:
        """Name of the weights that the page begins with."""
        return str(self._first) if str(self._first) in PACKAGED else self._first.name

    def find(self) -> None:
        """Look for runs again."""
        found = {name: Run(name, Path(name), True, False) for name in PACKAGED}
        if self.first not in found:
            found[self.first] = Run(self.first, self._first, True, RunFolder(self._first).page.is_file())
        for folder in self._folders:
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                run = RunFolder(path)
                is_finished = run.model.is_file() or (path / NETWORK_FILE).is_file()
                if (is_finished or run.recipe.is_file()) and path != self._first:
                    name = path.name if path.name not in found else str(path)
                    found[name] = Run(name, path, is_finished, run.page.is_file())
        self._runs = found

    def __getitem__(self, name: str) -> Run:
        """Return a run by its name.

        Raises:
            InputError: there is none.
        """
        if name not in self._runs:
            raise InputError(f"{name}: no such weights", "Choose others.")
        return self._runs[name]

    def new(self, name: str) -> Path:
        """Return a folder that is free for a new run of about this name."""
        tidy = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name).strip("-")[:60]
        tidy = tidy or "my-roads"
        number, path = 1, self._folders[0] / tidy
        while path.exists() or path.name in self._runs:
            number += 1
            path = self._folders[0] / f"{tidy}-{number}"
        return path

    def segmenter(self, name: str) -> Segmenter:
        """Return the segmenter of a run, loaded once.

        Raises:
            InputError: there is no such run, or it is not finished.
            WeightsError: it cannot be read.
        """
        run = self[name]
        if not run.is_finished:
            raise InputError(f"{name}: not finished, so it has no weights yet", "Continue it first.")
        with self._loading:
            if name not in self._segmenters:
                self._segmenters[name] = load_segmenter(run.path)
                while len(self._segmenters) > KEPT:
                    self._segmenters.popitem(last=False)
            self._segmenters.move_to_end(name)
            return self._segmenters[name]

    def warm_up(self) -> None:
        """Load the first weights and label a black image, so that the first frame of a video takes less time."""
        segmenter = self.segmenter(self.first).fitted(WIDE)
        width, height = segmenter.input_size
        segmenter.segment(np.zeros((1, height, width, 3), np.uint8))

    def as_list(self) -> list[dict[str, object]]:
        """Return the runs for the page."""
        return [
            {"name": run.name, "finished": run.is_finished, "page": run.has_page, "packaged": run.name in PACKAGED}
            for run in self._runs.values()
        ]
