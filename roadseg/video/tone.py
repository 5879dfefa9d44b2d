"""Tone mapping: video of high dynamic range as standard dynamic range, on its planes."""

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Transfer = Literal["pq", "hlg"]

PEAK = 1000.0
"""Luminance in cd/m2 that becomes the brightest value: what most material is graded for."""
WHITE = 203.0
"""Luminance in cd/m2 of diffuse white (ITU-R BT.2408-7, table 1)."""
DISPLAY_GAMMA = 2.4
"""Gamma of standard displays (ITU-R BT.1886)."""
MAX_SATURATION = 2.0
"""Largest factor on the chroma; dark values would get more."""

LEVELS = 1024


def tone_mapped(
    y: NDArray[np.uint16], u: NDArray[np.uint16], v: NDArray[np.uint16], transfer: Transfer, *, full_range: bool
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Map planes of 10 bits to planes of 8 bits with the same matrix, range and primaries.

    The curve acts on luma: the signal becomes luminance (PQ: SMPTE ST 2084; HLG: ITU-R BT.2100, on a display of 1000
    cd/m2), the extended operator of Reinhard et al. ("Photographic Tone Reproduction for Digital Images", SIGGRAPH
    2002, equation 4) brings 1000 cd/m2 to 1, and the gamma of displays encodes it. Chroma is scaled like luma, so hues
    stay; primaries are not converted.

    Args:
        y: (H, W) luma, 0..1023.
        u: (H/2, W/2) chroma, rounded up; 512 is neutral.
        v: the same.
        transfer: the transfer function of the video.
        full_range: True if levels 0 to 1023 are used, and 0 to 255 in the result; otherwise 64 to 940, and 16 to 235.
    """
    luma, saturation = _curves(transfer, full_range)
    factor = saturation[y[::2, ::2]]
    mapped = [
        np.clip(128.5 + (plane.astype(np.float32) - 512) / 4 * factor, 0, 255).astype(np.uint8) for plane in (u, v)
    ]
    return luma[y], mapped[0], mapped[1]


@cache
def _curves(transfer: Transfer, full_range: bool) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return, for each of 1024 levels of luma, the level of 8 bits and the factor on chroma."""
    low, span = (0, 1023) if full_range else (64, 876)
    signal = np.clip((np.arange(LEVELS) - low) / span, 0, 1)
    bright = (_pq(signal) if transfer == "pq" else _hlg(signal)) / WHITE
    peak = PEAK / WHITE
    linear = np.clip(bright * (1 + bright / peak**2) / (1 + bright), 0, 1)
    encoded = linear ** (1 / DISPLAY_GAMMA)
    levels = np.round(encoded * 255) if full_range else np.round(16 + encoded * 219)
    factor = np.divide(encoded, signal, out=np.zeros(LEVELS), where=signal > 0)
    return levels.astype(np.uint8), np.clip(factor, 0, MAX_SATURATION).astype(np.float32)


def _pq(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the luminance in cd/m2 of a PQ signal of 0 to 1 (SMPTE ST 2084, equation 4.1)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = signal ** (1 / m2)
    return 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)


def _hlg(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the luminance in cd/m2 of an HLG signal of 0 to 1 (ITU-R BT.2100, table 5), for grey."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return PEAK * scene**1.2
