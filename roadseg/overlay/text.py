"""Text on images: measure, shorten and draw a line of it.

OpenCV's built-in font draws Latin, Greek, Cyrillic and CJK letters in any weight without a font file; names of files
and folders need them.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

REGULAR, BOLD = 420, 700
"""Weights of letters."""
ELLIPSIS = "…"


def draw_text(
    image: NDArray[np.uint8],
    text: str,
    place: tuple[int, int],
    size: int,
    colour: tuple[int, int, int],
    weight: int = REGULAR,
) -> None:
    """Draw a line of text into `image`, (H, W, 3) uint8 RGB, in place.

    Args:
        image: to draw on.
        text: one line.
        place: (x, y) in pixels: left end of the line that letters stand on.
        size: height of letters in pixels.
        colour: RGB, 0..255.
        weight: `REGULAR`, `BOLD` or between.
    """
    cv2.putText(image, text, place, colour, _font(), size, weight)


def text_width(text: str, size: int, weight: int = REGULAR) -> int:
    """Return the width in pixels of a line of text; arguments as for `draw_text`."""
    return int(cv2.getTextSize((0, 0), text, (0, 0), _font(), size, weight)[2])


def shortened(text: str, width: int, size: int, weight: int = REGULAR) -> str:
    """Return the text, without its beginning if it is wider than `width` pixels: names differ at their ends."""
    shown = text
    while len(shown) > 2 and text_width(shown, size, weight) > width:
        shown = ELLIPSIS + shown.removeprefix(ELLIPSIS)[1:]
    return shown


@cache
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")
