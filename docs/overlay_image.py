"""Make the image of what overlays can show, in docs/commands.md:  python docs/overlay_image.py"""

from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

import roadseg
from roadseg.overlay.appearance import Appearance
from roadseg.overlay.draw import Overlay

SEED, INDEX, SIZE = 11, 25, (640, 360)
SHOWN = 0.001
"""Classes with a larger share of the pixels are in the legend."""
LOOKS = (
    Appearance(title="the default"),
    Appearance(palette="bright", style="both", title="--palette bright --style both"),
    Appearance(palette="colour-blind", style="contour", title="--palette colour-blind --style contour"),
    Appearance(
        palette="bright",
        classes=("road", "person", "rider", "car", "truck", "bus", "motorcycle"),
        blur=("person", "rider"),
        title="--classes road,person,... --blur person,rider",
    ),
)
GAP = 8


def main() -> None:
    """Write docs/images/overlay.jpg."""
    image, _ = roadseg.render_street(SEED, INDEX, size=SIZE, look="target", scenes="indian=0.6,european=0.4")
    frame = roadseg.Frame.from_rgb(image, index=0, pts=0, time_base=Fraction(1, 24), duration=1)
    segmenter = roadseg.load_segmenter().fitted(SIZE[0] / SIZE[1])
    labels = segmenter.segment(frame.to_rgb(segmenter.input_size)[None])[0]
    counts = np.bincount(labels.ravel(), minlength=256)[: len(segmenter.label_space)]
    shown = [index for index in np.argsort(-counts) if counts[index] > SHOWN * counts.sum()]
    named = [segmenter.label_space.classes[index] for index in shown]
    panes = [Overlay(segmenter.label_space, look, named).draw(frame, labels).to_rgb() for look in LOOKS]
    high = max(len(pane) for pane in panes)
    panes = [np.pad(pane, ((0, high - len(pane) + GAP), (0, GAP), (0, 0)), constant_values=255) for pane in panes]
    sheet = np.vstack([np.hstack(panes[:2]), np.hstack(panes[2:])])[:-GAP, :-GAP]
    out = Path(__file__).parent / "images" / "overlay.jpg"
    Image.fromarray(sheet).save(out, quality=88, optimize=True)


if __name__ == "__main__":
    main()
