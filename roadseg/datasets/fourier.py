"""Fourier alignment: source images take on the light and colours of target images, without training."""

import numpy as np
from numpy.typing import NDArray


def fourier_aligned(source: NDArray[np.number], target: NDArray[np.number], beta: float) -> NDArray[np.float64]:
    """Give `source` the low-frequency amplitudes of `target`, channel by channel, and keep its phases.

    Yang and Soatto, "FDA: Fourier Domain Adaptation for Semantic Segmentation", CVPR 2020, equation 4: amplitudes are
    exchanged where both frequencies are at most floor(beta * min(H, W)) cycles per image.

    Args:
        source: (H, W, C), any range.
        target: of the same shape and range.
        beta: 0 to 0.5; 0 exchanges only the mean.

    Returns:
        (H, W, C) float64, not clipped to the range.

    Raises:
        ValueError: the shapes differ.
    """
    if source.shape != target.shape:
        raise ValueError(f"source {source.shape} and target {target.shape} must have the same shape")
    height, width = source.shape[:2]
    reach = int(min(height, width) * beta)
    spectrum = np.fft.rfft2(source, axes=(0, 1))
    # The transform of a real image is symmetric: columns 0..reach of its half determine -reach..reach.
    rows = np.r_[0 : reach + 1, height - reach : height]
    low = (rows[:, None], np.arange(reach + 1)[None, :])
    amplitude = np.abs(np.fft.rfft2(target, axes=(0, 1))[low])
    phase = np.exp(1j * np.angle(spectrum[low]))
    spectrum[low] = amplitude * phase
    return np.fft.irfft2(spectrum, s=(height, width), axes=(0, 1))
