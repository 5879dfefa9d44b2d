"""Make the image of a real road in the README:  python docs/real_road_image.py solidWhiteRight.mp4

A frame of the clip, and its labels by the default weights, which learned from rendered streets alone. The clip is
solidWhiteRight.mp4 of Udacity's CarND-LaneLines-P1 (MIT licence).
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
PANE = (800, 450)
GAP, TITLE, LEGEND, LETTERS = 8, 38, 40, 23
BLACK = (0, 0, 0)
SHOWN = 0.0005
"""Classes with a larger share of the pixels are in the legend."""


def main(video: Path) -> None:
    """Write docs/images/real_road.jpg."""
    with roadseg.VideoReader(video) as frames:
        image = next(islice(frames, FRAME, None)).to_rgb()
    panes = {"a real road": image}
    segmenter = roadseg.load_segmenter()
    labels = segmenter.label(image)
    panes["weights that have only seen rendered streets"] = segmenter.draw(image, labels)
    seen = np.bincount(labels.ravel(), minlength=256)
    sheet = np.full((TITLE + PANE[1] + LEGEND, len(panes) * (PANE[0] + GAP) - GAP, 3), 255, np.uint8)
    for column, (title, pane) in enumerate(panes.items()):
        left = column * (PANE[0] + GAP)
        draw_text(sheet, title, (left, TITLE - 10), LETTERS, BLACK)
        sheet[TITLE : TITLE + PANE[1], left : left + PANE[0]] = cv2.resize(pane, PANE, interpolation=cv2.INTER_AREA)
    space, left, middle = segmenter.label_space, 0, TITLE + PANE[1] + LEGEND // 2
    for index in np.flatnonzero(seen[: len(space)] > SHOWN * seen.sum()):
        name, colour = space.classes[index], space.colours[index]
        cv2.rectangle(sheet, (left, middle - 9), (left + 18, middle + 9), tuple(colour), cv2.FILLED)
        cv2.rectangle(sheet, (left, middle - 9), (left + 18, middle + 9), BLACK)
        draw_text(sheet, name, (left + 25, middle + 8), LETTERS, BLACK)
        left += 25 + text_width(name, LETTERS) + 22
    out = Path(__file__).parent / "images" / "real_road.jpg"
    Image.fromarray(sheet).save(out, quality=88, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
