"""Make the image of the page in docs/app.md:  python docs/app_image.py SCRATCH

Renders three drives, serves the page, chooses one and takes a screenshot in Chromium.
"""

import io
import shutil
import sys
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from report_image import roadseg, with_palette

from roadseg.app.server import AppServer
from roadseg.app.session import Session

DRIVES = {"evening": "european=1", "market": "indian=1", "motorway": "highway=1"}
LOOK = ("--look", "target", "--seed", "7", "--size", "640x360", "--drive", "4")
SIZE = {"width": 1280, "height": 1010}


def main(scratch: Path) -> None:
    """Write docs/images/app.png."""
    drives = scratch / "drives"
    drives.mkdir(parents=True, exist_ok=True)
    for name, scenes in DRIVES.items():
        if not (drives / f"{name}.mp4").exists():
            roadseg("synth", str(scratch / name), *LOOK, "--scenes", scenes)
            shutil.copy(scratch / name / "drive.mp4", drives / f"{name}.mp4")
    server = AppServer(Session(drives, scratch / "out"))
    thread = threading.Thread(target=server.run)
    server.session.begin()
    thread.start()
    try:
        taken = screenshot(server.address)
    finally:
        server.stop()
        thread.join()
    with_palette(taken).save(Path(__file__).parent / "images" / "app.png", optimize=True)


def screenshot(address: str) -> Image.Image:
    """Return the page as Chromium draws it, with a labelled frame."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.goto(address)
        page.locator("#videos button", has_text="market").click()
        page.wait_for_selector("#preview:not([hidden])", timeout=120_000)
        page.locator("#palette").select_option("bright")
        page.locator("#style").select_option("both")
        page.wait_for_timeout(10_000)
        page.locator(".folder").evaluate("one => { one.textContent = '/home/me/drives' }")
        page.evaluate("() => scrollTo(0, 0)")
        page.wait_for_timeout(1000)
        taken = page.screenshot()
        browser.close()
    return Image.open(io.BytesIO(taken)).convert("RGB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
