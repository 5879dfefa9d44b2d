"""Make the image of a report in docs/commands.md:  python docs/report_image.py SCRATCH

Renders a drive, makes an overlay of it with the default weights, and takes a screenshot of its page in Chromium.
"""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from roadseg.labels.catalogue import CITYSCAPES_19

DRIVE = (
    *("--drive", "24", "--frame-rate", "5", "--look", "target", "--seed", "7"),
    *("--scenes", "indian=0.6,european=0.4", "--size", "640x360"),
)
SIZE = {"width": 1280, "height": 1000}


def roadseg(*arguments: str) -> None:
    """Run a command of roadseg."""
    subprocess.run([sys.executable, "-m", "roadseg", *arguments], check=True)


def with_palette(image: Image.Image) -> Image.Image:
    """Return the image in 256 colours; the class colours are among them even where the video has many shades."""
    classes = np.array(CITYSCAPES_19.colours, np.uint8).ravel().tolist()
    shades = 256 - len(CITYSCAPES_19)
    palette = Image.new("P", (1, 1))
    palette.putpalette([*image.quantize(shades).getpalette()[: 3 * shades], *classes])
    return image.quantize(palette=palette, dither=Image.Dither.NONE)


def main(scratch: Path) -> None:
    """Write docs/images/report.png."""
    drive, overlays = scratch / "drive", scratch / "overlays"
    roadseg("synth", str(drive), *DRIVE)
    roadseg("overlay", str(drive / "drive.mp4"), "--out", str(overlays))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.goto((overlays / "drive.report.html").resolve().as_uri())
        page.wait_for_function("() => document.querySelector('#chart .trace')")
        page.locator("[data-seek]").nth(2).click()
        page.evaluate("() => scrollTo(0, 0)")
        page.mouse.move(5, 5)
        page.wait_for_timeout(4000)  # until the controls of the video fade
        screenshot = page.screenshot()
        browser.close()
    out = Path(__file__).parent / "images" / "report.png"
    with_palette(Image.open(io.BytesIO(screenshot)).convert("RGB")).save(out, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
