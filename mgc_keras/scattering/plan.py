"""What a scattering transform of a given length has to compute: extents, filters on the bins that matter, paths.

The transform is Kymatio's (version 0.3.0), path by path, scale by scale; how it gets there is not:

* A wavelet is multiplied in its band alone, straight into the spectrum of the subsampled result.
* The real and the imaginary part of that result are two real signals: the spectrum of a real waveform, times the even
  and the odd half of the wavelet. So all transforms are real ones, negative frequencies are never stored, and the
  modulus reads two contiguous arrays.
* Wavelets that share a scale are transformed together; the longest results at every second sample, which is all that their
  bandwidth needs: `mgc_keras.scattering.baseband`.
* The low-pass is Gaussian, and only one sample in 2^J of its result is kept: a small matrix product in time.
* The waveform itself is transformed in double precision. A loud low tone would otherwise drown what lies 60 dB below it.
* Fast wavelets are computed on little more than the clip, and only what they leave to slow ones is reflected as far as
  those reach: `mgc_keras.scattering.extents`. Both lie on the grid of Kymatio's samples.
"""

import math
from dataclasses import dataclass

import numpy as np
from kymatio.scattering1d.filter_bank import compute_params_filterbank
from kymatio.scattering1d.utils import compute_border_indices

from mgc_keras.scattering.averaging import Averaging
from mgc_keras.scattering.bridge import bridge
from mgc_keras.scattering.extents import kymatio_extent, long_extent, short_extent
from mgc_keras.scattering.groups import LARGEST_BLOCK, Bank, fast_groups, slow_groups
from mgc_keras.scattering.options import ALPHA, SIGMA_0, ScatteringOptions


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


class ScatteringPlan:
    """All constants of a scattering transform.

    Parameters
    ----------
    options : ScatteringOptions
    largest_block : int
        Wavelets of one scale are computed together up to this many samples of their results. It changes nothing but
        memory and speed.
    exact : bool
        Compute everything on the long extent, and every sample by a transform. What is saved otherwise costs some 1e-6 of
        a path.

    Attributes
    ----------
    paths : list of Path
        In the order of the output, which is Kymatio's.
    long, short : Extent, Extent or None
    averaging : dict of Extent to Averaging
    bridge : Bridge or None
        From the short to the long extent.
    hop : int
        Samples between frames of the averaged output.
    n_frames : int
        Of the averaged output.
    fast, slow : tuple of Group
        On the short extent, and on the long one.
    widths : tuple of float
        Of the first-order wavelets' bumps in the spectrum (standard deviations), in cycles a sample.

    Raises
    ------
    OptionError
        The clip is shorter than the filters' reach, or an option makes no sense.
    """

    def __init__(self, options: ScatteringOptions, largest_block: int = LARGEST_BLOCK, exact: bool = False) -> None:
        options.check()
        self.options, self.hop = options, options.hop
        kymatio = kymatio_extent(options)
        self.long = long_extent(options, kymatio)
        log2_T = int(math.log2(options.T))
        self._starts, self._ends = compute_border_indices(
            log2_T, options.J, kymatio.before, kymatio.before + options.n_samples
        )
        self._moved = kymatio.before - self.long.before
        first_frame, last_frame = self.span(int(math.log2(self.hop)))
        self.n_frames = last_frame - first_frame
        sigma_min = SIGMA_0 / 2**options.J
        first, second = (list(zip(*compute_params_filterbank(sigma_min, Q, ALPHA))) for Q in options.Q)
        self.widths = tuple(sigma for _, sigma, _ in first)
        self.paths = self._paths(first, second)
        found = None if exact else short_extent(options, self.long, first, second)
        self.short, scale = found or (None, None)
        self.bridge = bridge(self.short, self.long, options.n_samples, scale) if self.short else None
        bank = Bank(options, first, second, largest_block)
        self.fast = tuple(fast_groups(bank, self.short, self.long, scale)) if self.short else ()
        self.slow = tuple(slow_groups(bank, self.long, scale))
        frames = np.arange(first_frame, last_frame) * self.hop - self.long.before
        extents = [extent for extent in (self.long, self.short) if extent]
        self.averaging = {extent: Averaging(options, extent, frames) for extent in extents}

    def span(self, subsampling: int) -> tuple[int, int]:
        """Return first and last (excluded) sample of the clip on the long extent after subsampling by 2^subsampling."""
        moved = self._moved // 2**subsampling
        return self._starts[subsampling] - moved, self._ends[subsampling] - moved

    def lengths(self) -> list[int]:
        """Return the number of samples of each path without averaging."""
        spans = [self.span(round(-math.log2(path.height))) for path in self.paths[1:]]
        return [self.options.n_samples, *(last - first for first, last in spans)]

    def _paths(self, first: list[tuple], second: list[tuple]) -> list[Path]:
        height = lambda j: 2.0 ** -self.options.subsampling(j)
        paths = [Path(0)] + [Path(1, (n,), (xi,), (j,), height(j)) for n, (xi, _, j) in enumerate(first)]
        if self.options.max_order == 1:
            return paths
        return paths + [
            Path(2, (n1, n2), (xi1, xi2), (j1, j2), min(height(j1), height(j2)))
            for n1, (xi1, _, j1) in enumerate(first)
            for n2, (xi2, _, j2) in enumerate(second)
            if j2 > j1
        ]
