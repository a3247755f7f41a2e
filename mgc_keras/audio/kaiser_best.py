"""The resampler that librosa took until 0.10: ``kaiser_best`` of resampy 0.2, a long windowed sinc.

Smith, Digital Audio Resampling (Stanford 2002): every output sample is a sum over the input, weighted by a sinc that is
read off a table by linear interpolation. Positions in the table repeat after few samples (160 where 44.1 kHz becomes 16
kHz), so the weights are worked out once, and the sums are products of matrices.

resampy adds its position up output by output, so that one which falls on a sample of the input is found a rounding
before it or behind. Where samples are lost the two give other weights, since the step from one place in the table to
the next is cut to a whole number: both are worked out, and the sum in float64 says which it is.
"""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from mgc_keras.threads import one_thread

# The filter: zero crossings on a side, places in the table from one to the next, roll-off and the Kaiser window's beta.
_ZEROS, _PLACES, _ROLL_OFF, _BETA = 64, 512, 0.9475937167399596, 14.769656459379492
# Outputs that share a matrix: more make it emptier, fewer make more products.
_TOGETHER = 160


def kaiser_best_blocks(blocks: Iterator[np.ndarray], native_rate: int, sampling_rate: int) -> Iterator[np.ndarray]:
    """Resample float32 blocks as if they were one waveform; ceil(n * sampling_rate / native_rate) samples come out.

    Outside of the waveform there is silence.

    Example
    -------
    >>> tone = np.sin(np.arange(4410) / 50).astype(np.float32)
    >>> sum(len(block) for block in kaiser_best_blocks(iter([tone[:1000], tone[1000:]]), 44100, 16000))
    1600
    """
    divisor = math.gcd(native_rate, sampling_rate)
    up, down = sampling_rate // divisor, native_rate // divisor
    before, after, matrices = _matrices(up, down)
    held = np.zeros(before, np.float32)
    position = _Position(up, down, sampling_rate / native_rate)
    n_read = n_given = 0
    for block in blocks:
        n_read += len(block)
        held = np.concatenate([held, block])
        # As many periods as lie wholly in what is held.
        n_periods = (len(held) - before - after) // down
        if n_periods > 0:
            yield _periods(held, position.are_before(n_periods), up, down, matrices)
            n_given += n_periods * up
            held = held[n_periods * down :]
    ratio = sampling_rate / native_rate
    # librosa fills up with silence what resampy leaves out.
    n_left, n_silent = int(n_read * ratio) - n_given, math.ceil(n_read * ratio) - int(n_read * ratio)
    if n_left > 0:
        n_periods = -(-n_left // up)
        held = np.concatenate([held, np.zeros(max(0, before + after + n_periods * down - len(held)), np.float32)])
        yield _periods(held, position.are_before(n_periods), up, down, matrices)[:n_left]
    if n_silent:
        yield np.zeros(n_silent, np.float32)


class _Position:
    """Where in the input resampy finds its outputs."""

    def __init__(self, up: int, down: int, ratio: float) -> None:
        self._up, self._down, self._step = up, down, 1.0 / ratio
        self._period, self._at = 0, 0.0

    def are_before(self, n_periods: int) -> np.ndarray:
        """Tell of each of the next periods whether its first output is found before its sample; (n_periods,) bool."""
        steps = np.full(n_periods * self._up + 1, self._step)
        steps[0] = self._at
        # Adds up one after the other, as resampy does.
        found = np.cumsum(steps)[:: self._up]
        samples = (self._period + np.arange(n_periods)) * self._down
        self._period, self._at = self._period + n_periods, float(found[-1])
        return found[:-1] < samples


@one_thread()
def _periods(
    held: np.ndarray, are_before: np.ndarray, up: int, down: int, matrices: tuple[tuple[int, np.ndarray], ...]
) -> np.ndarray:
    sums = []
    for first, matrix in matrices:
        frames = np.lib.stride_tricks.sliding_window_view(held[first:], len(matrix))[: len(are_before) * down : down]
        sums.append(np.ascontiguousarray(frames) @ matrix)
    # The last column is the first output found before its sample.
    sums[0][are_before, 0] = sums[0][are_before, -1]
    sums[0] = sums[0][:, :-1]
    return np.concatenate(sums, axis=1).reshape(-1)


@lru_cache(maxsize=8)
def _matrices(up: int, down: int) -> tuple[int, int, tuple[tuple[int, np.ndarray], ...]]:
    """Return the samples needed before and after a period of `down`, and the weights: (first sample, matrix) each."""
    scale = min(1.0, up / down)
    step = int(scale * _PLACES)
    n_table = _ZEROS * _PLACES + 1
    table = _ROLL_OFF * np.sinc(np.linspace(0, _ZEROS, n_table) * _ROLL_OFF)
    table *= np.kaiser(2 * n_table - 1, _BETA)[n_table - 1 :] * scale
    slope = np.append(np.diff(table), 0.0)
    reach = n_table // step + 2

    def side(fraction: float) -> np.ndarray:
        """Weights of the samples at one side, the nearest first."""
        place = fraction * _PLACES
        offset = int(place)
        taps = offset + np.arange((n_table - offset) // step) * step
        return table[taps] + (place - offset) * slope[taps]

    matrices = []
    for start in range(0, up, _TOGETHER):
        outputs = range(start, min(start + _TOGETHER, up))
        first, last = (output * down // up for output in (outputs[0], outputs[-1]))
        places = [divmod(output * down, up) for output in outputs] + [(-1, up)] * (start == 0)
        matrix = np.zeros((last - first + 2 * reach, len(places)))
        for column, (whole, rest) in enumerate(places):
            left, right = side(scale * rest / up), side(scale * (1 - rest / up))
            centre = whole - first + reach
            matrix[centre - len(left) + 1 : centre + 1, column] = left[::-1]
            matrix[centre + 1 : centre + 1 + len(right), column] = right
        matrices.append((first, matrix.astype(np.float32)))
    return reach, reach, tuple(matrices)
