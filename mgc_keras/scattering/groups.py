"""Wavelets in groups: those of one scale are multiplied and transformed together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mgc_keras.scattering.baseband import BasebandWavelets, baseband, half_sample_filter, sampled_bins
from mgc_keras.scattering.filters import Wavelet, envelope
from mgc_keras.scattering.folding import FoldedWavelets, fold
from mgc_keras.scattering.options import ScatteringOptions
from mgc_keras.scattering.padding import Padding, ShortPadding, extension_low_pass

# Samples of one scale that are computed together: four wavelets of a 30-s clip at 16 kHz, whose eight rows (real and
# imaginary parts) fill the lanes of vector instructions.
LARGEST_BLOCK = 2_300_000


@dataclass(frozen=True)
class SecondOrder:
    """One second-order wavelet after a group of first-order ones.

    Attributes
    ----------
    wavelets : FoldedWavelets or BasebandWavelets
    number : int
        Its number, from the highest frequency down.
    subsampling : int
        Log2 of the subsampling of its result.
    """

    wavelets: FoldedWavelets | BasebandWavelets
    number: int
    subsampling: int


@dataclass(frozen=True)
class Group:
    """Some first-order wavelets of one scale, and the second-order wavelets that follow them.

    Attributes
    ----------
    wavelets : FoldedWavelets or BasebandWavelets
    numbers : tuple of int
        Their numbers, from the highest frequency down.
    subsampling : int
        Log2 of the subsampling of their result.
    n_bins : int
        How many bins of the modulus' spectrum the second order reads; 0: none.
    decimation : np.ndarray [shape=(n_weights,), dtype=float64] or None
        The filter that moves the midpoints of `BasebandWavelets` onto the samples.
    second : tuple of SecondOrder
        Those on the same padding.
    second_extended : tuple of SecondOrder
        The slow ones, on the long padding, after the modulus was extended from the short one.
    """

    wavelets: FoldedWavelets | BasebandWavelets
    numbers: tuple[int, ...]
    subsampling: int
    n_bins: int
    decimation: np.ndarray | None
    second: tuple[SecondOrder, ...]
    second_extended: tuple[SecondOrder, ...] = ()

    def rows(self) -> list[tuple[int, ...]]:
        """List the numbers of the wavelets of each row that the group gives, in order."""
        first = [(number,) for number in self.numbers]
        second = self.second + self.second_extended
        return first + [(number, psi2.number) for psi2 in second for number in self.numbers]


@dataclass(frozen=True)
class GroupBuilder:
    """All wavelets of a transform, and up to how many samples of their results to compute together."""

    options: ScatteringOptions
    first: Sequence[Wavelet]
    second: Sequence[Wavelet]
    largest_block: int

    def fast(self, short: ShortPadding, long: Padding) -> Iterator[Group]:
        """Yield the groups of wavelets up to the scale of the short padding."""
        length, scale = short.length, short.scale
        for j1 in self._scales(0, scale):
            k1 = self.options.subsampling(j1)
            second = tuple(self._second(range(j1 + 1, scale + 1), length, k1, k1, at_half_rate=True))
            extended = tuple(self._second(range(scale + 1, self._last_scale + 1), long.length, k1, scale))
            n_bins = max([(length >> scale) // 2 + 1 if extended else 0, *(psi2.wavelets.n_bins for psi2 in second)])
            decimation = self._decimation(j1, length >> k1 + 1, n_bins, scale if extended else None)
            yield from self._groups(j1, length, length, n_bins, decimation, second, extended)

    def slow(self, short: ShortPadding | None, long: Padding) -> Iterator[Group]:
        """Yield the groups of the other wavelets, which read the extended signal; without a short padding, all."""
        scale = short.scale if short else 0
        for j1 in self._scales(scale + 1 if short else 0, self._last_scale):
            k1 = self.options.subsampling(j1)
            second = tuple(self._second(range(j1 + 1, self._last_scale + 1), long.length, k1, k1))
            n_bins = max([0, *(psi2.wavelets.n_bins for psi2 in second)])
            yield from self._groups(j1, long.length, long.length >> scale, n_bins, None, second, ())

    @property
    def _last_scale(self) -> int:
        return max(wavelet.j for wavelet in (*self.first, *self.second))

    def _scales(self, lowest: int, highest: int) -> list[int]:
        """Return the scales of first-order wavelets in a range that includes both ends."""
        return sorted({wavelet.j for wavelet in self.first if lowest <= wavelet.j <= highest})

    def _groups(
        self,
        j1: int,
        n_samples: int,
        n_signal: int,
        n_bins: int,
        decimation: np.ndarray | None,
        second: tuple[SecondOrder, ...],
        extended: tuple[SecondOrder, ...],
    ) -> Iterator[Group]:
        """Cut the first-order wavelets of a scale into groups, at half rate where `decimation` is given."""
        numbers = tuple(number for number, wavelet in enumerate(self.first) if wavelet.j == j1)
        k1 = self.options.subsampling(j1)
        length = n_samples >> k1
        together = max(1, self.largest_block // length)
        for begin in range(0, len(numbers), together):
            some = numbers[begin : begin + together]
            group = [self.first[number] for number in some]
            half = None if decimation is None else baseband(group, n_samples, length // 2, length / 2 / n_signal)
            wavelets = half or fold(group, n_samples, n_signal, length, length / n_signal)
            yield Group(wavelets, some, k1, n_bins, decimation if half else None, second, extended)

    def _decimation(self, j1: int, length: int, n_bins: int, scale: int | None) -> np.ndarray | None:
        """Return a filter that decimates moduli to `length` samples, exact in the bands that the second order reads.

        None: the second order reads too many bins, or no short filter is good enough. `scale`: that of the extension,
        where one reads the moduli, too.
        """
        if n_bins > length // 2:
            return None
        frequencies, k1 = sampled_bins(length) / length, self.options.subsampling(j1)
        heights = (
            [np.zeros(len(frequencies))]
            if scale is None
            else [extension_low_pass(frequencies * 2.0 ** (scale - k1 - 1))]
        )
        readers = [wavelet for wavelet in self.second if wavelet.j > j1] if self.options.max_order == 2 else []
        heights += [envelope(wavelet, frequencies / 2 ** (k1 + 1)) for wavelet in readers]
        return half_sample_filter(frequencies, np.minimum(np.max(heights, axis=0), 1.0))

    def _second(
        self, scales: range, n_samples: int, k1: int, k_signal: int, *, at_half_rate: bool = False
    ) -> Iterator[SecondOrder]:
        """Yield the second-order wavelets of some scales.

        Kymatio has the moduli that they read at steps of 2^k1; here they are given at steps of 2^k_signal.
        `at_half_rate`: as `BasebandWavelets` where that is possible.
        """
        if self.options.max_order == 1:
            return
        for number, wavelet in enumerate(self.second):
            if wavelet.j in scales:
                k2 = max(self.options.subsampling(wavelet.j), k1)
                # Kymatio takes the mean of the aliases of a subsampled filter, not their sum, which would keep its
                # height. Hence 2^-k1, beside the 2^-(k2 - k_signal) of the shorter transform.
                height, length = 2.0 ** -(k1 + k2 - k_signal), n_samples >> k2
                half = baseband([wavelet], n_samples, length // 2, height / 2) if at_half_rate else None
                wavelets = half or fold([wavelet], n_samples, n_samples >> k_signal, length, height)
                yield SecondOrder(wavelets, number, k2)
