"""Camera simulation: lens, colour response, noise and compression."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import LabelMap
from roadseg.streets.looks import Sensor
from roadseg.streets.scene import Camera

Image = NDArray[np.uint8]
REFERENCE_WIDTH = 480
"""Image width in pixels for which blur is defined."""
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def through_lens(image: Image, label: LabelMap, camera: Camera) -> tuple[Image, LabelMap]:
    """Roll and distort a pinhole image (H, W, 3) together with its label map (H, W), which is sampled nearest.

    A pixel at radius r shows the pinhole image at r (1 + k r^2), r in half diagonals, zoomed so that all of it lies
    within the pinhole image.
    """
    if camera.roll == 0 and camera.distortion == 0:
        return image, label
    height, width = label.shape
    columns, rows = _lens_map(width, height, camera.roll, camera.distortion)
    bent = cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    bent_label = cv2.remap(label, columns, rows, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(bent, np.uint8), np.asarray(bent_label, np.uint8)


@lru_cache(maxsize=4)
def _lens_map(
    width: int, height: int, roll: float, distortion: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    x = np.arange(width, dtype=np.float32) - (width - 1) / 2
    y = (np.arange(height, dtype=np.float32) - (height - 1) / 2)[:, None]
    cos, sin = np.cos(roll), np.sin(roll)
    # A roll needs room at the corners: zoom in until the rotated image covers the frame.
    zoom = 1 / (cos + abs(sin) * max(width / height, height / width))
    half_diagonal2 = (width**2 + height**2) / 4
    stretch = zoom * (1 + distortion * (x * x + y * y) / half_diagonal2) / (1 + distortion)
    columns = (cos * x - sin * y) * stretch + (width - 1) / 2
    rows = (sin * x + cos * y) * stretch + (height - 1) / 2
    return columns.astype(np.float32), rows.astype(np.float32)


def develop(image: Image, sensor: Sensor, grain: NDArray[np.uint8], rng: np.random.Generator) -> Image:
    """Give an image the colours, softness, noise and compression of a sensor.

    Args:
        image: output of the lens, (H, W, 3) uint8 RGB.
        sensor: its properties.
        grain: noise tile (N, N, 3) around 128 with standard deviation 32.
        rng: draws the position in the tile from which the noise is taken; nothing else is random.
    """
    developed = cv2.LUT(cv2.transform(image, _colour_matrix(sensor)), _response(sensor))
    if sensor.vignette:
        developed = cv2.multiply(developed, _vignette(*image.shape[:2], sensor.vignette), scale=1 / 255)
    sigma = sensor.blur * image.shape[1] / REFERENCE_WIDTH
    if sigma > 0.2:
        developed = cv2.GaussianBlur(developed, (0, 0), sigma)
    if sensor.noise:
        developed = _with_noise(np.asarray(developed, np.uint8), sensor.noise, grain, rng)
    if sensor.jpeg:
        _, packed = cv2.imencode(".jpg", developed, [cv2.IMWRITE_JPEG_QUALITY, sensor.jpeg])
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(developed, np.uint8)


def _colour_matrix(sensor: Sensor) -> NDArray[np.float32]:
    """Return the matrix of saturation, then white balance."""
    grey = np.tile(np.array(_LUMA), (3, 1))
    saturated = grey * (1 - sensor.saturation) + np.eye(3) * sensor.saturation
    return np.asarray(np.array(sensor.balance)[:, None] * saturated * sensor.exposure, np.float32)


def _response(sensor: Sensor) -> Image:
    """Return the tone curve as a table of 256 values."""
    level = (np.arange(256) / 255) ** sensor.gamma
    level = (level - 0.5) * sensor.contrast + 0.5
    level = sensor.lift + (1 - sensor.lift) * level
    return np.clip(level * 255 + 0.5, 0, 255).astype(np.uint8)


@lru_cache(maxsize=4)
def _vignette(height: int, width: int, loss: float) -> Image:
    x = np.linspace(-1, 1, width)
    y = np.linspace(-1, 1, height)[:, None]
    fall_off = 1 - loss * ((x * x + y * y) / 2) ** 1.3
    return np.repeat((fall_off * 255).astype(np.uint8)[..., None], 3, axis=2)


def _with_noise(image: Image, deviation: float, grain: NDArray[np.uint8], rng: np.random.Generator) -> Image:
    height, width = image.shape[:2]
    side = len(grain)
    top, left = rng.integers(side, size=2)
    if top + height <= side and left + width <= side:
        tile = grain[top : top + height, left : left + width]
    else:
        rows, columns = (top + np.arange(height)) % side, (left + np.arange(width)) % side
        tile = grain[np.ix_(rows, columns)]
    strength = deviation * 255 / 32
    return np.asarray(cv2.addWeighted(image, 1.0, tile, strength, -128 * strength), np.uint8)
