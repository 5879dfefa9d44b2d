"""One of two shards as a process of its own. In the middle of its video it waits for a line on standard input.

Usage: python -m helpers.shard_process DRIVES OUT NUMBER
"""

import sys

from helpers.drive_clips import TheUpperHalfIsSky
from roadseg.jobs.overlay import OverlayProgress, overlay_videos


def wait(progress: OverlayProgress) -> None:
    if progress.frames == 3:
        sys.stdout.write("in the middle\n")
        sys.stdout.flush()
        sys.stdin.readline()


drives, out, number = sys.argv[1:]
for result in overlay_videos(drives, out, TheUpperHalfIsSky(), shard=(int(number), 2), on_progress=wait):
    sys.stdout.write(f"done {result.video}\n")
