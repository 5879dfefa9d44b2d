"""From a picture on disk to a training crop: geometry shared with the label map, colour for the picture alone."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels import LabelMap

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class CropTransform:
    """Random scale, crop, mirror and colour jitter, each drawn from the generator that is passed in."""

    size: tuple[int, int]
    """(width, height) to which a whole picture would be resized at scale 1."""
    crop: tuple[int, int]
    """(width, height) of what comes out."""
    scale: tuple[float, float] = (0.8, 1.4)
    """Bounds of the random scale; pictures are never shrunk below the crop."""
    jitter: float = 1.0
    """Strength of the colour jitter; 0 leaves colours alone."""

    def __call__(self, image: Image, label: LabelMap | None, rng: np.random.Generator) -> tuple[Image, LabelMap | None]:
        """Transform (H, W, 3) uint8 RGB and (H, W) uint8 train ids alike, to `crop`."""
        height, width = image.shape[:2]
        scale = rng.uniform(*self.scale)
        # The part of the picture that becomes the crop, in the picture's own pixels: resized once, not twice.
        part_width = min(round(self.crop[0] * width / (self.size[0] * scale)), width)
        part_height = min(round(self.crop[1] * height / (self.size[1] * scale)), height)
        left = int(rng.integers(width - part_width + 1))
        top = int(rng.integers(height - part_height + 1))
        mirror = rng.random() < 0.5
        part = (slice(top, top + part_height), slice(left, left + part_width))
        shrinks = part_width > self.crop[0]
        resampling = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        crop = jittered(_resized(image[part], self.crop, resampling), rng, self.jitter)
        label_crop = None if label is None else _resized(label[part], self.crop, cv2.INTER_NEAREST)
        if mirror:
            return crop[:, ::-1], None if label_crop is None else label_crop[:, ::-1]
        return crop, label_crop


def _resized(pixels: NDArray[np.uint8], size: tuple[int, int], resampling: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(pixels, size, interpolation=resampling), np.uint8)


def jittered(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Vary exposure, white balance, contrast, saturation, gamma, sharpness and noise of an RGB picture.

    Every draw is made whatever `strength` is, so that changing it changes nothing else that is random.
    """
    draws = rng.uniform(-1, 1, 8)
    chances = rng.random(3)
    noise_seed = int(rng.integers(2**31))
    if strength == 0:
        return image
    gain = (1 + 0.25 * strength * draws[0]) * (1 + 0.06 * strength * draws[1:4])
    pixels: NDArray[np.float32] = image.astype(np.float32) * gain.astype(np.float32)
    mean = pixels.mean()
    pixels = (pixels - mean) * np.float32(1 + 0.3 * strength * draws[4]) + mean
    grey = pixels.mean(axis=2, keepdims=True)
    pixels = grey + (pixels - grey) * np.float32(1 + 0.45 * strength * draws[5])
    if chances[0] < 0.4:
        gamma = np.float32(1.05 + 0.35 * draws[6] * min(strength, 2.0))
        pixels = np.float32(255) * (np.clip(pixels, 0, 255) / np.float32(255)) ** gamma
    if chances[1] < 0.25 * strength:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.7 + 0.4 * draws[7]), np.float32)
    if chances[2] < 0.25 * strength:
        noise = np.random.default_rng(noise_seed).standard_normal(pixels.shape[:2], np.float32)
        pixels = pixels + noise[..., None] * np.float32(6 * strength)
    return np.clip(pixels, 0, 255).astype(np.uint8)
