"""Forecast of a run: its time, memory and files, from what its first steps took."""

from typing import Any

from torch import Tensor

from roadseg.runtime import describe, peak_memory
from roadseg.training.meter import Report
from roadseg.training.recipe import AdaptRecipe
from roadseg.training.trainer import Trainer


def forecast(report: Report, trainer: Trainer, recipe: AdaptRecipe) -> str:
    """Return one line about the steps that are left after the first report: time, device, memory, size of the files.

    Memory is the peak so far: of the device where it is a GPU, else of this process without those that read images.
    """
    left, device = recipe.steps - report.step, trainer.method.runtime.device
    stored = _bytes(trainer.state()) + _bytes(trainer.result.state_dict())
    return (
        f"about {_duration(left * report.seconds_a_step)} of training left: {left:,} steps of "
        f"{report.seconds_a_step:.2g} s on {describe(device)}; {peak_memory(device) / 1e9:.1f} GB of memory, "
        f"{stored / 1e6:,.0f} MB of files at the end"
    )


def _bytes(state: Any) -> int:
    """Return the size of all tensors in dicts and lists."""
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, dict):
        return sum(map(_bytes, state.values()))
    return sum(map(_bytes, state)) if isinstance(state, list | tuple) else 0


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
