"""Columns of images on white, with headings, captions and a legend: the layout of PNG files of comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from roadseg.datasets.transforms import Image
from roadseg.overlay.text import BOLD, REGULAR, draw_text, shortened, text_width

MARGIN, GAP = 20, 12
"""Pixels around the sheet and between cells."""
HEADING, CAPTION, LEGEND = 18, 15, 15
"""Height of letters in pixels."""
LINE = 1.7
"""Height of a line of text, as a multiple of the height of its letters."""
TEXT, MUTED = (29, 29, 27), (112, 112, 106)
RIM = (190, 190, 186)
Colour = tuple[int, int, int]
Legend = Sequence[tuple[str, Colour]]
"""Names with their RGB colours."""


@dataclass(frozen=True)
class Line:
    """A line of text."""

    text: str = ""
    note: str = ""
    """Shown behind the text, in a lighter colour."""
    strong: bool = False
    """Draw the text in bold."""


@dataclass(frozen=True)
class Column:
    """Images below a heading."""

    heading: Line
    cells: Sequence[Image]
    """(H, W, 3) RGB uint8; the cells of a row have one size, and all cells have one width."""
    captions: Sequence[Line] = ()
    """One for each cell, shown below it; empty for none."""


def draw_sheet(columns: Sequence[Column], legend: Legend) -> Image:
    """Draw columns side by side and the legend below them.

    Returns:
        (H, W, 3) RGB uint8.
    """
    width = columns[0].cells[0].shape[1]
    heights = [cell.shape[0] for cell in columns[0].cells]
    caption = round(LINE * CAPTION) if any(column.captions for column in columns) else 0
    sheet_width = 2 * MARGIN + len(columns) * (width + GAP) - GAP
    swatches = _Swatches(legend, sheet_width - 2 * MARGIN)
    below_heading = MARGIN + round(LINE * HEADING)
    end = below_heading + sum(heights) + len(heights) * (caption + GAP) - GAP
    sheet = np.full((end + GAP + swatches.height + MARGIN, sheet_width, 3), 255, np.uint8)
    for position, column in enumerate(columns):
        left = MARGIN + position * (width + GAP)
        _write(sheet, (left, MARGIN), column.heading, HEADING, width)
        top = below_heading
        for row, cell in enumerate(column.cells):
            sheet[top : top + cell.shape[0], left : left + width] = cell
            if column.captions:
                _write(sheet, (left, top + cell.shape[0]), column.captions[row], CAPTION, width)
            top += cell.shape[0] + caption + GAP
    swatches.draw(sheet, (MARGIN, end + GAP))
    return sheet


class _Swatches:
    """A legend, broken into lines that fit a width."""

    def __init__(self, legend: Legend, width: int) -> None:
        self._line = round(LINE * LEGEND)
        self._places: list[tuple[int, int]] = []
        self._legend = legend
        x = y = 0
        for name, _ in legend:
            length = round(1.5 * LEGEND) + text_width(name, LEGEND)
            if x and x + length > width:
                x, y = 0, y + self._line
            self._places.append((x, y))
            x += length + round(1.5 * LEGEND)
        self.height = y + self._line

    def draw(self, sheet: Image, corner: tuple[int, int]) -> None:
        """Draw the legend with its upper left corner at `corner` = (x, y)."""
        for (name, colour), place in zip(self._legend, self._places, strict=True):
            x, y = corner[0] + place[0], corner[1] + place[1]
            top = y + (self._line - LEGEND) // 2
            cv2.rectangle(sheet, (x, top), (x + LEGEND - 1, top + LEGEND - 1), colour, cv2.FILLED)
            cv2.rectangle(sheet, (x, top), (x + LEGEND - 1, top + LEGEND - 1), RIM)
            _put(sheet, (x + round(1.5 * LEGEND), y), name, LEGEND, REGULAR, TEXT)


def _write(sheet: Image, corner: tuple[int, int], line: Line, size: int, width: int) -> None:
    """Draw a line within `width` pixels; a long text loses at most half of itself to make room for its note."""
    weight = BOLD if line.strong else REGULAR
    space = size // 2 if line.text else 0
    wanted = text_width(line.text, size, weight)
    note = text_width(line.note, size) if line.note else 0
    if note and (note > width or wanted / 2 + space + note > width):
        note = 0
    text = shortened(line.text, width - (space + note if note else 0), size, weight)
    _put(sheet, corner, text, size, weight, TEXT)
    if note:
        x = corner[0] + (text_width(text, size, weight) + space if text else 0)
        _put(sheet, (x, corner[1]), line.note, size, REGULAR, MUTED)


def _put(sheet: Image, corner: tuple[int, int], text: str, size: int, weight: int, colour: Colour) -> None:
    """Draw a line of text whose upper left corner is `corner`."""
    baseline = corner[1] + round(0.5 * LINE * size + 0.35 * size)
    draw_text(sheet, text, (corner[0], baseline), size, colour, weight)
