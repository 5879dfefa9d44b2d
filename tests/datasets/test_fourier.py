import numpy as np
import pytest

from roadseg.datasets.fourier import fourier_aligned


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return rng.uniform(60, 200, (2, 48, 64, 3))


def test_beta_0_takes_the_mean_and_nothing_else(pictures):
    source, target = pictures
    aligned = fourier_aligned(source, target, 0.0)
    assert np.allclose(aligned, source - source.mean((0, 1)) + target.mean((0, 1)))


@pytest.mark.parametrize("beta", [0.05, 0.2])
def test_low_amplitudes_are_the_targets_high_ones_and_phases_the_sources(pictures, beta):
    source, target = pictures
    reach = int(48 * beta)
    spectra = [np.fft.fft2(x[..., 0]) for x in (source, target, fourier_aligned(source, target, beta))]
    rows, columns = (np.abs(np.fft.fftfreq(n) * n) for n in source.shape[:2])
    low = (rows[:, None] <= reach) & (columns <= reach)
    assert np.allclose(np.abs(spectra[2])[low], np.abs(spectra[1])[low])
    assert np.allclose(spectra[2][~low], spectra[0][~low])
    assert np.allclose(np.angle(spectra[2]), np.angle(spectra[0]), atol=1e-6)


def test_an_image_aligned_to_itself_stays(pictures):
    assert np.allclose(fourier_aligned(pictures[0], pictures[0], 0.1), pictures[0])


def test_shapes_must_agree(pictures):
    with pytest.raises(ValueError, match="same shape"):
        fourier_aligned(pictures[0], pictures[1][:-1], 0.1)
