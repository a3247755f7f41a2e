"""Wavelets in groups: those of one scale are multiplied and transformed together."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mgc_keras.scattering.baseband import Baseband, baseband, half_sample_taps, some_offsets
from mgc_keras.scattering.bridge import low_pass
from mgc_keras.scattering.extents import Extent
from mgc_keras.scattering.filters import envelope
from mgc_keras.scattering.options import ScatteringOptions
from mgc_keras.scattering.wavelets import Wavelets, fold

# Samples of one scale that are computed together: four wavelets of a 30-s clip at 16 kHz, whose eight rows (real and
# imaginary parts) fill the lanes of vector instructions.
LARGEST_BLOCK = 2_300_000


@dataclass(frozen=True)
class SecondScale:
    """A second-order wavelet behind a first-order group: its number, and log2 of the subsampling in all."""

    wavelets: Wavelets | Baseband
    number: int
    subsampling: int


@dataclass(frozen=True)
class Group:
    """Some first-order wavelets of one scale, and what follows them.

    Attributes
    ----------
    wavelets : Wavelets
    numbers : tuple of int
        Their numbers.
    subsampling : int
        Log2 of the subsampling.
    n_bins : int
        How many bins of the modulus' spectrum the second order reads; 0: none.
    taps : np.ndarray [shape=(n_taps,), dtype=float64] or None
        Weights by which the samples between are drawn into those of a `Baseband`.
    second : tuple of SecondScale
        On the same extent.
    beyond : tuple of SecondScale
        Across the bridge.
    """

    wavelets: Wavelets | Baseband
    numbers: tuple[int, ...]
    subsampling: int
    n_bins: int
    taps: np.ndarray | None
    second: tuple[SecondScale, ...]
    beyond: tuple[SecondScale, ...] = ()

    def rows(self) -> list[tuple[int, ...]]:
        """List the wavelets of each row that the group gives, in order."""
        first = [(number,) for number in self.numbers]
        behind = self.second + self.beyond
        return first + [(number, second.number) for second in behind for number in self.numbers]


@dataclass(frozen=True)
class Bank:
    """All wavelets of a transform, (xi, sigma, scale) each, and up to how many samples to compute together."""

    options: ScatteringOptions
    first: list[tuple]
    second: list[tuple]
    largest_block: int

    @property
    def last_scale(self) -> int:
        """The largest scale."""
        return max(scale for _, _, scale in self.first + self.second)


def fast_groups(bank: Bank, short: Extent, long: Extent, scale: int) -> Iterator[Group]:
    """Yield the groups up to a scale, that of the bridge from the short to the long extent."""
    for j1 in sorted({wavelet[2] for wavelet in bank.first if wavelet[2] <= scale}):
        k1 = bank.options.subsampling(j1)
        second = tuple(_second(bank, range(j1 + 1, scale + 1), short.length, k1, k1, quick=True))
        beyond = tuple(_second(bank, range(scale + 1, bank.last_scale + 1), long.length, k1, scale))
        n_bins = max([(short.length >> scale) // 2 + 1 if beyond else 0, *(one.wavelets.n_bins for one in second)])
        taps = _taps(bank, j1, short.length >> k1 + 1, n_bins, scale if beyond else None)
        yield from _groups(bank, j1, short.length, short.length, n_bins, taps, second, beyond)


def slow_groups(bank: Bank, long: Extent, scale: int | None) -> Iterator[Group]:
    """Yield the groups above a scale, which read what came over the bridge; all groups, where there is none."""
    n_signal = long.length >> (scale or 0)
    for j1 in sorted({wavelet[2] for wavelet in bank.first if scale is None or wavelet[2] > scale}):
        k1 = bank.options.subsampling(j1)
        second = tuple(_second(bank, range(j1 + 1, bank.last_scale + 1), long.length, k1, k1))
        n_bins = max([0, *(one.wavelets.n_bins for one in second)])
        yield from _groups(bank, j1, long.length, n_signal, n_bins, None, second, ())


def _groups(
    bank: Bank,
    j1: int,
    n_samples: int,
    n_signal: int,
    n_bins: int,
    taps: np.ndarray | None,
    second: tuple,
    beyond: tuple,
) -> Iterator[Group]:
    """Cut the first-order wavelets of a scale into groups that are not too large; `taps`: at every second sample."""
    numbers = tuple(number for number, wavelet in enumerate(bank.first) if wavelet[2] == j1)
    k1 = bank.options.subsampling(j1)
    length = n_samples >> k1
    together = max(1, bank.largest_block // length)
    for begin in range(0, len(numbers), together):
        some = numbers[begin : begin + together]
        shapes = [bank.first[number][:2] for number in some]
        half = None if taps is None else baseband(shapes, n_samples, length // 2, length / 2 / n_signal)
        wavelets = half or fold(shapes, n_samples, n_signal, length, length / n_signal)
        yield Group(wavelets, some, k1, n_bins, taps if half else None, second, beyond)


def _taps(bank: Bank, j1: int, length: int, n_bins: int, scale: int | None) -> np.ndarray | None:
    """Return the weights by which samples between are drawn into `length` samples, as far as the second order reads."""
    if n_bins > length // 2:
        return None
    frequencies, k1 = some_offsets(length) / length, bank.options.subsampling(j1)
    heights = [np.zeros(len(frequencies))] if scale is None else [low_pass(frequencies * 2.0 ** (scale - k1 - 1))]
    readers = [(xi, sigma) for xi, sigma, j2 in bank.second if j2 > j1] if bank.options.max_order == 2 else []
    heights += [envelope(xi, sigma, frequencies / 2 ** (k1 + 1)) for xi, sigma in readers]
    return half_sample_taps(frequencies, np.minimum(np.max(heights, axis=0), 1.0))


def _second(
    bank: Bank, scales: range, n_samples: int, k1: int, k_signal: int, *, quick: bool = False
) -> Iterator[SecondScale]:
    """Yield second-order wavelets of some scales, for moduli that Kymatio has at 2^k1, and that are given at 2^k_signal.

    `quick`: at every second sample where they are narrow enough.
    """
    if bank.options.max_order == 1:
        return
    for number, (xi, sigma, j2) in enumerate(bank.second):
        if j2 in scales:
            k2 = max(bank.options.subsampling(j2), k1)
            # Where a level of a filter is subsampled, Kymatio takes the mean of its aliases; their sum would keep its
            # height. Hence 2^-k1, beside the 2^-(k2 - k_signal) of the shorter transform.
            height, length = 2.0 ** -(k1 + k2 - k_signal), n_samples >> k2
            half = baseband([(xi, sigma)], n_samples, length // 2, height / 2) if quick else None
            wavelets = half or fold([(xi, sigma)], n_samples, n_samples >> k_signal, length, height)
            yield SecondScale(wavelets, number, k2)
