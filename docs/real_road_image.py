"""Make the image of a real road in the README:  python docs/real_road_image.py solidWhiteRight.mp4

A frame of the clip; the prediction of a network that learned from rendered streets alone (`source-only`); and that of
the default weights, which were adapted to frames of this clip and another, without labels. The clip is
solidWhiteRight.mp4 of Udacity's CarND-LaneLines-P1 (MIT licence).
"""

import sys
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import roadseg

FRAME = 110
RUNS = {"source-only": "learned from rendered streets", "default": "adapted to unlabelled frames"}
PANE = (620, 349)
GAP, TITLE, LEGEND = 8, 38, 40
SHOWN = 0.0005
"""Classes with a larger share of the pixels are in the legend."""


def main(video: Path) -> None:
    """Write docs/images/real_road.jpg."""
    with roadseg.VideoReader(video) as frames:
        image = next(islice(frames, FRAME, None)).to_rgb()
    panes, seen = {"a real road": image}, np.zeros(256, int)
    for run, title in RUNS.items():
        segmenter = roadseg.load_segmenter(run)
        labels = segmenter.label(image)
        panes[title] = segmenter.draw(image, labels)
        seen += np.bincount(labels.ravel(), minlength=256)
    width = len(panes) * PANE[0] + (len(panes) - 1) * GAP
    sheet = Image.new("RGB", (width, TITLE + PANE[1] + LEGEND), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(24)
    for column, (title, pane) in enumerate(panes.items()):
        left = column * (PANE[0] + GAP)
        draw.text((left, TITLE - 8), title, "black", font, anchor="ls")
        sheet.paste(Image.fromarray(pane).resize(PANE, Image.Resampling.LANCZOS), (left, TITLE))
    space, left, middle = segmenter.label_space, PANE[0] + GAP, TITLE + PANE[1] + LEGEND / 2
    for index in np.flatnonzero(seen[: len(space)] > SHOWN * seen.sum()):
        name, colour = space.classes[index], space.colours[index]
        draw.rectangle((left, middle - 9, left + 18, middle + 9), tuple(colour), "black")
        draw.text((left + 25, middle), name, "black", font, anchor="lm")
        left += 25 + draw.textlength(name, font) + 22
    sheet.save(Path(__file__).parent / "images" / "real_road.jpg", quality=88, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
