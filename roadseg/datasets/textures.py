"""Random textures on the regions of labelled images, so that a network does not learn classes by their texture.

Rendered surfaces are smoother than real ones, above all those of buildings, vehicles and people; foliage is the only
rough one. A network that learned from them takes whatever is rough for vegetation. This is domain randomisation: Tobin
et al., "Domain Randomization for Transferring Deep Neural Networks from Simulation to the Real World", IROS 2017.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import LabelMap, LabelSpace
from roadseg.runtime import generator

CHANCE = 0.5
"""Share of the classes of an image that take on a texture."""
CONTRAST = 45.0
"""Largest standard deviation of a texture of strength 1, in grey levels of 256."""
COUNT, SIDE = 48, 512


@dataclass(frozen=True)
class Textures:
    """Random textures for labelled images: their strength, and the classes that get none."""

    strength: float = 0.0
    """0 leaves images unchanged, 1 is usual."""
    smooth: frozenset[int] = frozenset()
    """Train ids of classes that stay as they are, since they are smooth in real images too."""

    @classmethod
    def of(cls, strength: float, space: LabelSpace) -> "Textures":
        """Return textures for all classes of a label space except the sky: with one, twigs before it become sky."""
        return cls(strength, frozenset(i for i, name in enumerate(space.classes) if name.casefold() == "sky"))


def textured(
    image: NDArray[np.uint8], label: LabelMap, rng: np.random.Generator, textures: Textures
) -> NDArray[np.uint8]:
    """Add another random texture to each of some classes of an image.

    Args:
        image: (H, W, 3) uint8 RGB.
        label: (H, W) uint8 train ids; pixels without a class count as one more class.
        rng: source of all random draws.
        textures: how strong, and where.
    """
    if textures.strength == 0:
        return image
    result = image.astype(np.float32)
    for train_id in sorted(set(np.unique(label).tolist()) - textures.smooth):
        contrast = CONTRAST * textures.strength * rng.random() if rng.random() < CHANCE else 0.0
        texture, top, left = rng.integers((COUNT, SIDE, SIDE))
        tint = rng.uniform(0.5, 1, 3)
        if contrast:
            rows, columns = np.nonzero(label == train_id)
            values = _textures()[texture, (rows + top) % SIDE, (columns + left) % SIDE]
            result[rows, columns] += values[:, None] * (contrast * tint).astype(np.float32)
    return np.clip(result, 0, 255).astype(np.uint8)


@cache
def _textures() -> NDArray[np.float16]:
    """Return (COUNT, SIDE, SIDE) textures that tile, of mean 0 and standard deviation 1.

    Each is noise of another spectrum, from rough to smooth and stretched along an axis in some; half of them have edges
    in place of gradual changes.
    """
    rng = generator(0)
    down, across = np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None]
    textures = np.empty((COUNT, SIDE, SIDE), np.float16)
    for number in range(COUNT):
        stretch = np.exp(rng.normal(0, 0.8))
        slope, coarsest = rng.uniform(0.3, 1.6), rng.uniform(1, 24)
        radius = np.hypot(down * stretch, across / stretch) * SIDE
        noise = np.fft.rfft2(rng.standard_normal((SIDE, SIDE))) / np.maximum(radius, coarsest) ** slope
        texture = np.fft.irfft2(noise, s=(SIDE, SIDE))
        texture = (texture - texture.mean()) / texture.std()
        if number % 2:
            texture = np.tanh(4 * (texture - rng.uniform(-1, 1)))
        textures[number] = (texture - texture.mean()) / texture.std()
    return textures
