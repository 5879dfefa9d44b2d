"""Make the image of docs/retrieval.md, and figures of docs/experiments.md:  python docs/retrieval_image.py SCRATCH

Renders streets in both looks, and finds images of one look among those of the other with the default weights.
"""

import subprocess
import sys
from pathlib import Path

from PIL import Image

STREETS = ("--look", "both", "--count", "100", "--seed", "1")
RUNS = ("--run", "default", "--paired", "--queries", "3")
WIDTH, COLOURS = 1000, 256


def roadseg(scratch: Path, *arguments: str) -> None:
    """Run a command of roadseg in a folder."""
    subprocess.run([sys.executable, "-m", "roadseg", *arguments], check=True, cwd=scratch)


def main(scratch: Path) -> None:
    """Write docs/images/retrieval.png."""
    scratch.mkdir(parents=True, exist_ok=True)
    roadseg(scratch, "synth", "pairs", *STREETS)
    roadseg(scratch, "retrieve", "--source", "pairs/game", "--target", "pairs/target", "--out", "retrieval", *RUNS)
    image = Image.open(scratch / "retrieval" / "features.target_to_source.png").convert("RGB")
    image = image.resize((WIDTH, round(WIDTH * image.height / image.width)), Image.Resampling.LANCZOS)
    # Dithering would not compress, and is not missed at this size.
    small = image.quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(Path(__file__).parent / "images" / "retrieval.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
