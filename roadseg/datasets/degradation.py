"""Faults of cameras on images, so that a network does not rely on rendered ones being sharp and clean.

Rendered images are sharp to the pixel, evenly lit and uncompressed; those of dashcams are scaled, sharpened, compressed
and darker in a corner. This is domain randomisation, as `roadseg.datasets.textures`; the faults are some of those by
which Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data", ICCV workshops
2021, degrade images.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

SCALED, SHARPENED, COMPRESSED, SHADED = 0.4, 0.3, 0.4, 0.3
"""Shares of images with each fault, at strength 1."""
SMALLEST = 8
"""Smallest side of a scaled-down image, in pixels."""


def degraded(image: NDArray[np.uint8], rng: np.random.Generator, strength: float) -> NDArray[np.uint8]:
    """Give an image some faults of cameras, each by chance: low resolution, sharpening, JPEG, uneven light.

    Args:
        image: (H, W, 3) uint8 RGB.
        rng: source of all random draws.
        strength: factor on the chance of each fault; 0 leaves images unchanged, 1 is usual.
    """
    if strength == 0:
        return image
    scaled, sharpened, compressed, shaded = rng.random(4) < strength * np.array([SCALED, SHARPENED, COMPRESSED, SHADED])
    if scaled:
        image = _scaled(image, rng.uniform(0.35, 0.9), rng)
    if sharpened:
        image = _sharpened(image, rng.uniform(0.3, 1.5))
    if compressed:
        image = _compressed(image, int(rng.uniform(15, 80)))
    if shaded:
        image = _shaded(image, *rng.uniform(-1, 1, 2))
    return image


def _scaled(image: NDArray[np.uint8], scale: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Lose what lies between the pixels of a smaller image."""
    height, width = image.shape[:2]
    small = (max(SMALLEST, int(width * scale)), max(SMALLEST, int(height * scale)))
    filtering = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    fewer = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(fewer, (width, height), interpolation=filtering), np.uint8)


def _sharpened(image: NDArray[np.uint8], amount: float) -> NDArray[np.uint8]:
    """Exaggerate edges as cameras do: unsharp masking, with its halos."""
    soft = cv2.GaussianBlur(image, (0, 0), 1.2).astype(np.float32)
    return np.clip(image + amount * (image - soft), 0, 255).astype(np.uint8)


def _compressed(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Compress as JPEG; colours get half the resolution and blocks of 8 pixels show."""
    _, code = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(code, cv2.IMREAD_COLOR)
    assert decoded is not None, "OpenCV reads what it wrote"
    return np.asarray(decoded[..., ::-1], np.uint8)


def _shaded(image: NDArray[np.uint8], across: float, down: float) -> NDArray[np.uint8]:
    """Change the light evenly from one side to the other, by up to half at each edge for a slope of 1."""
    height, width = image.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    light = np.clip(1 + 0.5 * (across * x + down * y), 0.3, 1.7)[..., None].astype(np.float32)
    return np.asarray(np.clip(image * light, 0, 255), np.uint8)
