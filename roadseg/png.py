"""PNG files, whole or not at all."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.files import writing


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write an RGB picture (H, W, 3) uint8, or one of a single channel (H, W), such as a label map.

    Raises:
        OutputError: it cannot be written.
    """
    # Not imwrite, which says no more than False of a full disk.
    _, data = cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    with writing(path) as part:
        part.write_bytes(data.tobytes())
