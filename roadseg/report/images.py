"""Images inside a page, as `data:` addresses."""

import io
from base64 import b64encode
from pathlib import Path

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray
from PIL import Image

from roadseg.datasets.image_files import read_colours
from roadseg.errors import DatasetError
from roadseg.labels.space import LabelMap

JPEG = "data:image/jpeg;base64,"
QUALITY = 80
"""JPEG quality."""
HEATMAP_WIDTH = 320
"""Width in pixels of a heat map; its cells are smoothed to that size."""
MASKED_GREY = 128


def shown_size(aspect_ratio: float, width: int) -> tuple[int, int]:
    """Return the (width, height) in pixels of a frame with `aspect_ratio` (width over height) at this width.

    Frames over four times as high as wide are shown narrower.
    """
    width = max(1, min(width, round(4 * width * aspect_ratio)))
    return width, max(1, round(width / aspect_ratio))


def heatmap_image(seconds: NDArray[np.float64], counted: NDArray[np.float64], aspect_ratio: float) -> str:
    """Return the heat map of a class, black (never there) to white (the most frequent place).

    Args:
        seconds: (rows, columns) time in seconds that the class is seen in each cell.
        counted: (rows, columns) time in seconds that was counted in each cell; cells with 0 are grey.
        aspect_ratio: width over height of the frame as it is shown.
    """
    shares = np.divide(seconds, counted, out=np.zeros_like(seconds), where=counted > 0)
    levels = (255 * shares / (shares.max() or 1)).astype(np.float32)
    size = shown_size(aspect_ratio, HEATMAP_WIDTH)
    smooth = np.clip(cv2.resize(levels, size, interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)
    rgb = _swapped(cv2.applyColorMap(smooth, cv2.COLORMAP_INFERNO))
    masked = cv2.resize((counted == 0).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    rgb[masked > 0] = MASKED_GREY
    return jpeg(rgb)


def image_file(path: Path, width: int) -> str | None:
    """Return an image on disk at `width` pixels; None where it is missing or cannot be read."""
    try:
        rgb = read_colours(path)
    except DatasetError:
        return None
    size = shown_size(rgb.shape[1] / rgb.shape[0], width)
    return jpeg(np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8))


def jpeg_file(path: Path) -> str:
    """Return a JPEG file as it is, as a `data:` address."""
    return JPEG + b64encode(path.read_bytes()).decode()


def jpeg(rgb: NDArray[np.uint8]) -> str:
    """Return (H, W, 3) uint8 RGB as the `data:` address of a JPEG."""
    return JPEG + b64encode(jpeg_bytes(rgb)).decode()


def jpeg_bytes(rgb: NDArray[np.uint8]) -> bytes:
    """Return (H, W, 3) uint8 RGB as a JPEG file."""
    return cv2.imencode(".jpg", _swapped(rgb), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def _swapped(image: MatLike) -> NDArray[np.uint8]:
    """Return RGB as BGR, or the other way round; many times as fast as a copy by numpy."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)


def label_png(labels: LabelMap, palette: NDArray[np.uint8]) -> str:
    """Return a label map as the `data:` address of a lossless PNG, in the colours of `palette`, (256, 3) uint8 RGB."""
    image = Image.fromarray(labels)
    image.putpalette(palette.tobytes())
    data = io.BytesIO()
    image.save(data, "PNG", optimize=True)
    return "data:image/png;base64," + b64encode(data.getvalue()).decode()
