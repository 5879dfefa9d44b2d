"""Callbacks of a training run."""

from collections.abc import Callable
from dataclasses import dataclass, field

from roadseg.training.meter import Report

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Callbacks:
    """Functions that a training run calls as it goes; all do nothing by default."""

    on_start: Callable[[str], None] = field(default=lambda message: None)
    """Called with the parts of the run, one line at a time."""
    on_warning: Callable[[str], None] = field(default=lambda message: None)
    """Called with a message if images are left out, or if samples or the page of the run cannot be written; the run
    continues."""
    on_download: Progress = field(default=lambda done, total: None)
    """Called with (bytes of weights downloaded, bytes in all or 0)."""
    on_render: Progress = field(default=lambda done, total: None)
    """Called with (streets rendered, streets in all)."""
    on_count: Progress = field(default=lambda done, total: None)
    """Called with (label maps whose classes are counted, label maps in all)."""
    on_label: Progress = field(default=lambda done, total: None)
    """Called with (target images labelled, target images in all)."""
    on_step: Callable[[int], None] = field(default=lambda step: None)
    """Called with the number of steps made, before the first and after each that has no report."""
    on_report: Callable[[Report], None] = field(default=lambda report: None)
    """Called with mean losses and speed, every ten steps and at checkpoints."""
    on_evaluate: Progress = field(default=lambda done, total: None)
    """Called with (images evaluated, images in all)."""
    should_stop: Callable[[], bool] = field(default=lambda: False)
    """Asked between steps; True stops the run as Ctrl-C does: a checkpoint is saved and KeyboardInterrupt raised."""
