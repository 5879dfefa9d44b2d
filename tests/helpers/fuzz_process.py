"""Files given one after the other to the reader or to the overlay, in a process that may crash or hang on one.

python -m helpers.fuzz_process read|overlay|misbehave LOG SECONDS < PATHS

`LOG` gets a line of JSON when a file is begun and one when it is done, so that a crash or a hang can be blamed on one.
A file that takes longer than `SECONDS` ends the process.
"""

import faulthandler
import importlib
import json
import os
import sys
import time
import traceback
from functools import partial
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

from roadseg.cores import peak_resident_bytes
from roadseg.errors import VideoError
from roadseg.video.reader import VideoReader

MEMORY = 1 << 29
"""Bytes by which a file may raise the peak memory of the process."""


def read(path: Path) -> None:
    """Read all frames and the keyframes, and check the promises of the reader."""
    with VideoReader(path, threads=1) as video:
        size, end = (video.info.width, video.info.height), 0
        for number, frame in enumerate(video):
            assert (frame.index, frame.width, frame.height) == (number, *size), frame
            assert frame.pts >= end and frame.duration >= 1 and frame.time_base == video.info.time_base, frame
            end = frame.pts + frame.duration
        json.dumps(video.events.as_dict(), allow_nan=False)
    with VideoReader(path, threads=1) as video:
        assert all((frame.width, frame.height) == size for frame in video.keyframes(3))


def draw(path: Path) -> None:
    """Draw an overlay. Its files must be there, with as many frames as the summary says, or no file at all."""
    from helpers.drive_clips import TheUpperHalfIsSky
    from roadseg.overlay.files import OverlayFiles
    from roadseg.overlay.job import overlay_video

    out = path.parent / "out" / path.name
    expected: set[Path] = set()
    try:
        summary = overlay_video(path, TheUpperHalfIsSky(), out)
        files = OverlayFiles.of(path, out)
        expected = {files.overlay, files.frames, files.summary}
        with av.open(str(files.overlay)) as container:
            times = [frame.pts for frame in container.decode(video=0)]
        assert len(times) == summary.frames
        assert all(now < after for now, after in pairwise(times))
    finally:
        left = set(out.iterdir()) - {out / ".lock"} if out.exists() else set()
        assert left == expected, left


def misbehave(path: Path) -> None:
    """Perform the failure that the file's name states, to check that it is noticed."""
    {
        "crash": os.abort,
        "hang": partial(time.sleep, 60),
        "exit": sys.exit,
        "error": partial(int, "no number"),
        "memory": partial(np.ones, MEMORY + (1 << 26), np.uint8),
        "good": partial(int, "1"),
    }[path.name]()


def result_of(work, path: Path) -> str:
    """`done`, `refused` with a message, or a failure that must not happen."""
    before = peak_resident_bytes()
    try:
        work(path)
    except VideoError:
        result = "refused"
    except BaseException:
        return traceback.format_exc()
    else:
        result = "done"
    taken = peak_resident_bytes() - before
    return result if taken < MEMORY else f"took {taken} bytes"


def main() -> None:
    work = {"read": read, "overlay": draw, "misbehave": misbehave}[sys.argv[1]]
    log_path, seconds = Path(sys.argv[2]), float(sys.argv[3])
    av.logging.set_level(None)
    if work is draw:
        importlib.import_module("roadseg.overlay.job")  # takes time and memory, for which no file is to blame
    with log_path.open("a", buffering=1) as log:
        for line in sys.stdin:
            path = Path(line.strip())
            log.write(json.dumps([path.name, "begun"]) + "\n")
            faulthandler.dump_traceback_later(seconds, exit=True)
            log.write(json.dumps([path.name, result_of(work, path)]) + "\n")
            faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main()
