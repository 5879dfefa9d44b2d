"""Render the contact sheets of docs/streets.md, eight images per preset:  python docs/street_sheets.py"""

from pathlib import Path

import cv2

from roadseg.streets.contact_sheet import contact_sheet
from roadseg.streets.presets import PRESETS
from roadseg.streets.render import render_street

IMAGES = 8
SEED = 11


def main() -> None:
    """Write docs/images/streets_NAME.png for each preset."""
    for name in PRESETS:
        pairs = [render_street(SEED, index, scenes={name: 1.0}) for index in range(IMAGES)]
        sheet = contact_sheet(pairs, columns=4, width=224)
        out = Path(__file__).parent / "images" / f"streets_{name}.png"
        cv2.imwrite(str(out), sheet[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
