"""Wavelets at half of Kymatio's sampling rate: shifted down to zero frequency, and interpolated.

A modulus does not change when its signal is shifted in frequency. A wavelet's narrow band, shifted to zero frequency,
fits half of Kymatio's samples. Kymatio also has the modulus at the midpoints, those between one kept sample and the
next: a short filter interpolates the signal there. The modulus is not limited to any band, but what the second order
reads of it is. So the modulus at both is decimated: another such filter moves the midpoints' modulus onto the samples,
and the sum of both has no aliases in the band that is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mgc_keras.scattering.filters import Wavelet, envelope, morlet

# Shorter results are quick to transform at the full rate.
_SHORTEST = 16_384
# By how many widths the shifted frequency may lie below the wavelet's centre: the bump that gives a wavelet its zero
# mean widens its band downwards.
_LOWER = (0.0, 0.5, 1.0)
# Weights of a filter. The fewest whose error, relative to a wavelet's height, is below the tolerance are taken.
_FILTER_LENGTHS = (16, 32)
_TOLERANCE = 6e-8
# In the fit of a filter: how many frequencies, and the least weight of one.
_N_FREQUENCIES = 800
_LEAST_WEIGHT = 1e-9
# Bins below this share of a wavelet's height are left out: as far as `filters.REACH`.
_SMALLEST = 1e-12


@dataclass(frozen=True)
class BasebandWavelets:
    """Some wavelets of one scale, each shifted to zero frequency, at every second sample of their result.

    Attributes
    ----------
    length : int
        Samples of the result, without the midpoints.
    centres : tuple of int
        The bin of the signal's spectrum that is shifted to zero for each wavelet.
    above, below : np.ndarray [shape=(n_wavelets, n_bins), dtype=float64]
        Weights of the bins from each centre upwards, and downwards: those are read, conjugated, above its negative.
    interpolation : np.ndarray [shape=(n_weights,), dtype=float64]
        Weights of the samples around each midpoint: as many before as after it.
    """

    length: int
    centres: tuple[int, ...]
    above: np.ndarray
    below: np.ndarray
    interpolation: np.ndarray

    @property
    def n_bins(self) -> int:
        """How many bins from zero on are read."""
        return max(self.centres) + self.above.shape[1]


def baseband(wavelets: Sequence[Wavelet], n_samples: int, length: int, height: float) -> BasebandWavelets | None:
    """Shift wavelets of one scale to zero frequency.

    Parameters
    ----------
    wavelets : sequence of Wavelet
    n_samples, length : int
        Of the padded waveform, and of the result without the midpoints.
    height : float
        Factor of all weights.

    Returns
    -------
    BasebandWavelets or None
        None: the wavelets are too wide, or the result is too short to be worth it.
    """
    if length < _SHORTEST or length % _FILTER_LENGTHS[-1]:
        return None
    offsets = sampled_bins(length)
    around = np.concatenate([-offsets[::-1], offsets])
    for lower in _LOWER:
        centres = tuple(round((wavelet.xi - lower * wavelet.sigma) * n_samples) for wavelet in wavelets)
        heights = [
            envelope(wavelet, (centre + around) / n_samples) for wavelet, centre in zip(wavelets, centres, strict=True)
        ]
        below, above = np.max(heights, axis=0).reshape(2, -1)
        highest = np.maximum(below[::-1], above)
        interpolation = half_sample_filter(offsets / length, highest) if highest[-1] < _TOLERANCE else None
        if interpolation is not None:
            n_bins = int(offsets[highest > _SMALLEST][-1]) + 1
            bins = np.arange(-n_bins + 1, n_bins)
            spectra = [morlet(psi, n_samples, centre + bins) for psi, centre in zip(wavelets, centres, strict=True)]
            # Half: a real signal has half of its spectrum at positive, half at negative frequencies.
            weights = height / 2 * np.stack(spectra)
            above, below = weights[:, n_bins - 1 :], weights[:, n_bins - 1 :: -1]
            return BasebandWavelets(length, centres, above, below, interpolation)
    return None


def sampled_bins(length: int) -> np.ndarray:
    """Return the bins, of a signal of `length` samples, at which a filter is fitted: from zero to below the highest."""
    return np.unique(np.linspace(0, length // 2 - 1, _N_FREQUENCIES).astype(int))


def half_sample_filter(frequencies: np.ndarray, heights: np.ndarray) -> np.ndarray | None:
    """Fit a filter that interpolates samples halfway between those of a signal.

    Parameters
    ----------
    frequencies, heights : np.ndarray
        In cycles a sample, from zero up to a half (negative ones are as these), and how much an error at each weighs,
        at most one.

    Returns
    -------
    np.ndarray [shape=(n_weights,), dtype=float64] or None
        None: no filter is short and good enough.
    """
    frequencies, heights = frequencies[:, None], np.maximum(heights[:, None], _LEAST_WEIGHT)
    for n_weights in _FILTER_LENGTHS:
        # The filter is symmetric around the midpoint, so its response, seen from there, is a sum of cosines.
        half = np.arange(n_weights // 2) + 0.5
        cosines = 2 * np.cos(2 * np.pi * frequencies * half) * heights
        side = np.linalg.lstsq(cosines, heights[:, 0], rcond=None)[0]
        if np.abs(cosines @ side - heights[:, 0]).max() < _TOLERANCE:
            return np.concatenate([side[::-1], side])
    return None
