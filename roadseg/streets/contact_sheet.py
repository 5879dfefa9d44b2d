"""Contact sheets of images and their label maps."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.catalogue import INDIAN_20
from roadseg.labels.space import LabelMap


def contact_sheet(
    pairs: Sequence[tuple[NDArray[np.uint8], LabelMap]], *, columns: int = 4, width: int = 320, gap: int = 4
) -> NDArray[np.uint8]:
    """Draw a grid of images, each above its label map in the colours of `INDIAN_20`.

    Args:
        pairs: at least one image (H, W, 3) uint8 RGB with its label map (H, W) uint8, all of one size.
        columns: images per row.
        width: width of each image on the sheet in pixels; the height follows.
        gap: white pixels between them.

    Returns:
        (rows, columns, 3) uint8 RGB.
    """
    height = round(width * pairs[0][1].shape[0] / pairs[0][1].shape[1])
    columns = min(columns, len(pairs))
    rows = -(-len(pairs) // columns)
    cell = (2 * height + gap, width)
    sheet = np.full((rows * (cell[0] + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for position, (image, label) in enumerate(pairs):
        top, left = position // columns * (cell[0] + gap), position % columns * (width + gap)
        coloured = INDIAN_20.palette[cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST)]
        shrinks = width < image.shape[1]
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
        sheet[top : top + height, left : left + width] = small
        sheet[top + height + gap : top + cell[0], left : left + width] = coloured
    return sheet
