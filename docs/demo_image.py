"""Make the image of the demo in the README from a finished `roadseg demo`:  python docs/demo_image.py demo"""

import sys
from dataclasses import replace
from pathlib import Path

from PIL import Image
from report_image import with_palette

from roadseg import load_segmenter, open_dataset
from roadseg.evaluation.comparison.grid import OverlayColumns

FRAMES = (36, 126)
WIDTH = 300
"""Width of a frame in pixels."""


def main(demo: Path) -> None:
    """Write docs/images/demo.png: one row per frame; the video, labels before and after, and the truth."""
    drive = open_dataset(f"streets:{demo / 'drive'}")
    shown = replace(drive, samples=[drive.samples[index] for index in FRAMES])
    runs = {"before adaptation": load_segmenter("default"), "after adaptation": load_segmenter(demo / "run")}
    sheet = OverlayColumns.of(runs, shown, len(FRAMES), width=WIDTH).sheet()
    out = Path(__file__).parent / "images" / "demo.png"
    out.parent.mkdir(exist_ok=True)
    with_palette(Image.fromarray(sheet)).save(out, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
