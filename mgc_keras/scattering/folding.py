"""Wavelets as products with half a spectrum, whose result is the spectrum of the subsampled convolution.

Subsampling a signal adds up ("folds") all bins of its spectrum that are a multiple of the new length apart. Here the
product with a wavelet and the folding are one step, on the few bins where the wavelet is not zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mgc_keras.scattering.filters import Wavelet, band, morlet


@dataclass(frozen=True)
class Term:
    """Consecutive bins of a spectrum from `first` on, times real weights (n_wavelets, n_bins), float64.

    With `step` 1 the bins go up. With -1 they go down and are conjugated: they stand for negative frequencies.
    """

    first: int
    step: int
    weights: np.ndarray

    @property
    def end(self) -> int:
        """The highest bin, plus one."""
        return max(self.first, self.first + self.step * (self.weights.shape[1] - 1)) + 1


# Terms of equal length that are added up to give a range of output bins.
TermSum = tuple[Term, ...]


@dataclass(frozen=True)
class FoldedWavelets:
    """Some wavelets of one scale.

    The convolution of a real signal with a wavelet is complex, but its real and its imaginary part are real signals.
    The spectrum of the real part is the signal's times the even half of the wavelet's; that of the imaginary part is
    the signal's times -i and the odd half. So negative frequencies are never stored.

    Attributes
    ----------
    length : int
        Samples of the result.
    even, odd : tuple of TermSum
        One sum for each range of output bins, from bin zero on. Bins behind the last range are zero. `odd` applies to
        the spectrum times -i.
    """

    length: int
    even: tuple[TermSum, ...]
    odd: tuple[TermSum, ...]

    @property
    def n_bins(self) -> int:
        """How many bins of the signal's spectrum are read."""
        return max(term.end for terms in self.even + self.odd for term in terms)


@dataclass(frozen=True)
class _Alias:
    """Input bins origin + step * k, which fall on output bins k from `first` to `last` (included)."""

    first: int
    last: int
    origin: int
    step: int


def fold(wavelets: Sequence[Wavelet], n_samples: int, n_signal: int, length: int, height: float) -> FoldedWavelets:
    """Fold the spectra of wavelets of one scale.

    Parameters
    ----------
    wavelets : sequence of Wavelet
    n_samples, n_signal, length : int
        Length of the padded waveform, of the signal (the waveform or what was subsampled from it), and of the result,
        which divides that.
    height : float
        Factor of all weights.
    """
    even, odd = _halves(wavelets, n_samples, n_signal)
    sums = _term_sums(even * height, length, n_signal)
    # Without negative frequencies both halves are the same, and so can share their memory.
    odd_sums = sums if np.array_equal(even, odd) else _term_sums(odd * height, length, n_signal)
    return FoldedWavelets(length, sums, odd_sums)


def _halves(wavelets: Sequence[Wavelet], n_samples: int, n_signal: int) -> tuple[np.ndarray, np.ndarray]:
    """Return even and odd half of each wavelet on the bins from zero to half of `n_signal`."""
    last = n_signal // 2
    positive, negative = np.zeros((2, len(wavelets), last + 1))
    highest = 0
    for row, wavelet in enumerate(wavelets):
        bins = np.arange(*band(wavelet, n_samples))
        values = morlet(wavelet, n_samples, bins)
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


def _term_sums(half: np.ndarray, length: int, n_signal: int) -> tuple[TermSum, ...]:
    """Cut the output bins 0 … length/2 where the number of aliases that fall on them changes."""
    aliases = _aliases(half.shape[1], length, n_signal)
    borders = sorted({border for alias in aliases for border in (alias.first, alias.last + 1)} | {0})
    sums = []
    for begin, end in pairwise(borders):
        terms = []
        for alias in aliases:
            if alias.first <= begin and end - 1 <= alias.last:
                bins = alias.origin + alias.step * np.arange(begin, end)
                terms.append(Term(int(bins[0]), alias.step, half[:, bins]))
        sums.append(tuple(terms))
    return tuple(sums)


def _aliases(n_bins: int, length: int, n_signal: int) -> list[_Alias]:
    """List which of `n_bins` bins fall on the output bins 0 … length/2."""
    last, aliases = length // 2, []
    for origin in range(0, n_signal + 1, length):
        # Bins origin + k, and bins origin - k, which stand for negative frequencies.
        # The highest bin of all is both, and counts once.
        highest = min(n_bins - 1, n_signal // 2 - (1 if origin else 0)) - origin
        forward = _Alias(0, min(last, highest), origin, 1)
        backward = _Alias(max(0, origin - n_bins + 1), min(last, origin), origin, -1)
        aliases += [alias for alias in (forward, backward)[: 2 if origin else 1] if alias.first <= alias.last]
    return aliases[:1] if length == n_signal else aliases  # at the full rate nothing folds
