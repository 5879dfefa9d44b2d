"""Videos without results, and the file that lists them."""

import json
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from roadseg.errors import RoadsegError
from roadseg.files import held, printable, write_text
from roadseg.overlay.summary import title
from roadseg.overlay.tasks import Shard, Task


@dataclass(frozen=True)
class Failure:
    """A video without results, and the reason."""

    video: Path
    error: RoadsegError
    track: int | None = None
    """Number of the track, where each track of the video has results of its own."""

    @classmethod
    def of(cls, task: Task, error: RoadsegError) -> Self:
        """Return the failure of a task."""
        return cls(task.video, error, task.track)

    @property
    def title(self) -> str:
        """Name of the video, and of its track where each track has results."""
        return title(self.video, self.track)


def failure_record(out: Path, shard: Shard | None = None) -> Path:
    """Return the path of the file in `out` that lists the failures of the last call, or of the last call of a shard."""
    part = f"-{shard.number}-of-{shard.count}" if shard else ""
    return out / f"failures{part}.jsonl"


class FailureRecord:
    """The file of failures of one call, up to date at any time; no file if nothing failed.

    It has a JSON object per line with `video`, `track`, `cause`, `remedy`, and `time` in ISO 8601, UTC. Inside the
    `with` block its name is held: shards work side by side, two equal calls do not.

    Args:
        path: replaces the record of an earlier call.

    Raises:
        OutputError: another process does the same, or the record cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[str] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(held(self._path))
        self._path.unlink(missing_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, at)

    def add(self, failure: Failure) -> None:
        """Write one more failure."""
        entry = {
            "video": printable(failure.video),
            "track": failure.track,
            "cause": failure.error.cause,
            "remedy": failure.error.remedy,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
        write_text(self._path, "".join(self._lines))
