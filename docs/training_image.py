"""Make the image of a training in docs/commands.md:  python docs/training_image.py SCRATCH

Renders streets in two looks, adapts from one to the other for 300 steps, and takes a screenshot in Chromium.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from report_image import roadseg, with_palette

SIZE = {"width": 1280, "height": 1450}
SHOWN = (960, 1088)
"""Pixels in the README."""
STREETS = ("--size", "320x240", "--scenes", "european=0.5,indian=0.5")
RECIPE = """\
method = "multi-level"
init = "default"
size = [320, 240]
crop = [192, 128]
batch_size = 2
steps = 300
evaluate_every = 50
workers = 0
"""


def main(scratch: Path) -> None:
    """Write docs/images/training.png."""
    source, target, run = scratch / "source", scratch / "target", scratch / "my-roads"
    roadseg("synth", str(source), "--count", "300", *STREETS)
    roadseg("synth", str(target), "--count", "40", "--look", "target", "--seed", "7", *STREETS)
    recipe = scratch / "recipe.toml"
    recipe.write_text(RECIPE)
    adapted = ("--source", str(source), "--target", f"streets:{target}", "--evaluation", f"streets:{target}")
    roadseg("adapt", "--recipe", str(recipe), "--out", str(run), *adapted)
    screenshot(run / "training.html").save(Path(__file__).parent / "images" / "training.png", optimize=True)


def screenshot(path: Path) -> Image.Image:
    """Return a page as Chromium draws it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.goto(path.resolve().as_uri())
        page.wait_for_function("() => document.querySelectorAll('.chart .trace').length > 3")
        page.evaluate("() => document.querySelector('.legend').remove()")  # for more of the rest
        taken = page.screenshot()
        browser.close()
    return with_palette(Image.open(io.BytesIO(taken)).convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
