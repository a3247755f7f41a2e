"""What a scattering transform of clips of a given length has to compute: paddings, filters, paths.

The transform is Kymatio's (version 0.3.0), path by path and scale by scale. How it is computed differs: see
`mgc_keras.scattering`.
"""

import math
from dataclasses import dataclass

import numpy as np
from kymatio.scattering1d.utils import compute_border_indices

from mgc_keras.scattering.averaging import Averaging
from mgc_keras.scattering.filters import Wavelet, filter_bank
from mgc_keras.scattering.groups import Group, GroupBuilder
from mgc_keras.scattering.options import ScatteringOptions
from mgc_keras.scattering.padding import Extension, Padding, extension, kymatio_padding, long_padding, short_padding


@dataclass(frozen=True)
class Path:
    """One path of the transform: one row of its output.

    Attributes
    ----------
    order : int
        0, 1 or 2.
    wavelets : tuple of int
        Number of the wavelet of each order, from the highest frequency down.
    frequencies, scales : tuple
        Their centre frequencies, in cycles a sample, and scales j: what each leaves can be subsampled by 2^j.
    height : float
        The factor 2^-k by which Kymatio scales a path that was subsampled by 2^k.
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
    exact : bool
        Compute everything on the long padding and at Kymatio's sampling rates. The default saves time, and its error is
        about 1e-6 of a path.

    Attributes
    ----------
    paths : list of Path
        In the order of the output, which is Kymatio's.
    long, short : Padding, ShortPadding or None
    averaging : dict of Padding to Averaging
    extension : Extension or None
        From the short to the long padding.
    hop, n_frames : int
        Of the averaged output: samples between frames, and how many there are.
    fast, slow : tuple of Group
        On the short padding, and on the long one.
    widths : tuple of float
        Standard deviations of the first-order wavelets' bumps in the spectrum, in cycles a sample.

    Raises
    ------
    OptionError
        The clip is shorter than the filters' reach, or an option makes no sense.
    """

    def __init__(self, options: ScatteringOptions, exact: bool = False) -> None:
        options.check()
        self.options, self.hop = options, options.hop
        kymatio = kymatio_padding(options)
        self.long = long_padding(options, kymatio)
        self._starts, self._ends = compute_border_indices(
            int(math.log2(options.T)), options.J, kymatio.before, kymatio.before + options.n_samples
        )
        self._moved = kymatio.before - self.long.before
        first_frame, last_frame = self.span(int(math.log2(self.hop)))
        self.n_frames = last_frame - first_frame
        first = filter_bank(options.J, options.Q[0])
        second = filter_bank(options.J, options.Q[1]) if options.max_order == 2 else ()
        self.widths = tuple(wavelet.sigma for wavelet in first)
        self.paths = self._paths(first, second)
        self.short = None if exact else short_padding(options, self.long, first, second)
        builder = GroupBuilder(options, first, second)
        self.extension: Extension | None = None
        self.fast: tuple[Group, ...] = ()
        slow, scale = range(builder.n_scales), 0
        paddings: list[Padding] = [self.long]
        if self.short:
            scale = self.short.scale
            self.extension = extension(self.short, self.long, options.n_samples)
            self.fast = tuple(builder.groups(slow[: scale + 1], self.short, self.long))
            slow = slow[scale + 1 :]
            paddings.append(self.short)
        self.slow = tuple(builder.groups(slow, self.long, k_signal=scale))
        frames = np.arange(first_frame, last_frame) * self.hop - self.long.before
        self.averaging = {padding: Averaging(options, padding, frames) for padding in paddings}

    def span(self, subsampling: int) -> tuple[int, int]:
        """Return the clip's first and last (excluded) sample on the long padding, at steps of 2^subsampling."""
        moved = self._moved // 2**subsampling
        return self._starts[subsampling] - moved, self._ends[subsampling] - moved

    @property
    def n_results(self) -> int:
        """How many samples the wavelets' results have at Kymatio's rates; those of an extension count twice."""
        total = 0
        for padding, groups in ((self.short or self.long, self.fast), (self.long, self.slow)):
            for group in groups:
                samples = [padding.length >> follower.subsampling for follower in (group, *group.second)]
                samples += [self.long.length >> follower.subsampling for follower in group.second_extended]
                extended = 2 * self.extension.length if self.extension and group.second_extended else 0
                total += len(group.numbers) * (sum(samples) + extended)
        return total

    def lengths(self) -> list[int]:
        """Return the number of samples of each path without averaging."""
        spans = [self.span(round(-math.log2(path.height))) for path in self.paths[1:]]
        return [self.options.n_samples, *(last - first for first, last in spans)]

    def _paths(self, first: tuple[Wavelet, ...], second: tuple[Wavelet, ...]) -> list[Path]:
        height = lambda psi: 2.0 ** -self.options.subsampling(psi.j)
        return [
            Path(0),
            *(Path(1, (n,), (psi.xi,), (psi.j,), height(psi)) for n, psi in enumerate(first)),
            *(
                Path(2, (n1, n2), (psi1.xi, psi2.xi), (psi1.j, psi2.j), min(height(psi1), height(psi2)))
                for n1, psi1 in enumerate(first)
                for n2, psi2 in enumerate(second)
                if psi2.j > psi1.j
            ),
        ]
