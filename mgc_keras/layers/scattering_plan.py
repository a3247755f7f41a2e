"""What a scattering transform of a given length has to compute: padding, filters on the bins that matter, paths.

The transform is Kymatio's (version 0.3.0), path by path, scale by scale; how it gets there is not:

* A wavelet is multiplied in its band alone, straight into the spectrum of the subsampled result.
* The real and the imaginary part of that result are two real signals: the spectrum of a real waveform, times the even
  and the odd half of the wavelet. So all transforms are real ones, negative frequencies are never stored, and the
  modulus reads two contiguous arrays.
* Wavelets that share a scale are transformed together. Signals too long for a fast transform are computed as their even
  and their odd samples.
* The low-pass is Gaussian, and only one sample in 2^J of its result is kept: a small matrix product in time.
* The waveform itself is transformed in double precision. A loud low tone would otherwise drown what lies 60 dB below it.
* A waveform is padded to a multiple of 2^J, as far as filters reach, on the grid of Kymatio's samples, not to a power of
  two.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.fft
from kymatio.scattering1d.filter_bank import (
    compute_params_filterbank,
    compute_temporal_support,
    gauss_1d,
)
from kymatio.scattering1d.utils import compute_border_indices, compute_padding

from mgc_keras.errors import OptionError
from mgc_keras.layers.scattering_filters import gaussian, gaussian_width
from mgc_keras.layers.scattering_wavelets import Wavelets, fold

# Kymatio's constants: relative width of the low-pass, and how far below aliasing a wavelet may be subsampled.
SIGMA_0, ALPHA = 0.1, 5.0
# Standard deviations of the low-pass after which padding may end, and after which it is cut. With 6.7, which would do
# with 655 360 points for J=13 at 30 s, the slowest paths of some music are wrong by 5e-5.
_PAD_REACH, _LOW_PASS_REACH = 7.5, 6.0
# Real transforms longer than this fall out of the processor's cache.
LONGEST_TRANSFORM = 400_000
# Samples of one scale that are computed together: four wavelets of a 30-s clip at 16 kHz.
LARGEST_BLOCK = 2_800_000


@dataclass(frozen=True)
class Path:
    """One path of the transform: one row of its output.

    Attributes
    ----------
    order : int
        0, 1 or 2.
    wavelets : tuple of int
        Number of the wavelet of each order, highest frequency first.
    frequencies : tuple of float
        Their centre frequencies, in cycles a sample.
    scales : tuple of int
        Their scales j: each can be subsampled by 2^j.
    height : float
        Kymatio scales a path that was subsampled by 2^k by this 2^-k.
    """

    order: int
    wavelets: tuple[int, ...] = ()
    frequencies: tuple[float, ...] = ()
    scales: tuple[int, ...] = ()
    height: float = 1.0

    def name(self, sampling_rate: float) -> str:
        """Return a column name such as 'scattering1_440.0hz' or 'scattering2_440.0hz_3.5hz'."""
        return "_".join([f"scattering{self.order}", *(f"{value * sampling_rate:.4g}hz" for value in self.frequencies)])


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
    """

    wavelets: Wavelets
    numbers: tuple[int, ...]
    subsampling: int
    halves: int
    n_bins: int
    second: tuple[SecondScale, ...]


@dataclass(frozen=True)
class ScatteringOptions:
    """The parameters of a scattering transform; see `mgc_keras.layers.scattering.Scattering`."""

    n_samples: int
    J: int
    Q: tuple[int, int]
    T: int
    max_order: int = 2
    average: bool = True
    oversampling: int = 0


class ScatteringPlan:
    """All constants of a scattering transform.

    Parameters
    ----------
    options : ScatteringOptions
    largest_block : int
        Wavelets of one scale are computed together up to this many samples of their results. It changes nothing but
        memory and speed.

    Attributes
    ----------
    paths : list of Path
        In the order of the output, which is Kymatio's.
    pad : tuple of int
        Reflected samples before and behind the waveform.
    n_padded : int
    hop : int
        Samples between frames of the averaged output.
    n_frames : int
        Of the averaged output.
    groups : tuple of Group
    widths : tuple of float
        Of the first-order wavelets' bumps in the spectrum (standard deviations), in cycles a sample.

    Raises
    ------
    OptionError
        The clip is shorter than the filters' reach, or an option makes no sense.
    """

    def __init__(self, options: ScatteringOptions, largest_block: int = LARGEST_BLOCK) -> None:
        self.options = options
        _check(options)
        log2_T = int(math.log2(options.T))
        self.hop = 2 ** max(log2_T - options.oversampling, 0)
        their_length, their_left = _their_padding(options)
        self.n_padded, left = _padding(options, their_length, their_left)
        self.pad = (left, self.n_padded - options.n_samples - left)
        self._starts, self._ends = compute_border_indices(log2_T, options.J, their_left, their_left + options.n_samples)
        self._moved = their_left - left
        first_frame, last_frame = self.span(int(math.log2(self.hop)))
        self.n_frames = last_frame - first_frame
        sigma_min = SIGMA_0 / 2**options.J
        first, second = (list(zip(*compute_params_filterbank(sigma_min, Q, ALPHA))) for Q in options.Q)
        self.widths = tuple(sigma for _, sigma, _ in first)
        self.paths = self._paths(first, second)
        self.groups = tuple(self._groups(first, second, largest_block))

    def span(self, subsampling: int) -> tuple[int, int]:
        """Return first and last (excluded) sample of the clip in the padded signal after subsampling by 2^subsampling."""
        moved = self._moved // 2**subsampling
        return self._starts[subsampling] - moved, self._ends[subsampling] - moved

    def lengths(self) -> list[int]:
        """Return the number of samples of each path without averaging."""
        spans = [self.span(round(-math.log2(path.height))) for path in self.paths[1:]]
        return [self.options.n_samples, *(last - first for first, last in spans)]

    def low_pass(self, subsampling: int) -> np.ndarray:
        """Return the part of each sample of a block in the frames around it.

        Returns
        -------
        np.ndarray [shape=(hop / 2^subsampling, n_neighbours), dtype=float64]
            Row: position in the block; column d: the frame at the start of the block that is `neighbours[d]` blocks on.
        """
        times = self.neighbours * self.hop - np.arange(0, self.hop, 2**subsampling)[:, None]
        return gaussian(SIGMA_0 / self.options.T, self.n_padded, times)

    @property
    def neighbours(self) -> np.ndarray:
        """How many blocks on the frames lie that a block has part in, (n_neighbours,) int."""
        reach = math.ceil(_LOW_PASS_REACH * gaussian_width(SIGMA_0 / self.options.T) / self.hop)
        n_blocks = self.n_padded // self.hop
        if 2 * reach + 2 > n_blocks:
            return np.arange(n_blocks) - n_blocks // 2
        return np.arange(-reach, reach + 2)

    def gathered(self) -> np.ndarray:
        """Return which (block, neighbour), as a flat index, each frame adds up: (n_frames, n_neighbours) int."""
        n_blocks, neighbours = self.n_padded // self.hop, self.neighbours
        first, last = self.span(int(math.log2(self.hop)))
        blocks = (np.arange(first, last)[:, None] - neighbours) % n_blocks
        return blocks * len(neighbours) + np.arange(len(neighbours))

    def _paths(self, first: list[tuple], second: list[tuple]) -> list[Path]:
        height = lambda j: 2.0 ** -self._subsampling(j)
        paths = [Path(0)] + [Path(1, (n,), (xi,), (j,), height(j)) for n, (xi, _, j) in enumerate(first)]
        if self.options.max_order == 1:
            return paths
        return paths + [
            Path(2, (n1, n2), (xi1, xi2), (j1, j2), min(height(j1), height(j2)))
            for n1, (xi1, _, j1) in enumerate(first)
            for n2, (xi2, _, j2) in enumerate(second)
            if j2 > j1
        ]

    def _groups(self, first: list[tuple], second: list[tuple], largest_block: int) -> list[Group]:
        groups = []
        for scale in sorted({wavelet[2] for wavelet in first}):
            numbers = tuple(number for number, wavelet in enumerate(first) if wavelet[2] == scale)
            k1 = self._subsampling(scale)
            seconds = tuple(self._second(second, scale, k1)) if self.options.max_order == 2 else ()
            n_bins = max((one.wavelets.n_bins for one in seconds), default=0)
            length = self.n_padded >> k1
            # The spectrum of all samples is that of the even ones, plus that of the odd ones turned: simple only below
            # the highest frequency that the halves can hold.
            halved = length > LONGEST_TRANSFORM and n_bins <= length // 4 + 1 and (self.hop >> k1) % 2 == 0
            halves = 2 if halved else 1
            together = max(1, largest_block // length)
            length //= halves
            height = length / self.n_padded
            for begin in range(0, len(numbers), together):
                some = numbers[begin : begin + together]
                shapes = [first[number][:2] for number in some]
                wavelets = fold(shapes, self.n_padded, self.n_padded, length, height)
                groups.append(Group(wavelets, some, k1, halves, n_bins, seconds))
        return groups

    def _second(self, second: list[tuple], scale: int, k1: int) -> Iterator[SecondScale]:
        for number, (xi, sigma, j) in enumerate(second):
            if j > scale:
                k2 = max(self._subsampling(j), k1)
                # Where a level of a filter is subsampled, Kymatio takes the mean of its aliases; their sum would keep its
                # height. Hence 2^-k1, beside the 2^-(k2 - k1) of the shorter transform.
                length, height = self.n_padded >> k2, 2.0**-k2
                wavelets = fold([(xi, sigma)], self.n_padded, self.n_padded >> k1, length, height)
                yield SecondScale(wavelets, number, k2)

    def _subsampling(self, scale: int) -> int:
        """Return log2 of the subsampling behind a wavelet of this scale."""
        most = min(scale, int(math.log2(self.options.T))) if self.options.average else scale
        return max(most - self.options.oversampling, 0)


def _check(options: ScatteringOptions) -> None:
    for field, value, least in (
        ("J", options.J, 1),
        ("Q", min(options.Q), 1),
        ("T", options.T, 1),
        ("oversampling", options.oversampling, 0),
    ):
        if value < least or value != int(value):
            raise OptionError(f"{value} makes no sense", field=field, cure=f"use a whole number from {least} on")
    if options.max_order not in (1, 2):
        raise OptionError(f"{options.max_order} is not supported", field="max_order", cure="use 1 or 2")
    n_samples, widest = options.n_samples, max(2**options.J, options.T)
    reach = math.ceil(_PAD_REACH * gaussian_width(SIGMA_0 / widest))
    if n_samples <= reach:
        largest = math.floor(math.log2(max(n_samples, 2) * 2 * math.pi * SIGMA_0 / _PAD_REACH))
        raise OptionError(
            f"filters of {widest} samples reach {reach} samples beyond a clip, and this one has {n_samples}",
            field="J" if widest == 2**options.J else "T",
            cure=f"use longer clips, or J up to {largest}" if largest > 0 else "use longer clips",
        )


def _their_padding(options: ScatteringOptions) -> tuple[int, int]:
    """Return length and left padding in Kymatio, whose samples fix the grid."""
    n_samples = options.n_samples
    support = 3 * compute_temporal_support(gauss_1d(n_samples, SIGMA_0 / options.T).reshape(1, -1), 1e-3)
    n_padded = 2 ** min(math.ceil(math.log2(n_samples + 2 * support)), int(math.log2(3 * n_samples - 2)))
    return n_padded, compute_padding(n_padded, n_samples)[0]


def _padding(options: ScatteringOptions, their_length: int, their_left: int) -> tuple[int, int]:
    """Return the shortest length that is quick to transform and holds the filters' reach, and its left padding."""
    grid = 2 ** max(options.J, int(math.log2(options.T)))
    reach = _PAD_REACH * gaussian_width(SIGMA_0 / max(2**options.J, options.T))
    n_blocks = scipy.fft.next_fast_len(math.ceil((options.n_samples + 2 * reach) / grid))
    n_padded = n_blocks * grid
    if n_padded >= their_length:
        return their_length, their_left
    even = (n_padded - options.n_samples) // 2
    # On Kymatio's grid: the left padding differs from theirs by a multiple of the coarsest step.
    left = their_left - round((their_left - even) / grid) * grid
    return n_padded, left
