"""Overlays of many videos, maybe by many machines into one folder, and a record of what failed."""

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from roadseg.files import held, printable, write_text
from roadseg.inference.segmenter import Segmenter
from roadseg.overlay.job import DEFAULTS, Failure, overlay_videos
from roadseg.overlay.summary import OverlayOptions, OverlaySummary
from roadseg.overlay.tasks import Shard, Task, check_names


def failure_record(out: Path, shard: Shard | None = None) -> Path:
    """The file in the folder `out` that says what failed in the last call, or in the last call of that shard."""
    part = f"-{shard.number}-of-{shard.count}" if shard else ""
    return out / f"failures{part}.jsonl"


def overlay_fleet(
    tasks: Sequence[Task],
    segmenter: Segmenter,
    out: Path,
    options: OverlayOptions = DEFAULTS,
    *,
    shard: Shard | None = None,
    on_progress: Callable[[Path, int, int | None], None] = lambda video, done, total: None,
) -> Generator[OverlaySummary | Failure, None, None]:
    """`overlay_videos`, with a record of this call's failures, see `recorded`.

    Args:
        tasks: all of them, whichever are the shard's.
        segmenter: see `roadseg.overlay.job.overlay_video`.
        out: the folder of the record; made if it is missing.
        options: how to draw.
        shard: which of the tasks to do; None: all.
        on_progress: called after every frame with its video, the frames done and, where it is known, their number.

    Raises:
        InputError: results of two videos would have the same name, or replace one of the videos; nothing was done.
        OutputError: another process does the same, or the record cannot be written.
    """
    check_names(tasks)
    mine = shard.of(tasks) if shard else tasks
    yield from recorded(overlay_videos(mine, segmenter, options, on_progress=on_progress), failure_record(out, shard))


def recorded(results: Iterable[OverlaySummary | Failure], record: Path) -> Iterator[OverlaySummary | Failure]:
    """Pass results on and record the failures among them, up to date at any time; no record if nothing failed.

    The record is a JSON object a line with `video`, `cause`, `remedy`, and `time` in ISO 8601, UTC. Its name is held
    until the last result has been passed on: shards work side by side, the same call twice does not.

    Args:
        results: asked for one at a time, the first of them once the name is held.
        record: replaces that of an earlier call.

    Raises:
        OutputError: another process does the same, or the record cannot be written.
    """
    lines: list[str] = []
    with held(record):
        record.unlink(missing_ok=True)
        for result in results:
            if isinstance(result, Failure):
                lines.append(_line(result))
                write_text(record, "".join(lines))
            yield result


def _line(failure: Failure) -> str:
    entry = {
        "video": printable(failure.video),
        "cause": failure.error.cause,
        "remedy": failure.error.remedy,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return json.dumps(entry, ensure_ascii=False) + "\n"
