"""Wavelets as products with the half spectrum of a real signal, folded into the spectrum of the subsampled result."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mgc_keras.scattering.filters import band, morlet


@dataclass(frozen=True)
class Term:
    """Bins `first`, `first` + `step`, … of a spectrum, conjugated where `step` is -1, times weights.

    Attributes
    ----------
    first, step : int
    weights : np.ndarray [shape=(n_wavelets, n_bins), dtype=float64]
    """

    first: int
    step: int
    weights: np.ndarray

    @property
    def end(self) -> int:
        """The highest bin, plus one."""
        return max(self.first, self.first + self.step * (self.weights.shape[1] - 1)) + 1


Run = tuple[Term, ...]


@dataclass(frozen=True)
class Wavelets:
    """Some wavelets of one scale.

    The convolution of a real signal with a wavelet is complex, but its real and its imaginary part are real signals: the
    even half of the wavelet's spectrum times that of the signal is the spectrum of the one, the odd half, times -i, that
    of the other. So no negative frequency is ever stored.

    Attributes
    ----------
    length : int
        Samples of the result.
    even, odd : tuple of Run
        The output bins from zero on, cut into runs: in each run some terms are added up. `odd` is meant for the spectrum
        times -i.
    """

    length: int
    even: tuple[Run, ...]
    odd: tuple[Run, ...]

    @property
    def n_bins(self) -> int:
        """How many bins of the signal's spectrum are read."""
        return max(term.end for run in self.even + self.odd for term in run)


def fold(shapes: Sequence[tuple[float, float]], n_samples: int, n_signal: int, length: int, height: float) -> Wavelets:
    """Fold the spectra of wavelets of one scale to `length` samples.

    Parameters
    ----------
    shapes : sequence of (float, float)
        Centre frequency and width of each wavelet, in cycles a sample of the waveform.
    n_samples : int
        Length of the padded waveform.
    n_signal : int
        Length of the signal, which is the waveform or what was subsampled from it.
    length : int
        Length of the result; divides `n_signal`.
    height : float
        Factor of everything.

    Returns
    -------
    Wavelets
    """
    even, odd = _halves(shapes, n_samples, n_signal)
    runs = _runs(even * height, length, n_signal)
    # Without negative frequencies both halves are the same, and so can share their memory.
    return Wavelets(length, runs, runs if np.array_equal(even, odd) else _runs(odd * height, length, n_signal))


def _halves(shapes: Sequence[tuple[float, float]], n_samples: int, n_signal: int) -> tuple[np.ndarray, np.ndarray]:
    """Return even and odd half of each wavelet on the bins from zero to half of `n_signal`."""
    last = n_signal // 2
    positive, negative = np.zeros((2, len(shapes), last + 1))
    highest = 0
    for row, (xi, sigma) in enumerate(shapes):
        bins = np.arange(*band(xi, sigma, n_samples))
        values = morlet(xi, sigma, n_samples, bins)
        bins = (bins + last) % n_signal - last  # now from -last to last
        np.add.at(positive[row], bins[bins >= 0], values[bins >= 0])
        np.add.at(negative[row], -bins[bins < 0], values[bins < 0])
        # Zero and the highest bin are their own negatives.
        negative[row, 0] = positive[row, 0]
        if n_signal % 2 == 0:
            both = positive[row, last] + negative[row, last]
            positive[row, last] = negative[row, last] = both
        highest = max(highest, int(np.abs(bins).max()))
    positive, negative = positive[:, : highest + 1], negative[:, : highest + 1]
    return (positive + negative) / 2, (positive - negative) / 2


def _runs(half: np.ndarray, length: int, n_signal: int) -> tuple[Run, ...]:
    """Cut the output bins 0 … length/2 where the number of aliases that fall on them changes."""
    n_bins, last = half.shape[1], length // 2
    aliases = []
    for turn in range(n_signal // length + 1):
        # Bins turn * length + k, and those that are turn * length - k and stand for negative frequencies.
        # The highest bin of all is both, and counts once.
        highest = min(n_bins - 1, n_signal // 2 - (1 if turn else 0)) - turn * length
        forward = (0, min(last, highest), turn * length, 1)
        backward = (max(0, turn * length - n_bins + 1), min(last, turn * length), turn * length, -1)
        aliases += [alias for alias in (forward, backward)[: 2 if turn else 1] if alias[0] <= alias[1]]
    if length == n_signal:
        aliases = aliases[:1]  # nothing folds
    borders = sorted({border for first, final, _, _ in aliases for border in (first, final + 1)} | {0})
    runs = []
    for begin, end in pairwise(borders):
        run = []
        for first, final, origin, step in aliases:
            if first <= begin and end - 1 <= final:
                bins = origin + step * np.arange(begin, end)
                run.append(Term(int(bins[0]), step, half[:, bins]))
        runs.append(tuple(run))
    return tuple(runs)
