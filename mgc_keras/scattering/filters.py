"""Kymatio's Morlet wavelets and Gaussian low-pass, computed only where they are not zero.

A Morlet wavelet is a Gaussian bump in the spectrum: a few per cent of the bins hold all of it. Kymatio evaluates every
filter on every bin; these functions give the same numbers, to rounding, for the bins that matter.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
from kymatio.scattering1d.filter_bank import compute_params_filterbank

# Kymatio's constants: the width of the low-pass of length 1, in cycles a sample, and how many of its widths a wavelet's
# band must lie below the highest frequency of its subsampled result.
SIGMA_0, ALPHA = 0.1, 5.0
# Beyond this many widths a bump is below 1e-12 of its height: nothing in float32, even beside a tone that is louder by
# 60 dB.
REACH = 7.5
# How much finer than its bandwidth a wavelet is sampled to sum its modulus; the sum then errs by less than 1e-9.
_OVERSAMPLING = 3
# A sampled filter has a periodic spectrum. These periods of the bump reach the bins that are asked for.
_PERIODS = np.arange(-2, 3)
# A correction at zero frequency that is smaller than this share of the bump is far below rounding.
_NEGLIGIBLE = 1e-25


@dataclass(frozen=True)
class Wavelet:
    """A Morlet wavelet.

    Attributes
    ----------
    xi, sigma : float
        Centre frequency, and standard deviation of the bump in the spectrum, in cycles a sample of the waveform.
    j : int
        Scale: what the wavelet leaves of a signal can be subsampled by 2^j.
    """

    xi: float
    sigma: float
    j: int


def filter_bank(J: int, Q: int) -> tuple[Wavelet, ...]:
    """Return Kymatio's wavelets for scales up to 2^J samples, `Q` an octave, highest frequency first."""
    return tuple(map(Wavelet, *compute_params_filterbank(SIGMA_0 / 2**J, Q, ALPHA)))


def band(wavelet: Wavelet, n_samples: int) -> tuple[int, int]:
    """Return the bins [first, last) of `n_samples` in which a wavelet lies.

    Negative bins are negative frequencies. The band is never wider than the whole circle of `n_samples` bins.
    """
    xi, sigma = wavelet.xi, wavelet.sigma
    # The bump at zero, which gives a Morlet wavelet its zero mean, reaches further down where it is tall enough to
    # count.
    lowest = min(xi - REACH * sigma, -math.sqrt(max((REACH * sigma) ** 2 - xi**2, 0.0)))
    first, last = math.floor(lowest * n_samples), math.ceil((xi + REACH * sigma) * n_samples) + 1
    if last - first >= n_samples:
        first = -(n_samples // 2)
        last = first + n_samples
    return first, last


def morlet(wavelet: Wavelet, n_samples: int, bins: np.ndarray) -> np.ndarray:
    """Return bins of the spectrum of a Morlet wavelet as `kymatio.scattering1d.filter_bank.morlet_1d` defines it.

    The spectrum is a Gaussian bump at `xi`, less as much of the same bump at zero as it takes for a zero mean. It is
    divided by the sum of the modulus in time, so that the convolution with it never exceeds the largest sample.

    Parameters
    ----------
    wavelet : Wavelet
    n_samples : int
        Length of the discrete Fourier transform.
    bins : np.ndarray [dtype=int]
        Which bins; negative ones are negative frequencies.

    Returns
    -------
    np.ndarray [shape=bins.shape, dtype=float64]
    """
    return _unscaled(wavelet, bins / n_samples) / _modulus_sum(wavelet, n_samples)


def envelope(wavelet: Wavelet, frequencies: np.ndarray) -> np.ndarray:
    """Return an upper bound of a wavelet's spectrum at frequencies in cycles a sample.

    It is about one at the centre, and without the notch at zero frequency.
    """
    xi, sigma = wavelet.xi, wavelet.sigma
    return _periodic_bump(xi, sigma, frequencies) + _kappa(wavelet) * _periodic_bump(0.0, sigma, frequencies)


def gaussian(sigma: float, n_samples: int, times: np.ndarray) -> np.ndarray:
    """Return samples in time of Kymatio's low-pass: a Gaussian of sum one on a circle of `n_samples`.

    Parameters
    ----------
    sigma : float
        Width of its spectrum, in cycles a sample.
    n_samples : int
    times : np.ndarray [dtype=int]
        In samples; zero is the centre.

    Returns
    -------
    np.ndarray [shape=times.shape, dtype=float64]
    """
    width = gaussian_width(sigma)
    bump = lambda distances: np.exp(-0.5 * (distances / width) ** 2)
    nearest = (times + n_samples // 2) % n_samples - n_samples // 2
    turns = (nearest + turn * n_samples for turn in (-1, 0, 1))
    # Beyond 39 widths a bump is zero in double precision.
    near = sum((bump(turn) for turn in turns if np.abs(turn).min() < 39 * width), np.zeros(times.shape))
    # A sampled Gaussian sums to its integral as soon as it spans a few samples; a narrow one does not.
    reach = np.arange(-math.ceil(10 * width), math.ceil(10 * width) + 1) if width < 100 else None
    return near / (width * math.sqrt(2 * math.pi) if reach is None else bump(reach).sum())


def gaussian_width(sigma: float) -> float:
    """Return the standard deviation in time, in samples, of the low-pass of spectral width `sigma`."""
    return 1 / (2 * math.pi * sigma)


def _unscaled(wavelet: Wavelet, frequencies: np.ndarray) -> np.ndarray:
    kappa = _kappa(wavelet)
    bump = _periodic_bump(wavelet.xi, wavelet.sigma, frequencies)
    return bump - kappa * _periodic_bump(0.0, wavelet.sigma, frequencies) if kappa > _NEGLIGIBLE else bump


def _periodic_bump(xi: float, sigma: float, frequencies: np.ndarray) -> np.ndarray:
    total, reach = np.zeros(frequencies.shape), 12 * sigma
    for period in _PERIODS:
        distance = frequencies + (period - xi)
        if distance.min() < reach and distance.max() > -reach:
            total += np.exp(distance**2 * (-0.5 / sigma**2))
    return total


def _kappa(wavelet: Wavelet) -> float:
    """Return the share of the bump at zero that gives the wavelet a zero mean."""
    xi, sigma = wavelet.xi, wavelet.sigma
    bump, low = np.exp(-((_PERIODS - xi) ** 2) / (2 * sigma**2)).sum(), np.exp(-(_PERIODS**2) / (2 * sigma**2)).sum()
    return float(bump / low)


def _modulus_sum(wavelet: Wavelet, n_samples: int) -> float:
    """Sum the modulus over time, from as few samples as its smoothness allows."""
    xi, sigma = wavelet.xi, wavelet.sigma
    # A truncated spectrum rings in time, and the sum would include the ringing: truncate where the bump is below
    # rounding.
    first, last = math.floor((xi - 12 * sigma) * n_samples), math.ceil((xi + 12 * sigma) * n_samples) + 1
    width = _OVERSAMPLING * (last - first)
    if width >= n_samples:
        return float(np.abs(scipy.fft.ifft(_unscaled(wavelet, np.arange(n_samples) / n_samples))).sum())
    spectrum = _unscaled(wavelet, np.arange(first, last) / n_samples)
    return float(np.abs(scipy.fft.ifft(spectrum, scipy.fft.next_fast_len(width))).sum())
