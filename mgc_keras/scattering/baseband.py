"""Wavelets at every second sample: brought down to zero frequency, and interpolated.

A modulus does not change when its signal is shifted in frequency. So the narrow band of a wavelet may lie around zero,
where half of Kymatio's samples hold it; the samples between, whose modulus Kymatio has, too, are interpolated by a short
filter. The modulus itself is not limited to any band, but what the second order reads of it is: by another such filter,
the samples between are drawn into every second one, and what would fold cancels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mgc_keras.scattering.filters import envelope, morlet

# Shorter transforms are quick anyway.
_SHORTEST = 16_384
# By how many widths the band's centre may lie below the wavelet's: the bump that gives it a zero mean widens a band downwards.
_LOWER = (0.0, 0.5, 1.0)
# Weights of a filter; the fewest that err by less than the tolerance, of a wavelet's height, are taken.
_NUMBERS_OF_TAPS = (16, 32)
_TOLERANCE = 6e-8
# In the fit of a filter: how many frequencies, and the least weight of one.
_N_FREQUENCIES = 800
_LEAST_WEIGHT = 1e-9
# Of a wavelet's height, below which bins are left out: as far as `scattering_filters.REACH`.
_SMALLEST = 1e-12


@dataclass(frozen=True)
class Baseband:
    """Some wavelets of one scale, each around zero frequency, at every second sample of their result.

    Attributes
    ----------
    length : int
        Samples of the result, without those between.
    centres : tuple of int
        The bin of the signal's spectrum that each wavelet brings down to zero.
    above, below : np.ndarray [shape=(n_wavelets, n_bins), dtype=float64]
        Weights of the bins from each centre upwards, and downwards. What is so far below the centre stands, conjugated,
        so far above the negative centre, too, where it is read.
    taps : np.ndarray [shape=(n_taps,), dtype=float64]
        Weights of the samples around each sample between: as many before as behind it.
    """

    length: int
    centres: tuple[int, ...]
    above: np.ndarray
    below: np.ndarray
    taps: np.ndarray

    @property
    def lowest(self) -> int:
        """The lowest bin of the signal's spectrum that is read; negative ones are negative frequencies."""
        return -max(self.centres)

    @property
    def n_bins(self) -> int:
        """How many bins from zero on are read."""
        return max(self.centres) + self.above.shape[1]


def baseband(shapes: Sequence[tuple[float, float]], n_samples: int, length: int, height: float) -> Baseband | None:
    """Bring wavelets of one scale down to zero frequency.

    Parameters
    ----------
    shapes : sequence of (float, float)
        Centre frequency and width of each wavelet, in cycles a sample of the waveform.
    n_samples : int
        Length of the padded waveform.
    length : int
        Length of the result, without the samples between.
    height : float
        Factor of everything.

    Returns
    -------
    Baseband or None
        None: the wavelets are too wide, or the result is too short to be worth it.
    """
    if length < _SHORTEST or length % _NUMBERS_OF_TAPS[-1]:
        return None
    offsets = some_offsets(length)
    around = np.concatenate([-offsets[::-1], offsets])
    for lower in _LOWER:
        centres = tuple(round((xi - lower * sigma) * n_samples) for xi, sigma in shapes)
        heights = [
            envelope(*shape, (centre + around) / n_samples) for shape, centre in zip(shapes, centres, strict=True)
        ]
        below, above = np.max(heights, axis=0).reshape(2, -1)
        highest = np.maximum(below[::-1], above)
        taps = half_sample_taps(offsets / length, highest) if highest[-1] < _TOLERANCE else None
        if taps is not None:
            n_bins = int(offsets[highest > _SMALLEST][-1]) + 1
            bins = np.arange(-n_bins + 1, n_bins)
            # Half: a real signal has half of its spectrum at positive, half at negative frequencies.
            weights = (
                height
                / 2
                * np.stack(
                    [morlet(*shape, n_samples, centre + bins) for shape, centre in zip(shapes, centres, strict=True)]
                )
            )
            return Baseband(length, centres, weights[:, n_bins - 1 :], weights[:, n_bins - 1 :: -1], taps)
    return None


def some_offsets(length: int) -> np.ndarray:
    """Return some bins of the spectrum of a signal of `length` samples, from zero to below the highest frequency."""
    return np.unique(np.linspace(0, length // 2 - 1, _N_FREQUENCIES).astype(int))


def half_sample_taps(frequencies: np.ndarray, heights: np.ndarray) -> np.ndarray | None:
    """Fit a filter that interpolates samples halfway between those of a signal.

    Parameters
    ----------
    frequencies : np.ndarray
        In cycles a sample, from zero up to a half; negative ones are as these.
    heights : np.ndarray
        How much each of them weighs, at most one.

    Returns
    -------
    np.ndarray [shape=(n_taps,), dtype=float64] or None
        None: no filter is short and good enough.
    """
    frequencies, heights = frequencies[:, None], np.maximum(heights[:, None], _LEAST_WEIGHT)
    for n_taps in _NUMBERS_OF_TAPS:
        # Both sides are alike, so the response is real once the delay of half a sample is taken off.
        half = np.arange(n_taps // 2) + 0.5
        shapes = 2 * np.cos(2 * np.pi * frequencies * half) * heights
        side = np.linalg.lstsq(shapes, heights[:, 0], rcond=None)[0]
        if np.abs(shapes @ side - heights[:, 0]).max() < _TOLERANCE:
            return np.concatenate([side[::-1], side])
    return None
