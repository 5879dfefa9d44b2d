"""Make the image of the demo in the README from a finished `roadseg demo`:  python docs/demo_image.py demo"""

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from roadseg.labels.catalogue import INDIAN_20
from roadseg.overlay.text import draw_text, text_width
from roadseg.video.reader import VideoReader

FRAMES = (30, 150)
PANES = ("the drive", "before adaptation", "after adaptation", "ground truth")
MARGIN = 6
TITLE, LETTERS = 34, 18
"""Height of a title and of its letters, in pixels."""


def frame(video: Path, index: int) -> np.ndarray:
    """Return frame `index` of a video as (H, W, 3) uint8 RGB."""
    with VideoReader(video) as reader:
        return next(shown.to_rgb() for shown in reader if shown.index == index)


def titled(pane: np.ndarray, title: str) -> np.ndarray:
    """Return a pane with its title in the upper left corner."""
    pane = pane.copy()
    corner = pane[:TITLE, : text_width(title, LETTERS) + 24]
    corner[:] = corner // 3
    draw_text(pane, title, (12, TITLE - 11), LETTERS, (255, 255, 255))
    return pane


def main(demo: Path) -> None:
    """Write docs/images/demo.png: one row per frame, one column per stage."""
    rows = []
    for index in FRAMES:
        truth = INDIAN_20.palette[cv2.imread(str(demo / "drive" / "labels" / f"{index:06}.png"), cv2.IMREAD_GRAYSCALE)]
        (before,) = (demo / "overlay" / "before").glob("*.mp4")
        (after,) = (demo / "overlay" / "after").glob("*.mp4")
        drive = frame(demo / "drive" / "drive.mp4", index)
        # Without the legend below the overlays.
        panes = [drive, *(frame(video, index)[: len(drive)] for video in (before, after)), truth]
        titles = PANES if index == FRAMES[0] else ("",) * len(PANES)
        panes = [titled(pane, title) if title else pane for pane, title in zip(panes, titles, strict=True)]
        gap = np.full((panes[0].shape[0], MARGIN, 3), 255, np.uint8)
        rows.append(np.hstack([part for pane in panes for part in (gap, pane)][1:]))
    gap = np.full((MARGIN, rows[0].shape[1], 3), 255, np.uint8)
    sheet = np.vstack([part for row in rows for part in (gap, row)][1:])
    sheet = cv2.resize(sheet, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    out = Path(__file__).parent / "images" / "demo.png"
    out.parent.mkdir(exist_ok=True)
    Image.fromarray(sheet).quantize(256, dither=Image.Dither.NONE).save(out, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
