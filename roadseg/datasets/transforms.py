"""Training crops of images: geometry shared with the label map, colour changes for the image alone."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from roadseg.datasets.degradation import degraded
from roadseg.datasets.textures import Textures, textured
from roadseg.inputs.limits import MIN_SIDE
from roadseg.labels.space import LabelMap

Image = NDArray[np.uint8]
Resampling = Literal["area", "bicubic"]
"""`area` averages when shrinking and is bilinear otherwise; `bicubic` is Pillow's, used by published networks."""
MIN_CROP_SHARE = 1500 / 512**2
"""Smallest share of a crop's pixels that counts as showing a class: 1500 of 512x512, as published for rare-class
sampling."""
NO_TEXTURES = Textures()
STRIDE = 8
"""Stride of the labels of networks, in pixels."""
ATTEMPTS = 10
"""Largest number of crops of an image that are tried to find one that shows the class, as published."""


@dataclass(frozen=True)
class CropTransform:
    """Random scale, crop, horizontal flip and colour jitter, each drawn from the given generator."""

    size: tuple[int, int]
    """(width, height) to which a whole image would be resized at scale 1."""
    crop: tuple[int, int]
    """(width, height) of the result."""
    scale: tuple[float, float] = (0.8, 1.4)
    """Bounds of the random scale; a side that it would leave shorter than the crop is stretched to it, alone."""
    jitter: float = 1.0
    """Strength of the colour jitter; 0 leaves colours unchanged."""
    horizontal_flip: bool = True
    """True flips half of the crops horizontally."""
    resampling: Resampling = "area"
    textures: Textures = NO_TEXTURES
    """Random textures on the classes of labelled images."""
    degradation: float = 0.0
    """Strength of the faults of cameras on images, see `roadseg.datasets.degradation`; 0 for none."""

    def __call__(
        self, image: Image, label: LabelMap | None, rng: np.random.Generator, *, shown: int | None = None
    ) -> tuple[Image, LabelMap | None]:
        """Transform an image and its label map alike.

        Args:
            image: (H, W, 3) uint8 RGB.
            label: (H, W) uint8 train ids, or None.
            rng: source of all random draws.
            shown: class that the crop should show: crops are drawn until it takes up `MIN_CROP_SHARE` of one, at most
                `ATTEMPTS` times; None for any crop.

        Returns:
            Image and label map of the size `crop`.
        """
        height, width = image.shape[:2]
        part, flipped = self._window(height, width, rng)
        if label is not None and shown is not None:
            for _ in range(1, ATTEMPTS):
                if np.mean(label[part] == shown) >= MIN_CROP_SHARE:
                    break
                part, flipped = self._window(height, width, rng)
        crop = jittered(resized_image(image[part], self.crop, self.resampling), rng, self.jitter)
        label_crop = None
        if label is not None:
            label_crop = resized_label(label[part], self.crop)
            crop = textured(crop, label_crop, rng, self.textures)
        crop = degraded(crop, rng, self.degradation)
        if flipped:
            return crop[:, ::-1], None if label_crop is None else label_crop[:, ::-1]
        return crop, label_crop

    def _window(self, height: int, width: int, rng: np.random.Generator) -> tuple[tuple[slice, slice], bool]:
        """Draw the rows and columns of an image that become the crop, and whether it is flipped."""
        scale = rng.uniform(*self.scale)
        # The part of the image that becomes the crop, in the image's own pixels, so that it is resized once, not twice.
        part_width = min(round(self.crop[0] * width / (self.size[0] * scale)), width)
        part_height = min(round(self.crop[1] * height / (self.size[1] * scale)), height)
        left = int(rng.integers(width - part_width + 1))
        top = int(rng.integers(height - part_height + 1))
        flipped = rng.random() < 0.5 and self.horizontal_flip
        return (slice(top, top + part_height), slice(left, left + part_width)), flipped


def size_within(size: tuple[int, int], aspect_ratio: float, step: int = STRIDE) -> tuple[int, int]:
    """Return the largest (width, height) within `size` of images with this width over height.

    A side that is shortened is rounded to a multiple of `step` pixels; none is below `MIN_SIDE`. A size that was found
    for a shape is found again within itself, so an adapted run sees images at the size that its start saw.
    """
    width, height = size
    if min(abs(width - height * aspect_ratio), abs(height - width / aspect_ratio)) <= step / 2:
        return size
    if width < height * aspect_ratio:
        return width, max(round(width / aspect_ratio / step) * step, MIN_SIDE)
    return max(round(height * aspect_ratio / step) * step, MIN_SIDE), height


def resized_image(image: Image, size: tuple[int, int], resampling: Resampling = "area") -> Image:
    """Resize an (H, W, 3) uint8 image to `size` = (width, height)."""
    if image.shape[1::-1] == size:
        return image
    if resampling == "bicubic":
        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
        resized = F.interpolate(pixels, size=size[::-1], mode="bicubic", antialias=True, align_corners=False)
        return np.asarray(resized[0].permute(1, 2, 0).numpy(), np.uint8)
    filtering = cv2.INTER_AREA if image.shape[1] > size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=filtering), np.uint8)


def resized_label(label: LabelMap, size: tuple[int, int]) -> LabelMap:
    """Resize an (H, W) uint8 label map to `size` = (width, height); each pixel takes the label at its centre."""
    # cv2's plain INTER_NEAREST takes the upper left corner instead: half a pixel off the image.
    return np.asarray(cv2.resize(label, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def jittered(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Vary exposure, white balance, contrast, saturation, gamma, sharpness and noise of an RGB image.

    All numbers are drawn for every `strength`, so that changing it changes no other random draw.

    Args:
        image: (H, W, 3) uint8 RGB.
        rng: source of all random draws.
        strength: 0 leaves the image unchanged, 1 is usual.
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
