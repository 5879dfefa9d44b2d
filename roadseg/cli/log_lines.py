"""Progress as lines of a log: one every half a minute, also while a task is silent."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

LINE_SECONDS = 30.0
"""Seconds between lines of tasks that report their progress."""
SILENT_SECONDS = 30.0
"""Seconds without any line, after which one says that work goes on."""


@dataclass(frozen=True)
class ProgressLine:
    """State of a task."""

    task: str
    """Name of the task; empty for work without one."""
    done: float
    total: float | None
    unit: str
    elapsed: float
    """Seconds since the task began."""
    left: float | None
    """Estimated seconds to its end; None if they cannot be estimated."""
    note: str

    def __str__(self) -> str:
        if not self.task:
            return f"at work, {clock(self.elapsed)}"
        count = f"{self.done:.0f}" if self.total is None else f"{self.done:.0f}/{self.total:.0f}"
        left = "" if self.left is None else f", {clock(self.left)} left"
        note = f"; {self.note}" if self.note else ""
        return f"{self.task} {count} {self.unit}".rstrip() + f", {clock(self.elapsed)}{left}{note}"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {
            "task": self.task,
            "done": round(self.done, 3),
            "total": None if self.total is None else round(self.total, 3),
            "unit": self.unit,
            "elapsed_seconds": round(self.elapsed, 1),
            "left_seconds": None if self.left is None else round(self.left, 1),
            "note": self.note,
        }


class LogLines:
    """Lines about progress, by task name. As a context manager it also speaks while nothing is reported.

    Args:
        say: called with each line, from any thread, one at a time.
        unit: what is counted.
    """

    def __init__(self, say: Callable[[ProgressLine], None], unit: str = "") -> None:
        self._say = say
        self._unit = unit
        self._begun: dict[str, tuple[float, float]] = {}
        self._latest: tuple[str, float, float | None, str] | None = None
        self._started = self._said = time.monotonic()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._speak, name="progress", daemon=True)

    def show(self, task: str, done: float, total: float | None, note: str = "") -> None:
        """Take notice that `done` of `total` units of `task` are done; say so if the last line is old."""
        with self._lock:
            self._begun.setdefault(task, (time.monotonic(), done))
            self._latest = (task, done, total, note)
            if time.monotonic() - self._said >= LINE_SECONDS:
                self._line()
            if total is not None and done >= total:
                self._latest = None

    def hide(self, task: str) -> None:
        """Forget a task that ended early."""
        with self._lock:
            if self._latest and self._latest[0] == task:
                self._latest = None

    def _line(self) -> None:
        now = time.monotonic()
        self._said = now
        if self._latest is None:
            self._say(ProgressLine("", 0, None, "", now - self._started, None, ""))
            return
        task, done, total, note = self._latest
        began, before = self._begun[task]
        elapsed = now - began
        left = None if total is None or done <= before else elapsed * (total - done) / (done - before)
        self._say(ProgressLine(task, done, total, self._unit, elapsed, left, note))

    def _speak(self) -> None:
        while not self._ended.wait(max(0.1, self._said + SILENT_SECONDS - time.monotonic())):
            with self._lock:
                if time.monotonic() - self._said >= SILENT_SECONDS:
                    self._line()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()


def clock(seconds: float) -> str:
    """Return a duration as [h:]mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
