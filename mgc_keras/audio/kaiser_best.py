"""The resampler that librosa took until 0.10: ``kaiser_best`` of resampy 0.2, a long windowed sinc.

Smith, Digital Audio Resampling (Stanford 2002): every output sample is a sum over the input, weighted by a sinc that is
read off a table by linear interpolation. The result is resampy's to the last bit, for which its roundings are kept: it
adds its position up output by output, and the products one after the other in float32, those before the output first.

Positions in the table repeat after few samples (160 where 44.1 kHz becomes 16 kHz), but for what resampy's are off.
Outputs of one position are worked out together. A position that falls on a place of the table, other than on a sample
(11 025 Hz to 16 000 has some), may be found before it or behind: the slope taken is then the following one in both
cases, which moves a weight by less than 1e-8.
"""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

# The filter: zero crossings on a side, places in the table from one to the next, roll-off and the Kaiser window's beta.
_ZEROS, _PLACES, _ROLL_OFF, _BETA = 64, 512, 0.9475937167399596, 14.769656459379492


def kaiser_best_blocks(blocks: Iterator[np.ndarray], native_rate: int, sampling_rate: int) -> Iterator[np.ndarray]:
    """Resample float32 blocks as if they were one waveform; ceil(n * sampling_rate / native_rate) samples come out.

    Outside of the waveform there is silence.

    Example
    -------
    >>> tone = np.sin(np.arange(4410) / 50).astype(np.float32)
    >>> sum(len(block) for block in kaiser_best_blocks(iter([tone[:1000], tone[1000:]]), 44100, 16000))
    1600
    """
    divisor, ratio = math.gcd(native_rate, sampling_rate), sampling_rate / native_rate
    up, down = sampling_rate // divisor, native_rate // divisor
    filters, positions = _filters(up, down), _Positions(up, down, ratio)
    # Whole periods, of which the first begins where the waveform does.
    margin = 1 + -(-filters.values.shape[2] // down)
    held = np.zeros(margin * down, np.float32)
    n_read = n_given = 0
    for block in blocks:
        n_read += len(block)
        held = np.concatenate([held, block])
        # As many periods as lie wholly in what is held.
        n_periods = len(held) // down - 2 * margin
        if n_periods > 0:
            yield _periods(held, margin * down, positions.of(n_periods), filters, down)
            n_given += n_periods * up
            held = held[n_periods * down :]
    # librosa fills up with silence what resampy leaves out.
    n_left, n_silent = int(n_read * ratio) - n_given, math.ceil(n_read * ratio) - int(n_read * ratio)
    if n_left > 0:
        n_periods = -(-n_left // up)
        held = np.concatenate([held, np.zeros((n_periods + 2 * margin) * down, np.float32)])
        yield _periods(held, margin * down, positions.of(n_periods), filters, down)[:n_left]
    if n_silent:
        yield np.zeros(n_silent, np.float32)


class _Positions:
    """Where in the input resampy finds its outputs."""

    def __init__(self, up: int, down: int, ratio: float) -> None:
        self._up, self._down, self._step = up, down, 1.0 / ratio
        self._period, self._at = 0, 0.0

    def of(self, n_periods: int) -> np.ndarray:
        """Return where the outputs of the next periods are found, from the first sample of each; (up, n_periods)."""
        steps = np.full(n_periods * self._up + 1, self._step)
        steps[0] = self._at
        # Adds up one after the other, as resampy does.
        found = np.cumsum(steps)
        first = (self._period + np.arange(n_periods)) * float(self._down)
        self._period, self._at = self._period + n_periods, float(found[-1])
        return np.ascontiguousarray((found[:-1].reshape(n_periods, self._up) - first[:, None]).T)


class _Filters(NamedTuple):
    """The filter at the outputs of a period, and at the first of them once more, found a rounding before its sample.

    Outputs stand behind the samples `nearest` (up + 1,) of the period, or on them. Before and behind an output,
    `places` (2, up + 1) are the nearest sample's in the table, `values` and `slopes` (up + 1, 2, reach) those of all
    samples, nearest first.
    """

    scale: float
    nearest: np.ndarray
    places: np.ndarray
    values: np.ndarray
    slopes: np.ndarray


@lru_cache(maxsize=8)
def _filters(up: int, down: int) -> _Filters:
    scale = min(1.0, up / down)
    step = int(scale * _PLACES)
    n_table = _ZEROS * _PLACES + 1
    table = _ROLL_OFF * np.sinc(np.linspace(0, _ZEROS, n_table) * _ROLL_OFF)
    table *= np.kaiser(2 * n_table - 1, _BETA)[n_table - 1 :]
    table *= scale
    slope = np.append(np.diff(table), 0.0)
    whole, rest = np.divmod(np.arange(up) * down, up)
    nearest, fractions = np.append(whole, -1), np.append(rest / up, 1 - 1e-9)
    places = np.floor(np.stack([scale * fractions, scale - scale * fractions]) * _PLACES).astype(np.int64)
    taps = np.ascontiguousarray(places.T)[:, :, None] + step * np.arange(n_table // step)
    # resampy leaves out what is less than a step before the end.
    reached = taps <= n_table - step
    values, slopes = (np.where(reached, column[np.minimum(taps, n_table - 1)], 0.0) for column in (table, slope))
    return _Filters(scale, nearest, places, values, slopes)


def _periods(held: np.ndarray, start: int, positions: np.ndarray, filters: _Filters, down: int) -> np.ndarray:
    """Return the outputs of the periods of which the first begins at sample `start`."""
    # Only here: numba takes long to import.
    from mgc_keras.audio.kaiser_best_loop import add_up

    rows = np.ascontiguousarray(held[: len(held) // down * down].reshape(-1, down).T)
    sums = np.zeros((len(filters.nearest), positions.shape[1]), np.float32)
    table = filters.places, filters.scale, _PLACES, filters.values, filters.slopes
    add_up(rows, filters.nearest, start, *table, positions, sums)
    return np.where(positions < 0, sums[-1], sums[:-1]).T.reshape(-1)
