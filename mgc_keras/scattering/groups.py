"""Wavelets in groups: those of one scale are multiplied and transformed together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from mgc_keras.scattering.baseband import BasebandWavelets, baseband, half_sample_filter, sampled_bins
from mgc_keras.scattering.filters import Wavelet, envelope
from mgc_keras.scattering.folding import FoldedWavelets, fold
from mgc_keras.scattering.options import ScatteringOptions
from mgc_keras.scattering.padding import Padding, extension_low_pass

# Samples of one scale that are computed together: four wavelets of a 30-s clip at 16 kHz, whose eight rows (real and
# imaginary parts) fill the lanes of vector instructions. It changes nothing but memory and speed.
_LARGEST_BLOCK = 2_300_000


@dataclass(frozen=True)
class Group:
    """Some wavelets of one scale, and those of the second order that read their moduli.

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
    second : tuple of Group
        Second-order wavelets on the same padding, one a group. Groups whose moduli are read by the same wavelet share
        it, as one object.
    second_extended : tuple of Group
        The slow ones, on the long padding, after the modulus was extended from the short one.
    """

    wavelets: FoldedWavelets | BasebandWavelets
    numbers: tuple[int, ...]
    subsampling: int
    n_bins: int = 0
    decimation: np.ndarray | None = None
    second: tuple["Group", ...] = ()
    second_extended: tuple["Group", ...] = ()


@dataclass(frozen=True)
class Readers:
    """Wavelets of the second order that read the moduli of the same first-order groups.

    Attributes
    ----------
    sources : tuple of int
        The places of those groups among the ones that are computed together.
    groups : tuple of Group
    """

    sources: tuple[int, ...]
    groups: tuple[Group, ...]

    @property
    def n_bins(self) -> int:
        """How many bins of a modulus' spectrum are read."""
        return max(group.wavelets.n_bins for group in self.groups)


def readers(followers: Sequence[tuple[Group, ...]]) -> list[Readers]:
    """Sort the second-order groups that follow each of some first-order ones by whose moduli they read."""
    sources: dict[int, list[int]] = {}
    groups = {id(group): group for followed in followers for group in followed}
    for place, followed in enumerate(followers):
        for group in followed:
            sources.setdefault(id(group), []).append(place)
    together: dict[tuple[int, ...], list[Group]] = {}
    for key, places in sources.items():
        together.setdefault(tuple(places), []).append(groups[key])
    return [Readers(places, tuple(some)) for places, some in together.items()]


@dataclass(frozen=True)
class GroupBuilder:
    """All wavelets of a transform, of both orders; of the second none where only the first is asked for."""

    options: ScatteringOptions
    first: Sequence[Wavelet]
    second: Sequence[Wavelet]
    _shared: dict[tuple[int, int, bool], tuple[int, Group]] = field(default_factory=dict, init=False)

    @property
    def n_scales(self) -> int:
        """The largest scale, plus one."""
        return 1 + max(wavelet.j for wavelet in (*self.first, *self.second))

    def groups(
        self, scales: range, padding: Padding, long: Padding | None = None, *, k_signal: int = 0
    ) -> Iterator[Group]:
        """Yield the groups of the first-order wavelets of some scales, each followed by the slower second order.

        Parameters
        ----------
        scales : range
        padding : Padding
            That of the signal and, up to the last of the scales, of the second order.
        long : Padding or None
            That of the slower wavelets of the second order, for which moduli are extended. With it, wavelets are
            computed at half rate where that is possible.
        k_signal : int
            Log2 of the subsampling of the signal.
        """
        n_samples, last = padding.length, scales.stop - 1
        for j1 in sorted({wavelet.j for wavelet in self.first if wavelet.j in scales}):
            k1 = self.options.subsampling(j1)
            length = n_samples >> k1
            second = tuple(self._second(range(j1 + 1, last + 1), n_samples, k1, at_half_rate=long is not None))
            slower = range(last + 1, self.n_scales)
            extended = tuple(self._second(slower, long.length, last)) if long else ()
            n_bins = max([(n_samples >> last) // 2 + 1 if extended else 0, *(psi2.wavelets.n_bins for psi2 in second)])
            decimation = self._decimation(j1, length // 2, n_bins, last if extended else None) if long else None
            numbers = tuple(number for number, wavelet in enumerate(self.first) if wavelet.j == j1)
            together = max(1, _LARGEST_BLOCK // length)
            for begin in range(0, len(numbers), together):
                some = numbers[begin : begin + together]
                group = [self.first[number] for number in some]
                height = length / n_samples
                half = None if decimation is None else baseband(group, n_samples, length // 2, height / 2)
                wavelets = half or fold(group, n_samples, n_samples >> k_signal, length, height)
                yield Group(wavelets, some, k1, n_bins, decimation if half else None, second, extended)

    def _decimation(self, j1: int, length: int, n_bins: int, scale: int | None) -> np.ndarray | None:
        """Return a filter that decimates moduli to `length` samples, exact in the bands that the second order reads.

        None: the second order reads too many bins, or no short filter is good enough. `scale`: that of the extension,
        where one reads the moduli, too.
        """
        if n_bins > length // 2:
            return None
        frequencies, k1 = sampled_bins(length) / length, self.options.subsampling(j1)
        readers = [wavelet for wavelet in self.second if wavelet.j > j1]
        heights = [np.zeros(len(frequencies)), *(envelope(psi2, frequencies / 2 ** (k1 + 1)) for psi2 in readers)]
        if scale is not None:
            heights.append(extension_low_pass(frequencies * 2.0 ** (scale - k1 - 1)))
        return half_sample_filter(frequencies, np.minimum(np.max(heights, axis=0), 1.0))

    def _second(self, scales: range, n_samples: int, k_signal: int, *, at_half_rate: bool = False) -> Iterator[Group]:
        """Yield the second-order wavelets of some scales, at half rate where that is asked for and possible.

        The moduli that they read are given at steps of 2^k_signal.
        """
        for number, wavelet in enumerate(self.second):
            if wavelet.j in scales:
                key, n_signal = (number, n_samples, at_half_rate), n_samples >> k_signal
                before, known = self._shared.get(key, (0, None))
                # A wavelet that ends below the highest bin is the same for signals of all lengths.
                if known is None or (before != n_signal and known.wavelets.n_bins > n_signal // 2):
                    k2 = self.options.subsampling(wavelet.j)
                    # Kymatio takes the mean of the aliases of a subsampled filter, not their sum, which would keep its
                    # height. Hence 2^-k1 for moduli at steps of 2^k1, beside the 2^-(k2 - k1) of the shorter transform.
                    # An extended modulus is higher by what is missing, `Extension.weights`.
                    height, length = 2.0**-k2, n_samples >> k2
                    half = baseband([wavelet], n_samples, length // 2, height / 2) if at_half_rate else None
                    known = Group(half or fold([wavelet], n_samples, n_signal, length, height), (number,), k2)
                    self._shared[key] = n_signal, known
                yield known
