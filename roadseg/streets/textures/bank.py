"""All textures of a street set, painted once for each seed and process."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from roadseg.streets.scene import BarrierKind, TreeKind
from roadseg.streets.textures import barriers, facades, foliage
from roadseg.streets.textures.foliage import Sprite
from roadseg.streets.textures.noise import to_bytes, value_noise
from roadseg.streets.textures.paint import advert
from roadseg.streets.textures.pyramid import Pyramid, premultiplied, pyramid

WALLS, ADVERTS = 14, 16
NOISES, GRITS, CLOUDS = 12, 6, 8
SPRITES: dict[TreeKind, int] = {"leafy": 22, "bare": 14, "palm": 7, "bush": 9}
GRAIN_SIZE = 1024
_PAINTERS = {
    "leafy": foliage.leafy_tree,
    "bare": foliage.bare_tree,
    "palm": foliage.palm,
    "bush": foliage.bush,
}


@dataclass(frozen=True)
class TextureBank:
    """Textures by kind; a scene refers to them by position."""

    facades: tuple[Pyramid, ...]
    """(256, 256, 4) premultiplied RGBA, as all below; ordered by row of `facades.FLOORS`, then variant."""
    walls: tuple[Pyramid, ...]
    """Sides of houses."""
    barriers: dict[BarrierKind, tuple[Pyramid, ...]]
    adverts: tuple[Pyramid, ...]
    sprites: dict[TreeKind, tuple[Sprite, ...]]
    noises: tuple[NDArray[np.uint8], ...]
    """(256, 256), tileable, coarse and fine together."""
    grits: tuple[NDArray[np.uint8], ...]
    """(256, 256), tileable, fine: asphalt, dust, grass."""
    clouds: tuple[NDArray[np.uint8], ...]
    """(256, 256), tileable, smooth."""
    grain: NDArray[np.uint8]
    """(1024, 1024, 3) sensor noise around 128 with standard deviation 32, partly shared between the colours."""


@lru_cache(maxsize=4)
def texture_bank(*key: int) -> TextureBank:
    """Paint the bank of the random `key`; the same key gives the same bank in every process."""
    rng = np.random.default_rng(key)
    return TextureBank(
        facades=tuple(
            pyramid(facades.facade(rng, floors, facades.BAYS[variant]))
            for floors in facades.FLOORS
            for variant in range(facades.VARIANTS)
        ),
        walls=tuple(pyramid(facades.side_wall(rng)) for _ in range(WALLS)),
        barriers={
            kind: tuple(pyramid(paint(rng)) for _ in range(count)) for kind, (paint, count) in barriers.PAINTERS.items()
        },
        adverts=tuple(pyramid(premultiplied(advert(rng))) for _ in range(ADVERTS)),
        sprites={kind: tuple(_PAINTERS[kind](rng) for _ in range(count)) for kind, count in SPRITES.items()},
        noises=tuple(to_bytes(value_noise(rng, 256, 4, rng.uniform(0.7, 0.9))) for _ in range(NOISES)),
        grits=tuple(to_bytes(value_noise(rng, 256, 32, rng.uniform(1.0, 1.3))) for _ in range(GRITS)),
        clouds=tuple(to_bytes(value_noise(rng, 256, 4, rng.uniform(0.45, 0.6))) for _ in range(CLOUDS)),
        grain=_grain(rng),
    )


def _grain(rng: np.random.Generator) -> NDArray[np.uint8]:
    luma = rng.standard_normal((GRAIN_SIZE, GRAIN_SIZE, 1), np.float32)
    chroma = rng.standard_normal((GRAIN_SIZE, GRAIN_SIZE, 3), np.float32)
    return np.asarray(np.clip(128.5 + (0.8 * luma + 0.6 * chroma) * 32, 0, 255), np.uint8)
