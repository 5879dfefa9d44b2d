"""Make the image of a real road in the README:  python docs/real_road_image.py solidWhiteRight.mp4 RUN

A frame of the clip; the prediction of the default weights, which learned from rendered streets alone; and that of a
run, which `roadseg adapt --target FRAMES` made of the frames of the clip, without labels: `roadseg frames
solidWhiteRight.mp4 --out FRAMES --every 0.25s`. The clip is solidWhiteRight.mp4 of Udacity
"""

import sys
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

import roadseg
from roadseg.overlay.text import draw_text, text_width

FRAME = 110
TITLES = ("learned from rendered streets", "adapted to unlabelled frames")
PANE = (620, 349)
GAP, TITLE, LEGEND, LETTERS = 8, 38, 40, 23
BLACK = (0, 0, 0)
SHOWN = 0.0005
"""Classes with a larger share of the pixels are in the legend."""


def main(video: Path, run: Path) -> None:
    """Write docs/images/real_road.jpg."""
    with roadseg.VideoReader(video) as frames:
        image = next(islice(frames, FRAME, None)).to_rgb()
    panes, seen = {"a real road": image}, np.zeros(256, int)
    for weights, title in zip(("default", run), TITLES, strict=True):
        segmenter = roadseg.load_segmenter(weights)
        labels = segmenter.label(image)
        panes[title] = segmenter.draw(image, labels)
        seen += np.bincount(labels.ravel(), minlength=256)
    sheet = np.full((TITLE + PANE[1] + LEGEND, len(panes) * (PANE[0] + GAP) - GAP, 3), 255, np.uint8)
    for column, (title, pane) in enumerate(panes.items()):
        left = column * (PANE[0] + GAP)
        draw_text(sheet, title, (left, TITLE - 10), LETTERS, BLACK)
        sheet[TITLE : TITLE + PANE[1], left : left + PANE[0]] = cv2.resize(pane, PANE, interpolation=cv2.INTER_AREA)
    space, left, middle = segmenter.label_space, PANE[0] + GAP, TITLE + PANE[1] + LEGEND // 2
    for index in np.flatnonzero(seen[: len(space)] > SHOWN * seen.sum()):
        name, colour = space.classes[index], space.colours[index]
        cv2.rectangle(sheet, (left, middle - 9), (left + 18, middle + 9), tuple(colour), cv2.FILLED)
        cv2.rectangle(sheet, (left, middle - 9), (left + 18, middle + 9), BLACK)
        draw_text(sheet, name, (left + 25, middle + 8), LETTERS, BLACK)
        left += 25 + text_width(name, LETTERS) + 22
    out = Path(__file__).parent / "images" / "real_road.jpg"
    Image.fromarray(sheet).save(out, quality=88, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
