"""Number of streets that a core renders per second: `python benchmarks/streets.py`.

CPU time counts, so a busy machine matters less.
"""

import time

import cv2

from roadseg.streets.looks import Look
from roadseg.streets.presets import PRESETS
from roadseg.streets.render import render_street

SIZE = (480, 360)
STREETS = 100


def main() -> None:
    cv2.setNumThreads(1)
    cases: list[tuple[Look, str]] = [("target", "european"), *(("game", name) for name in PRESETS)]
    for look, scenes in cases:
        began = time.process_time()
        render_street(0, 0, size=SIZE, look=look)
        first = time.process_time() - began
        wall, cpu = time.perf_counter(), time.process_time()
        for index in range(STREETS):
            render_street(0, index, size=SIZE, look=look, scenes={scenes: 1.0})
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(
            f"{look:6} {scenes:8} {SIZE[0]}x{SIZE[1]}: {STREETS / cpu:5.1f} images/s of CPU time, "
            f"{STREETS / wall:5.1f} by the clock; textures and first image {first:.1f} s"
        )


if __name__ == "__main__":
    main()
