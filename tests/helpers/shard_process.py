"""One of two shards as a process of its own. In the middle of its video it waits for a line on standard input.

Usage: python -m helpers.shard_process DRIVES OUT NUMBER
"""

import sys
from pathlib import Path

from helpers.drive_clips import TheUpperHalfIsSky
from roadseg.overlay.fleet import overlay_fleet
from roadseg.overlay.tasks import Shard, find_tasks


def wait(video: Path, done: int, total: int | None) -> None:
    if done == 3:
        sys.stdout.write("in the middle\n")
        sys.stdout.flush()
        sys.stdin.readline()


drives, out, number = sys.argv[1:]
tasks = find_tasks([drives], Path(out))
for result in overlay_fleet(tasks, TheUpperHalfIsSky(), Path(out), shard=Shard(int(number), 2), on_progress=wait):
    sys.stdout.write(f"done {result.video}\n")
