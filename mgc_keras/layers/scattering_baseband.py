"""Wavelets at every second sample: brought down to zero frequency, and interpolated.

A modulus does not change when its signal is shifted in frequency. So the narrow band of a wavelet may lie around zero,
where half of Kymatio's samples hold it; the samples between, whose modulus Kymatio has, too, are interpolated by a short
filter. The modulus itself is not limited to any band, but what the second order reads of it is: by another such filter,
the samples between are drawn into every second one, and what would fold cancels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mgc_keras.layers.scattering_filters import envelope, morlet

# Shorter transforms are quick anyway.
_SHORTEST = 16_384
# By how many widths the band's centre may lie below the wavelet's: the bump that gives it a zero mean widens a band downwards.
_LOWER = (0.0, 0.5, 1.0)
# Weights of a filter; the fewest that err by less than the tolerance, of a wavelet's height, are taken.
_NUMBERS_OF_TAPS = (16, 32)
_TOLERANCE = 6e-8
# In the fit of a filter: frequencies, and the least weight of one.
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


def baseband(
    shapes: Sequence[tuple[float, float]], n_samples: int, length: int, height: float
) -> Baseband | None:
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
    offsets = np.arange(length // 2)
    for lower in _LOWER:
        centres = tuple(round((xi - lower * sigma) * n_samples) for xi, sigma in shapes)
        bounds = lambda xi, sigma, bins: envelope(xi, sigma, bins / n_samples)
        heights = np.max([_on_side(side, bounds, shapes, centres, offsets) for side in (1, -1)], axis=(0, 1))
        taps = half_sample_taps(offsets / length, heights) if heights[-1] < _TOLERANCE else None
        if taps is not None:
            offsets = offsets[: np.flatnonzero(heights > _SMALLEST)[-1] + 1]
            values = lambda xi, sigma, bins: morlet(xi, sigma, n_samples, bins)
            # Half: a real signal has half of its spectrum at positive, half at negative frequencies.
            above, below = (_on_side(side, values, shapes, centres, offsets) * (height / 2) for side in (1, -1))
            return Baseband(length, centres, above, below, taps)
    return None


def _on_side(
    side: int, spectrum: Callable, shapes: Sequence[tuple[float, float]], centres: Sequence[int], offsets: np.ndarray
) -> np.ndarray:
    """Return the spectrum of each wavelet above (side 1) or below (-1) its centre, (n_wavelets, n_offsets)."""
    return np.stack([spectrum(*shape, centre + side * offsets) for shape, centre in zip(shapes, centres, strict=True)])


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
    step = max(1, len(frequencies) // _N_FREQUENCIES)
    frequencies, heights = frequencies[::step, None], np.maximum(heights[::step, None], _LEAST_WEIGHT)
    for n_taps in _NUMBERS_OF_TAPS:
        # Both sides are alike, so the response is real once the delay of half a sample is taken off.
        half = np.arange(n_taps // 2) + 0.5
        shapes = 2 * np.cos(2 * np.pi * frequencies * half) * heights
        side = np.linalg.lstsq(shapes, heights[:, 0], rcond=None)[0]
        if np.abs(shapes @ side - heights[:, 0]).max() < _TOLERANCE:
            return np.concatenate([side[::-1], side])
    return None
