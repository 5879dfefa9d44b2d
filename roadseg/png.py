"""PNG files, whole or not at all."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.files import writing


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """The file of an RGB picture (H, W, 3) uint8, or of one of a single channel (H, W), such as a label map."""
    _, data = cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    return data.tobytes()


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write what `encode_png` makes of `pixels`.

    Raises:
        OutputError: it cannot be written.
    """
    # Not imwrite, which says no more than False of a full disk.
    data = encode_png(pixels)
    with writing(path) as part:
        part.write_bytes(data)
