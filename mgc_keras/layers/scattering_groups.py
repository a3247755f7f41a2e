"""Wavelets in groups: those of one scale are multiplied and transformed together."""

from collections.abc import Iterator
from dataclasses import dataclass

from mgc_keras.layers.scattering_extent import Extent
from mgc_keras.layers.scattering_options import ScatteringOptions
from mgc_keras.layers.scattering_wavelets import Wavelets, fold

# Real transforms longer than this fall out of the processor's cache.
LONGEST_TRANSFORM = 400_000
# Samples of one scale that are computed together: four wavelets of a 30-s clip at 16 kHz, whose 16 rows (even and odd samples
# of real and imaginary part) fill the lanes of vector instructions.
LARGEST_BLOCK = 2_300_000


@dataclass(frozen=True)
class SecondScale:
    """A second-order wavelet behind a first-order group: its number, and log2 of the subsampling in all."""

    wavelets: Wavelets
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
    halves : int
        1, or 2 where even and odd samples are computed apart.
    n_bins : int
        How many bins of the modulus' spectrum the second order reads; 0: none.
    second : tuple of SecondScale
        On the same extent.
    beyond : tuple of SecondScale
        Across the bridge.
    """

    wavelets: Wavelets
    numbers: tuple[int, ...]
    subsampling: int
    halves: int
    n_bins: int
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
    n_bins = (short.length >> scale) // 2 + 1
    for j1 in sorted({wavelet[2] for wavelet in bank.first if wavelet[2] <= scale}):
        k1 = bank.options.subsampling(j1)
        second = tuple(_second(bank, range(j1 + 1, scale + 1), short.length, k1, k1))
        beyond = tuple(_second(bank, range(scale + 1, bank.last_scale + 1), long.length, k1, scale))
        yield from _groups(bank, j1, short.length, short.length, second, beyond, n_bins if beyond else 0)


def slow_groups(bank: Bank, long: Extent, scale: int | None) -> Iterator[Group]:
    """Yield the groups above a scale, which read what came over the bridge; all groups, where there is none."""
    n_signal = long.length >> (scale or 0)
    for j1 in sorted({wavelet[2] for wavelet in bank.first if scale is None or wavelet[2] > scale}):
        k1 = bank.options.subsampling(j1)
        second = tuple(_second(bank, range(j1 + 1, bank.last_scale + 1), long.length, k1, k1))
        yield from _groups(bank, j1, long.length, n_signal, second, (), 0)


def _groups(
    bank: Bank, j1: int, n_samples: int, n_signal: int, second: tuple, beyond: tuple, n_bins: int
) -> Iterator[Group]:
    """Cut the first-order wavelets of a scale into groups that are not too large."""
    numbers = tuple(number for number, wavelet in enumerate(bank.first) if wavelet[2] == j1)
    k1 = bank.options.subsampling(j1)
    n_bins = max([n_bins, *(one.wavelets.n_bins for one in second)])
    length = n_samples >> k1
    # The spectrum of all samples is that of the even ones, plus that of the odd ones turned: simple only below
    # the highest frequency that the halves can hold.
    halved = length > LONGEST_TRANSFORM and n_bins <= length // 4 + 1 and (bank.options.hop >> k1) % 2 == 0
    halves = 2 if halved else 1
    together = max(1, bank.largest_block // length)
    length //= halves
    for begin in range(0, len(numbers), together):
        some = numbers[begin : begin + together]
        shapes = [bank.first[number][:2] for number in some]
        wavelets = fold(shapes, n_samples, n_signal, length, length / n_signal)
        yield Group(wavelets, some, k1, halves, n_bins, second, beyond)


def _second(bank: Bank, scales: range, n_samples: int, k1: int, k_signal: int) -> Iterator[SecondScale]:
    """Yield second-order wavelets of some scales, for moduli that Kymatio has at 2^k1, and that are given at 2^k_signal."""
    if bank.options.max_order == 1:
        return
    for number, (xi, sigma, j2) in enumerate(bank.second):
        if j2 in scales:
            k2 = max(bank.options.subsampling(j2), k1)
            # Where a level of a filter is subsampled, Kymatio takes the mean of its aliases; their sum would keep its
            # height. Hence 2^-k1, beside the 2^-(k2 - k_signal) of the shorter transform.
            height = 2.0 ** -(k1 + k2 - k_signal)
            wavelets = fold([(xi, sigma)], n_samples, n_samples >> k_signal, n_samples >> k2, height)
            yield SecondScale(wavelets, number, k2)
