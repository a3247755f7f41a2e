"""How far a clip is reflected at its ends before it is transformed, and how little of that must be computed.

Wavelets are symmetric, and so is a clip that is reflected at its ends. Beyond an end, the modulus after a wavelet is
then the reflection of the modulus before that end. So fast wavelets need little more padding than they reach
themselves (the short padding). Only slow wavelets need a reflection as long as the low-pass (the long padding), and
they need it at few samples: `Extension` takes the subsampled signal from the short padding to the long one.

Subsampling does not reflect. Kymatio keeps the samples of one grid throughout, and since a modulus is not quite
limited to any band, other samples would have slightly other spectra. Where the reflected samples fall between those of
the grid, the short padding therefore holds computed samples for a while beyond the end, until the low-pass has become
negligible.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.special
from kymatio.scattering1d.filter_bank import compute_temporal_support, gauss_1d
from kymatio.scattering1d.utils import compute_padding

from mgc_keras.scattering.filters import SIGMA_0, Wavelet, gaussian_width
from mgc_keras.scattering.options import ScatteringOptions

# A wavelet ends after this many standard deviations in time, at 2e-11 of its height.
_WAVELET_REACH = 7.0
# The low-pass of an extension leaves this share of the bins unchanged. No slow wavelet lies in the others.
_PASSBAND = 0.7
# Standard deviations of the Gaussian that rounds that low-pass off, on either side of its slope: 4e-11 remain.
_SLOPE_REACH = 6.5
# Computed samples go on for this many standard deviations of the low-pass, where reflected ones fall between the
# grid's.
_COMPUTED_REACH = 2.5
# A short padding is used where it is shorter than this share of the long one.
_WORTHWHILE = 0.9


@dataclass(frozen=True)
class Padding:
    """A padded clip: a circle of samples that holds the clip and its reflections at both ends.

    Attributes
    ----------
    length, before : int
        Samples of the circle, and of those the ones before the clip. The other samples of the padding follow the clip.
    valid : (int, int) or None
        The first and the last time, in samples from the start of the clip, whose samples are used as computed. At other
        times the reflected sample of the clip is used instead. None: all samples are used as computed.
    """

    length: int
    before: int
    valid: tuple[int, int] | None = None

    def sides(self, n_samples: int) -> tuple[int, int]:
        """Return how many samples to reflect before and after a clip of `n_samples`."""
        return self.before, self.length - n_samples - self.before


@dataclass(frozen=True, kw_only=True)
class ShortPadding(Padding):
    """The padding for fast wavelets, those up to 2^`scale`; some of its samples are not used as computed."""

    valid: tuple[int, int]
    scale: int


def kymatio_padding(options: ScatteringOptions) -> Padding:
    """Return Kymatio's padding, whose samples define the grid of frames and of subsampling."""
    n_samples = options.n_samples
    support = 3 * compute_temporal_support(gauss_1d(n_samples, SIGMA_0 / options.T).reshape(1, -1), 1e-3)
    length = 2 ** min(math.ceil(math.log2(n_samples + 2 * support)), int(math.log2(3 * n_samples - 2)))
    return Padding(length, compute_padding(length, n_samples)[0])


def long_padding(options: ScatteringOptions, kymatio: Padding) -> Padding:
    """Return the shortest padding that is quick to transform and holds the reach of all filters."""
    grid = 2 ** max(options.J, int(math.log2(options.T)))
    n_blocks = scipy.fft.next_fast_len(math.ceil((options.n_samples + 2 * options.reach) / grid))
    length = n_blocks * grid
    if length >= kymatio.length:
        return kymatio
    centred = (length - options.n_samples) // 2
    # On Kymatio's grid, the number of samples before the clip differs from Kymatio's by a multiple of the coarsest
    # step.
    return Padding(length, kymatio.before - round((kymatio.before - centred) / grid) * grid)


def short_padding(
    options: ScatteringOptions, long: Padding, first: Sequence[Wavelet], second: Sequence[Wavelet]
) -> ShortPadding | None:
    """Return a padding for the fast wavelets, on the grid of the long one; None where it would not be much shorter."""
    if not options.average or options.oversampling:
        return None  # every sample is asked for, or samples are not sparse enough for an extension to pay
    candidates = []
    for scale in range(2, min(options.J, int(math.log2(options.T)))):
        padding = _padding_up_to(options, long, scale, _margin(scale, first, second))
        if max(padding.sides(options.n_samples)) < options.n_samples:
            candidates.append(padding)
    # Of equally short ones the largest scale: its extension has the fewest samples.
    best = min(candidates, key=lambda short: (short.length, -short.scale), default=None)
    return best if best and best.length <= _WORTHWHILE * long.length else None


def _padding_up_to(options: ScatteringOptions, long: Padding, scale: int, margin: int) -> ShortPadding:
    """Return a padding whose valid samples are right, as long as wavelets reach no further than the margin."""
    hop, last = options.hop, options.n_samples - 1
    computed = math.ceil(_COMPUTED_REACH * gaussian_width(SIGMA_0 / options.T))
    # The reflection of time t is -t at the start and 2 * last - t at the end.
    before = 0 if 2 * long.before % 2**scale == 0 else computed
    after = 0 if 2 * (long.before + last) % 2**scale == 0 else computed
    start = margin + before + (long.before - margin - before) % hop
    length = hop * scipy.fft.next_fast_len(math.ceil((start + last + 1 + after + margin) / hop))
    # Samples that the rounding of the length adds are valid, too.
    valid = (margin - start if before else 0, length - start - margin - 1 if after else last)
    return ShortPadding(length, start, valid=valid, scale=scale)


def _margin(scale: int, first: Sequence[Wavelet], second: Sequence[Wavelet]) -> int:
    """Return how far the wavelets up to a scale, and what follows them, reach beyond the clip, in samples."""
    first_reach, second_reach = (
        max((_WAVELET_REACH * gaussian_width(psi.sigma) for psi in wavelets if psi.j <= scale), default=0.0)
        for wavelets in (first, second)
    )
    slope = (1 - _PASSBAND) * 2.0 ** -(scale + 1)
    extension_reach = _WAVELET_REACH * gaussian_width(slope / (2 * _SLOPE_REACH))
    crossfade_reach = _WAVELET_REACH * 2.0**scale
    after = max(second_reach + crossfade_reach, extension_reach if second else 0.0)
    return math.ceil(max(first_reach + after, extension_reach))


def crossfade(times: np.ndarray, valid: tuple[int, int], subsampling: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of samples beside their reflections, at the start and at the end of the valid samples.

    A sharp cut would fall between two samples of a subsampled signal. A Gaussian one, a sample wide, is summed exactly
    (to 3e-9) wherever the samples lie.

    The weights, of samples at `times` from the start of the clip and 2^subsampling apart, are 0 where only the
    reflection is used, 1 where only the sample is. `valid` is as in `Padding`.
    """
    step = 2.0**subsampling
    return scipy.special.ndtr((times - valid[0]) / step), scipy.special.ndtr((valid[1] - times) / step)


def extension_low_pass(frequencies: np.ndarray) -> np.ndarray:
    """Return how much of each frequency, in cycles a sample of the extended signal, passes an extension."""
    return scipy.special.ndtr(2 * _SLOPE_REACH * ((1 + _PASSBAND) / 2 - 2 * frequencies) / (1 - _PASSBAND))


@dataclass(frozen=True)
class Extension:
    """How a signal's spectrum on the short padding becomes samples on the long one, subsampled by 2^scale.

    The reflected samples of a subsampled signal lie between its samples, unless the clip's length happens to fit. They
    are computed in the spectrum, by a shift in time.

    Attributes
    ----------
    scale : int
    length : int
        Samples on the short padding.
    stretches : tuple of (int, slice)
        By how many samples, before subsampling, the signal is advanced, and which samples of that are taken. Joined,
        they are the signal on the long padding: reflected, as computed, reflected.
    """

    scale: int
    length: int
    stretches: tuple[tuple[int, slice], ...]

    @property
    def n_bins(self) -> int:
        """How many bins of the spectrum are read."""
        return self.length // 2 + 1

    @property
    def shifts(self) -> list[int]:
        """The different shifts of the stretches."""
        return sorted({shift for shift, _ in self.stretches})

    def weights(self) -> np.ndarray:
        """Return the factors, (n_shifts, n_bins), of a spectrum: a low-pass, flat where slow wavelets are, and a shift.

        They are the same for every signal: one that is subsampled by 2^k comes out 2^(scale - k) times as high.
        """
        phases = np.array(self.shifts)[:, None] * np.arange(self.n_bins)
        passed = extension_low_pass(np.arange(self.n_bins) / self.length)
        return passed * np.exp(2j * np.pi / (self.length << self.scale) * phases)


def extension(short: ShortPadding, long: Padding, n_samples: int) -> Extension:
    """Return the extension of a clip of `n_samples` from the short padding to the long one."""
    step = 2**short.scale
    begin = -(-(long.before + short.valid[0]) // step)  # the first valid sample
    end = (long.before + short.valid[1]) // step + 1  # the first after the last valid one

    def reflected(origin: int, first: int, last: int) -> tuple[int, slice]:
        # Samples from `first` to `last` (excluded) are those at the origin less their places.
        stop = origin // step - last
        return origin % step, slice(origin // step - first, stop if stop >= 0 else None, -1)

    # A sample before the clip, at -t, is the one at t; one after it, at t, the one at 2 (n - 1) - t.
    origin = long.before + short.before
    advance = (long.before - short.before) // step
    before, inside = reflected(origin, 0, begin), (0, slice(begin - advance, end - advance))
    after = reflected(origin + 2 * (n_samples - 1), end, long.length >> short.scale)
    return Extension(short.scale, short.length >> short.scale, (before, inside, after))
