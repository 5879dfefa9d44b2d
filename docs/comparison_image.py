"""Make the image of a comparison in docs/commands.md:  python docs/comparison_image.py SCRATCH

Renders hazy streets, adapts batch norm to them without their labels or any training, and compares the result with the
start; minutes on one core.
"""

import subprocess
import sys
from pathlib import Path

from PIL import Image
from report_image import with_palette

STREETS = ("--count", "40", "--look", "target", "--seed", "11", "--scenes", "indian=0.6,european=0.4")
SIZE = "640x400"
WIDTH = 1640


def roadseg(*arguments: str) -> None:
    """Run a command of roadseg."""
    subprocess.run([sys.executable, "-m", "roadseg", *arguments], check=True)


def main(scratch: Path) -> None:
    """Write docs/images/comparison.png."""
    streets, source, adapted = scratch / "streets", scratch / "source", scratch / "adapted"
    roadseg("synth", str(streets), *STREETS, "--size", SIZE)
    roadseg("synth", str(source), "--count", "32", "--seed", "5", "--size", SIZE)
    if not adapted.exists():
        options = ("--method", "source-only", "--init", "default", "--steps", "0", "--set", "adapt_bn=true")
        sets = ("--source", f"streets:{source}", "--target", str(streets / "images"))
        roadseg("adapt", "--out", str(adapted), *sets, *options)
    runs = ("default", str(adapted))
    roadseg("compare", *runs, "--dataset", f"streets:{streets}", "--images", "3", "--out", str(scratch / "out"))
    sheet = Image.open(scratch / "out" / "comparison.png").convert("RGB")
    image = sheet.resize((WIDTH, round(WIDTH * sheet.height / sheet.width)), Image.Resampling.LANCZOS)
    out = Path(__file__).parent / "images" / "comparison.png"
    with_palette(image).save(out, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
