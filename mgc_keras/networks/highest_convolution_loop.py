"""The inner loops of `highest_convolution`, compiled on first use for each number of filters."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numba
import numpy as np

# What is worked on together: neighbouring places of the map, and taps of the filters. So many sums and factors stay
# near, and each filter that is loaded is used for all places.
PLACES, TAPS = 5, 4
_MAP = "float32[:, ::1]"
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}}


@numba.njit(inline="always", **_OPTIONS)
def _add_products(sums: np.ndarray, filters: np.ndarray, x: np.ndarray, width: int) -> None:
    x0, x1, x2, x3, x4, x5, x6, x7 = x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]
    for n in range(width):
        w0, w1, w2, w3 = filters[n], filters[n + width], filters[n + 2 * width], filters[n + 3 * width]
        y0 = sums[n] + w0 * x0 + w1 * x1 + w2 * x2 + w3 * x3
        y1 = sums[n + width] + w0 * x1 + w1 * x2 + w2 * x3 + w3 * x4
        y2 = sums[n + 2 * width] + w0 * x2 + w1 * x3 + w2 * x4 + w3 * x5
        y3 = sums[n + 3 * width] + w0 * x3 + w1 * x4 + w2 * x5 + w3 * x6
        y4 = sums[n + 4 * width] + w0 * x4 + w1 * x5 + w2 * x6 + w3 * x7
        sums[n], sums[n + width], sums[n + 2 * width] = y0, y1, y2
        sums[n + 3 * width], sums[n + 4 * width] = y3, y4


@lru_cache(maxsize=8)
def highest_of_columns_for(width: int) -> Callable[..., None]:
    """Return `highest_of_columns` for so many filters, a multiple of 16.

    The compiler has to know the width: then it neither asks whether arrays overlap nor handles what is left of a
    vector, and the loops reach what the processor can do. Nothing but the width may be taken from here: by that numba
    finds again what it compiled in an earlier process.
    """

    @numba.njit(f"void({_MAP}, float32[:, :, ::1], int64, {_MAP})", **_OPTIONS)
    def highest_of_columns(padded: np.ndarray, kernel: np.ndarray, n_places: int, highest: np.ndarray) -> None:
        """Convolve a map, and keep the highest of each row's outputs, of which there are `n_places`.

        With filters of even and odd taps e and o, and samples of even and odd columns E and O, E' those behind O, the
        outputs in even columns are eE + oO, those in odd ones eO + oE'. With M = (e + o)O they are M + e(E - O) and
        M + o(E' - O): three sums of products in place of four (Winograd, Arithmetic Complexity of Computations, 1980).

        `padded` (n_rows + n_kernel_rows - 1, n_columns) float32; `kernel` (3, n_kernel_rows, n_taps * width): e + o,
        e and o, n_taps a multiple of `TAPS`; `highest` (n_rows, width) is written.
        """
        n_rows, n_pairs = len(highest), (n_places + 1) // 2
        n_kernel_rows, n_taps = kernel.shape[1], kernel.shape[2] // width
        n_columns = padded.shape[1]
        halves = np.zeros((3, len(padded), n_pairs + n_taps), np.float32)
        for row in range(len(padded)):
            for pair in range(min(n_pairs + n_taps, (n_columns + 1) // 2)):
                even = padded[row, 2 * pair]
                odd = padded[row, 2 * pair + 1] if 2 * pair + 1 < n_columns else np.float32(0)
                behind = padded[row, 2 * pair + 2] if 2 * pair + 2 < n_columns else np.float32(0)
                halves[0, row, pair], halves[1, row, pair], halves[2, row, pair] = odd, even - odd, behind - odd
        # They begin where a line of the cache does, or each vector would touch two.
        room = np.empty(3 * PLACES * width + 16, np.float32)
        begin = -(room.ctypes.data // 4) % 16
        sums = room[begin : begin + 3 * PLACES * width].reshape(3, PLACES * width)
        for row in range(n_rows):
            best = highest[row]
            for tile in range(0, n_pairs, PLACES):
                # The last one overlaps with the one before.
                first = min(tile, n_pairs - PLACES)
                for half in range(3):
                    sums[half] = 0
                    for kernel_row in range(n_kernel_rows):
                        x, filters = halves[half, row + kernel_row], kernel[half, kernel_row]
                        for tap in range(0, n_taps, TAPS):
                            _add_products(sums[half], filters[tap * width :], x[first + tap :], width)
                for place in range(PLACES):
                    at = place * width
                    common, in_even, in_odd = sums[0, at:], sums[1, at:], sums[2, at:]
                    if first + place == 0:
                        for n in range(width):
                            best[n] = common[n] + in_even[n]
                    is_whole = 2 * (first + place) + 1 < n_places
                    for n in range(width):
                        found = max(in_even[n], in_odd[n]) if is_whole else in_even[n]
                        best[n] = max(best[n], common[n] + found)

    return highest_of_columns
