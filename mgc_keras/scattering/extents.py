"""How far a clip is reflected at its ends before it is transformed, and how little of that must be computed.

Wavelets are symmetric, and so is a clip that is reflected at its ends: the modulus behind any wavelet is, there, the
reflection of the modulus inside. So fast wavelets need little more padding than they reach themselves (the short
extent), and only for the slow ones, on a small share of the samples, is anything reflected as far as the low-pass
reaches (the long extent).

One thing does not reflect: which samples subsampling keeps. Kymatio's lie on one grid throughout, and a modulus is not
quite limited to any band. Where the reflected samples fall between those of the grid, real ones go on for a while behind
the end of the clip, until the low-pass is so small that it does not matter.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.special
from kymatio.scattering1d.filter_bank import compute_temporal_support, gauss_1d
from kymatio.scattering1d.utils import compute_padding

from mgc_keras.scattering.filters import gaussian_width
from mgc_keras.scattering.options import SIGMA_0, ScatteringOptions

# Standard deviations, in time, after which a wavelet has ended: 2e-11 of its height.
_WAVELET_REACH = 7.0
# Of the bins that a bridge can hold, the share that it leaves as they are: no slow wavelet lies in the others.
FLAT = 0.7
# Standard deviations of the bump that rounds a bridge off, on either side of its slope: 4e-11.
ROUND = 6.5
# Standard deviations of the low-pass for which real samples go on, where reflected ones fall between the grid's.
_REAL_REACH = 2.5
# A short extent below this share of the long one is worth its trouble.
_WORTH = 0.9


@dataclass(frozen=True)
class Extent:
    """A circle of samples that holds a clip, and its reflection at both ends.

    Attributes
    ----------
    length : int
    before : int
        Samples before the clip; the others follow it.
    own : (int, int) or None
        From when to when, in samples from the start of the clip, samples count themselves; before and after, samples of
        the clip count as their reflections. None: all count themselves.
    """

    length: int
    before: int
    own: tuple[int, int] | None = None

    def pad(self, n_samples: int) -> tuple[int, int]:
        """Return how many samples to reflect before and behind a clip of `n_samples`."""
        return self.before, self.length - n_samples - self.before


def kymatio_extent(options: ScatteringOptions) -> Extent:
    """Return Kymatio's padding, whose samples fix the grid of frames and of subsampling."""
    n_samples = options.n_samples
    support = 3 * compute_temporal_support(gauss_1d(n_samples, SIGMA_0 / options.T).reshape(1, -1), 1e-3)
    length = 2 ** min(math.ceil(math.log2(n_samples + 2 * support)), int(math.log2(3 * n_samples - 2)))
    return Extent(length, compute_padding(length, n_samples)[0])


def long_extent(options: ScatteringOptions, kymatio: Extent) -> Extent:
    """Return the shortest extent that is quick to transform and holds the reach of all filters."""
    grid = 2 ** max(options.J, int(math.log2(options.T)))
    n_blocks = scipy.fft.next_fast_len(math.ceil((options.n_samples + 2 * options.reach) / grid))
    length = n_blocks * grid
    if length >= kymatio.length:
        return kymatio
    even = (length - options.n_samples) // 2
    # On Kymatio's grid: the padding before the clip differs from theirs by a multiple of the coarsest step.
    return Extent(length, kymatio.before - round((kymatio.before - even) / grid) * grid)


def short_extent(
    options: ScatteringOptions, long: Extent, first: Sequence[tuple], second: Sequence[tuple]
) -> tuple[Extent, int] | None:
    """Return an extent for the fast wavelets, and the largest scale of those; None: it would not be shorter by much.

    Parameters
    ----------
    options : ScatteringOptions
    long : Extent
        For the slow wavelets; the short one lies on its grid.
    first, second : sequence of (xi, sigma, scale)
        The wavelets of both orders.
    """
    if not options.average or options.oversampling:
        return None  # samples are asked for, not averages; or nothing is subsampled enough to be worth it
    found = []
    for scale in range(2, min(options.J, int(math.log2(options.T)))):
        extent = _short(options, long, scale, _margin(options, scale, first, second))
        if max(extent.pad(options.n_samples)) < options.n_samples:
            # Among extents of one length the coarsest bridge: it has the fewest samples.
            found.append((extent.length, -scale, extent))
    if not found or min(length for length, _, _ in found) > _WORTH * long.length:
        return None
    _, scale, extent = min(found, key=lambda one: one[:2])
    return extent, -scale


def _short(options: ScatteringOptions, long: Extent, scale: int, margin: int) -> Extent:
    """Return an extent whose own samples are computed right, as long as wavelets reach no further than the margin."""
    hop, last = options.hop, options.n_samples - 1
    real = math.ceil(_REAL_REACH * gaussian_width(SIGMA_0 / options.T))
    # The reflection of time t is -t at the start and 2 * last - t at the end.
    before = 0 if 2 * long.before % 2**scale == 0 else real
    behind = 0 if 2 * (long.before + last) % 2**scale == 0 else real
    start = margin + before + (long.before - margin - before) % hop
    length = hop * scipy.fft.next_fast_len(math.ceil((start + last + 1 + behind + margin) / hop))
    # What is left over is made use of.
    own = (margin - start if before else 0, length - start - margin - 1 if behind else last)
    return Extent(length, start, own)


def _margin(options: ScatteringOptions, scale: int, first: Sequence[tuple], second: Sequence[tuple]) -> int:
    """Return how far the fast wavelets, those up to a scale, and what follows them reach beyond the clip."""
    reaches = [
        max((_WAVELET_REACH * gaussian_width(sigma) for _, sigma, j in wavelets if j <= scale), default=0.0)
        for wavelets in (first, second if options.max_order == 2 else ())
    ]
    behind = max(reaches[1] + fade_reach(scale), bridge_reach(scale) if options.max_order == 2 else 0.0)
    return math.ceil(max(reaches[0] + behind, bridge_reach(scale)))


def bridge_reach(scale: int) -> float:
    """Return how far the low-pass of a bridge to 2^scale reaches, in samples."""
    slope = (1 - FLAT) * 2.0 ** -(scale + 1)
    return _WAVELET_REACH * gaussian_width(slope / (2 * ROUND))


def fade_reach(subsampling: int) -> float:
    """Return how far `fade` reaches beyond a clip, in samples."""
    return _WAVELET_REACH * 2.0**subsampling


def fade(times: np.ndarray, own: tuple[int, int], subsampling: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how much a sample counts beside its reflection, before and behind the clip.

    A sharp cut would fall between two samples of a subsampled signal; a Gaussian one, a sample wide, is summed exactly (to
    3e-9) wherever the samples lie.

    Parameters
    ----------
    times : np.ndarray
        In samples from the start of the clip.
    own : (int, int)
        As in `Extent`.
    subsampling : int
        Log2 of the step between samples.

    Returns
    -------
    np.ndarray, np.ndarray [shape=times.shape]
        0 where the reflection counts alone, 1 where the sample does.
    """
    step = 2.0**subsampling
    return scipy.special.ndtr((times - own[0]) / step), scipy.special.ndtr((own[1] - times) / step)
