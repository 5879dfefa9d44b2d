"""Run folder: the results of a training, and everything to resume it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.errors import InputError, OutputError, WeightsError
from roadseg.files import output_errors, write_json, write_text, writing
from roadseg.inputs.documents import parse_json, read_json
from roadseg.models.pickles import read_pickle
from roadseg.models.weights import MODEL_FILE
from roadseg.training.samples import drop_samples


@dataclass(frozen=True)
class RunFolder:
    """The files of one run; see docs/architecture.md for what each holds."""

    path: Path

    @property
    def recipe(self) -> Path:
        """The resolved recipe, TOML."""
        return self.path / "recipe.toml"

    @property
    def log(self) -> Path:
        """One JSON object a line: losses and rates, or scores, of a step."""
        return self.path / "log.jsonl"

    @property
    def checkpoint(self) -> Path:
        """Everything that is needed to continue the run."""
        return self.path / "checkpoint.pt"

    @property
    def scene_choice(self) -> Path:
        """Choice of scenes, where the recipe leaves it open: `roadseg.inference.scene_choice.SceneChoice` as JSON."""
        return self.path / "scenes.json"

    @property
    def model_choice(self) -> Path:
        """Commit of a model on the hub, where the recipe names one without: JSON, `model` with its whole name."""
        return self.path / "model.json"

    @property
    def pseudo_labels(self) -> Path:
        """Folder of the target's pseudo-labels, for methods that train on them."""
        return self.path / "pseudo-labels"

    @property
    def loss_kinds(self) -> Path:
        """Interpretation of the losses in the log: JSON, `roadseg.adaptation.loss_verdicts.LossKind` by name."""
        return self.path / "losses.json"

    @property
    def samples(self) -> Path:
        """Folder of thumbnails: a few images with the network's labels at several steps."""
        return self.path / "samples"

    @property
    def events(self) -> Path:
        """Folder of TensorBoard events."""
        return self.path / "tensorboard"

    @property
    def page(self) -> Path:
        """Progress page for a browser."""
        return self.path / "training.html"

    @property
    def model(self) -> Path:
        """Weights and everything else that inference needs."""
        return self.path / MODEL_FILE

    @property
    def trained(self) -> Path:
        """Weights after training of a run that kept those of its start as `model`."""
        return self.path / "trained.safetensors"

    @property
    def metrics(self) -> Path:
        """Results: losses, scores, time."""
        return self.path / "metrics.json"

    def refuse_if_begun(self) -> None:
        """Make sure that the folder is free for a new run.

        Raises:
            OutputError: the folder holds a run already.
        """
        if self.recipe.exists():
            raise OutputError(
                f"{self.path}: already holds a run", "Continue it with --resume, or choose another --out."
            )

    def begin(self, recipe: str) -> None:
        """Start a new run with the resolved recipe."""
        write_text(self.recipe, recipe)

    def save_checkpoint(self, state: dict[str, Any]) -> None:
        """Replace the checkpoint, whole or not at all.

        Raises:
            OutputError: the disk is full, or the folder cannot be written to.
        """
        try:
            with writing(self.checkpoint) as part:
                torch.save(state, part)
        except RuntimeError as error:  # as torch reports a disk that is full
            raise OutputError(
                f"{self.checkpoint}: cannot be written, perhaps for lack of space",
                "Free some space and continue with --resume; the checkpoint before is kept.",
            ) from error

    def load_checkpoint(self) -> dict[str, Any]:
        """Read the checkpoint, tensors on the CPU.

        Raises:
            WeightsError: it cannot be read.
        """
        remedy = "Start the run again in another folder."
        state = read_pickle(self.checkpoint, what="a checkpoint", remedy=remedy)
        if not isinstance(state, dict):
            raise WeightsError(f"{self.checkpoint}: cannot be read as a checkpoint (it holds no dict)", remedy)
        return state

    def append_log(self, record: dict[str, Any]) -> None:
        """Add one line to the log."""
        with output_errors(self.log), self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(record, allow_nan=False) + "\n")

    def read_log(self) -> list[dict[str, Any]]:
        """Return the complete lines of the log; a last line without an end, as `kill -9` leaves it, is dropped.

        Raises:
            InputError: another line is not of the log's form.
        """
        if not self.log.exists():
            return []
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
        return [self._parsed(number, line) for number, line in enumerate(lines, start=1)]

    def _parsed(self, number: int, line: str) -> dict[str, Any]:
        try:
            record = parse_json(line)
            if isinstance(record["step"], int):
                return dict(record)
        except (ValueError, KeyError, TypeError):
            pass
        raise InputError(f"{self.log}: line {number} is not of the form of the log", "Delete that line.")

    def rewind(self, step: int) -> None:
        """Drop log lines and samples after `step`, since those steps will be made again."""
        kept = [record for record in self.read_log() if record["step"] <= step]
        write_text(self.log, "".join(json.dumps(record) + "\n" for record in kept))
        drop_samples(self.samples, step)

    def write_loss_kinds(self, kinds: Mapping[str, LossKind]) -> None:
        """Write the interpretation of the losses."""
        write_json(self.loss_kinds, {name: asdict(kind) for name, kind in kinds.items()})

    def read_loss_kinds(self) -> dict[str, LossKind]:
        """Read the interpretation of the losses, by name; empty if an earlier version made the run.

        Raises:
            InputError: the file was written by another version.
        """
        if not self.loss_kinds.exists():
            return {}
        try:
            kinds = read_json(self.loss_kinds)
            return {name: LossKind(**fields) for name, fields in kinds.items()}
        except (ValueError, TypeError, AttributeError):
            remedy = "Delete it: losses are then shown without verdicts."
            raise InputError(f"{self.loss_kinds}: not written by this version of roadseg", remedy) from None

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Write the results."""
        write_json(self.metrics, metrics)
