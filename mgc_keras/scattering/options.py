"""The parameters of a scattering transform, and the check that they make sense."""

import math
from dataclasses import dataclass

from mgc_keras.errors import OptionError
from mgc_keras.scattering.filters import SIGMA_0, gaussian_width

# What is added to a coefficient before its logarithm is taken, so that silence has one: -120 dB of a full-scale tone.
LOG_FLOOR = 1e-6
# Padding ends after this many standard deviations of the low-pass. With 6.7, for which 655 360 points would suffice at
# J=13 and 30 s, the slowest paths of some music are wrong by 5e-5.
_PAD_REACH = 7.5


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

    @property
    def longest(self) -> int:
        """The longest filter, in samples: 2^J, or T if that is longer."""
        return max(2**self.J, self.T)

    @property
    def reach(self) -> float:
        """How far the longest filter reaches beyond a clip, in samples."""
        return _PAD_REACH * gaussian_width(SIGMA_0 / self.longest)

    @property
    def hop(self) -> int:
        """Samples between frames of the averaged output."""
        return 2 ** max(int(math.log2(self.T)) - self.oversampling, 0)

    def subsampling(self, scale: int) -> int:
        """Return log2 of the subsampling after a wavelet of scale 2^`scale`."""
        most = min(scale, int(math.log2(self.T))) if self.average else scale
        return max(most - self.oversampling, 0)

    def check(self) -> None:
        """Refuse parameters that make no sense.

        Raises
        ------
        OptionError
            A number below its least, or filters that reach further than the clip is long.
        """
        for field, value, least in (
            ("J", self.J, 1),
            ("Q", min(self.Q), 1),
            ("T", self.T, 1),
            ("oversampling", self.oversampling, 0),
        ):
            if value < least or value != int(value):
                raise OptionError(f"{value} makes no sense", field=field, cure=f"use a whole number from {least} on")
        if self.max_order not in (1, 2):
            raise OptionError(f"{self.max_order} is not supported", field="max_order", cure="use 1 or 2")
        reach = math.ceil(self.reach)
        if self.n_samples <= reach:
            largest = math.floor(math.log2(max(self.n_samples, 2) * 2 * math.pi * SIGMA_0 / _PAD_REACH))
            raise OptionError(
                f"filters of {self.longest} samples reach {reach} samples beyond a clip, "
                f"and this one has {self.n_samples}",
                field="J" if self.longest == 2**self.J else "T",
                cure=f"use longer clips, or J up to {largest}" if largest > 0 else "use longer clips",
            )
