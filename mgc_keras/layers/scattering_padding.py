"""How a waveform is padded for a scattering transform: as little as its filters allow, on the grid of Kymatio's samples."""

import math
from dataclasses import dataclass

import scipy.fft
from kymatio.scattering1d.filter_bank import compute_temporal_support, gauss_1d
from kymatio.scattering1d.utils import compute_padding

from mgc_keras.errors import OptionError
from mgc_keras.layers.scattering_filters import gaussian_width

# Kymatio's constant: relative width of the low-pass.
SIGMA_0 = 0.1
# Standard deviations of the low-pass after which padding may end. With 6.7, which would do with 655 360 points for J=13 at
# 30 s, the slowest paths of some music are wrong by 5e-5: those of first-order wavelets of the last few scales, whose own
# reach comes on top. The others are content with less.
PAD_REACH, QUICK_PAD_REACH = 7.5, 6.7


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


def check_options(options: ScatteringOptions) -> None:
    """Raise `OptionError` for options that make no sense, or filters that reach further than a clip is long."""
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
    reach = math.ceil(PAD_REACH * gaussian_width(SIGMA_0 / widest))
    if n_samples <= reach:
        largest = math.floor(math.log2(max(n_samples, 2) * 2 * math.pi * SIGMA_0 / PAD_REACH))
        raise OptionError(
            f"filters of {widest} samples reach {reach} samples beyond a clip, and this one has {n_samples}",
            field="J" if widest == 2**options.J else "T",
            cure=f"use longer clips, or J up to {largest}" if largest > 0 else "use longer clips",
        )


def their_padding(options: ScatteringOptions) -> tuple[int, int]:
    """Return length and left padding in Kymatio, whose samples fix the grid."""
    n_samples = options.n_samples
    support = 3 * compute_temporal_support(gauss_1d(n_samples, SIGMA_0 / options.T).reshape(1, -1), 1e-3)
    n_padded = 2 ** min(math.ceil(math.log2(n_samples + 2 * support)), int(math.log2(3 * n_samples - 2)))
    return n_padded, compute_padding(n_padded, n_samples)[0]


def padding(
    options: ScatteringOptions, their_length: int, their_left: int, pad_reach: float
) -> tuple[int, int]:
    """Return the shortest length that is quick to transform and holds the filters' reach, and its left padding."""
    grid = 2 ** max(options.J, int(math.log2(options.T)))
    reach = pad_reach * gaussian_width(SIGMA_0 / max(2**options.J, options.T))
    n_blocks = scipy.fft.next_fast_len(math.ceil((options.n_samples + 2 * reach) / grid))
    n_padded = n_blocks * grid
    if n_padded >= their_length:
        return their_length, their_left
    even = (n_padded - options.n_samples) // 2
    # On Kymatio's grid: the left padding differs from theirs by a multiple of the coarsest step.
    left = their_left - round((their_left - even) / grid) * grid
    return n_padded, left
