"""Work that takes long: one job at a time, in a thread of its own, with progress that the page shows."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from roadseg.errors import InputError, RoadsegError, UnexpectedError

Kind = Literal["overlay", "adapt"]
State = Literal["running", "stopping", "done", "stopped", "failed"]
FIRST_SECONDS = 1.0
"""Time after which a rate is shown: the first moments of a stage are not typical."""


@dataclass
class Job:
    """A job and how far it is. Its thread writes it, the page reads it."""

    number: int
    kind: Kind
    title: str
    subject: dict[str, Any]
    """Facts for the page: those that it shows, and those that start the job again."""
    state: State = "running"
    stage: str = "starting"
    unit: str = ""
    done: int = 0
    total: int | None = None
    notes: list[str] = field(default_factory=list)
    """Sentences on what was met on the way."""
    error: RoadsegError | None = None
    result: dict[str, Any] = field(default_factory=dict)
    _began: float = 0.0
    _shown: float = 0.0
    _before: int = 0

    def show(self, stage: str, done: int, total: int | None, unit: str = "") -> None:
        """Show progress of a stage."""
        self._shown = time.monotonic()
        if stage != self.stage or done < self._before:
            self._began, self._before = self._shown, done
        self.stage, self.done, self.total, self.unit = stage, done, total, unit

    def go_on(self, stage: str, done: int, total: int | None, unit: str = "") -> None:
        """Show progress of a stage, or end the job here.

        Raises:
            KeyboardInterrupt: the job is to stop.
        """
        self.show(stage, done, total, unit)
        if self.state == "stopping":
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        """Keep a sentence, once."""
        if text not in self.notes:
            self.notes.append(text)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for the page, with the rate and the time left where they are known."""
        elapsed, made = self._shown - self._began, self.done - self._before
        rate = made / elapsed if made > 0 and elapsed > FIRST_SECONDS else None
        left = None
        if rate and self.total:
            left = max(0.0, (self.total - self.done) / rate - (time.monotonic() - self._shown))
        return {
            "number": self.number,
            "kind": self.kind,
            "title": self.title,
            "subject": self.subject,
            "state": self.state,
            "stage": self.stage,
            "unit": self.unit,
            "done": self.done,
            "total": self.total,
            "rate": None if rate is None else float(f"{rate:.2g}"),
            "seconds_left": None if left is None else round(left),
            "notes": self.notes,
            "error": None if self.error is None else error_dict(self.error),
            "result": self.result,
        }


class Work:
    """The place of the one job that may run."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    @property
    def is_running(self) -> bool:
        """True while a job runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(
        self,
        kind: Kind,
        title: str,
        subject: dict[str, Any],
        run: Callable[[Job], dict[str, Any]],
    ) -> Job:
        """Run a job in a thread.

        Args:
            kind: the kind of the job.
            title: its name for people.
            subject: kept for the page.
            run: does it and returns its result; `KeyboardInterrupt` stands for a job that stopped.

        Raises:
            InputError: another job runs.
        """
        with self._starting:
            if self.is_running and self.job is not None:
                raise InputError(f"{self.job.title}: still running", "Wait for its end, or stop it.")
            job = Job(self.job.number + 1 if self.job else 1, kind, title, subject)
            # A daemon: a second Ctrl-C ends the program at once, which leaves what a killed program leaves.
            self._thread = threading.Thread(target=_run, args=(job, run), name="roadseg job", daemon=True)
            self.job = job
            self._thread.start()
        return job

    def stop(self) -> None:
        """Ask the job to stop, if one runs."""
        if self.job is not None and self.job.state == "running":
            self.job.state = "stopping"

    def close(self) -> None:
        """Stop the job and wait for its end."""
        self.stop()
        if self._thread is not None:
            self._thread.join()


def error_dict(error: RoadsegError) -> dict[str, str]:
    """Return the two lines of an error for the page."""
    return {"cause": error.cause, "remedy": error.remedy}


def _run(job: Job, run: Callable[[Job], dict[str, Any]]) -> None:
    try:
        job.result = run(job)
        job.state = "done"
    except KeyboardInterrupt:
        job.state = "stopped"
    except RoadsegError as error:
        # Without its traceback, whose frames would keep networks and processes of the job alive.
        job.error, job.state = error.with_traceback(None), "failed"
    except Exception as error:
        unexpected = UnexpectedError.of(error, job.title)
        job.error, job.state = type(unexpected)(unexpected.cause, unexpected.remedy), "failed"
