"""The inner loop of `kaiser_best`, compiled on first use."""

import numba
import numpy as np

# Outputs whose sums are kept at a time: so few stay in the processor's first cache.
_AT_ONCE = 2048


# The types ask for contiguous arrays: over others the innermost loop is not vectorised, and takes six times as long.
@numba.njit(
    "void(float32[:, ::1], int64[::1], float64[:, :, ::1], float64[:, :, ::1], float64[:, :, ::1], float32[:, ::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def add_up(
    rows: np.ndarray, nearest: np.ndarray, values: np.ndarray, slopes: np.ndarray, beyond: np.ndarray, sums: np.ndarray
) -> None:
    """Add up the weighted samples at both sides of outputs, rounded to float32 after each.

    `rows` (down, n) float32: sample s of the waveform stands in row s % down, column s // down. Output (i, period) is
    `beyond` (2, n_outputs, n_periods) a place of the table further than `values` and `slopes` (n_outputs, 2, n_taps),
    between sample `nearest` (n_outputs,), of the first period, and the one behind it. `sums` (n_outputs, n_periods)
    float32 begin at zero.
    """
    down = len(rows)
    n_outputs, n_periods = sums.shape
    for output in range(n_outputs):
        for start in range(0, n_periods, _AT_ONCE):
            total = sums[output, start : start + _AT_ONCE]
            for side in range(2):
                further = beyond[side, output, start : start + _AT_ONCE]
                for tap in range(values.shape[2]):
                    sample = nearest[output] + 1 + tap if side else nearest[output] - tap
                    samples = rows[sample % down, sample // down + start :]
                    value, slope = values[output, side, tap], slopes[output, side, tap]
                    for period in range(len(total)):
                        total[period] += (value + further[period] * slope) * samples[period]
