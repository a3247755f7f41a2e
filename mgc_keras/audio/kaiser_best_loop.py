"""The inner loop of `kaiser_best`, compiled on first use."""

import numba
import numpy as np

# Outputs whose sums are kept at a time: so few stay in the processor's first cache.
_AT_ONCE = 2048


# The types ask for contiguous arrays: over others the innermost loop is not vectorised, and takes six times as long.
@numba.njit(
    "void(float32[:, ::1], int64[::1], int64, int64[:, ::1], float64, float64, float64[:, :, ::1], float64[:, :, ::1], "
    "float64[:, ::1], float32[:, ::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def add_up(
    rows: np.ndarray,
    nearest: np.ndarray,
    start: int,
    places: np.ndarray,
    scale: float,
    n_places: float,
    values: np.ndarray,
    slopes: np.ndarray,
    positions: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Add up the weighted samples at both sides of outputs, rounded to float32 after each.

    `rows` (down, n) float32: sample s of the waveform stands in row s % down, column s // down, and period p begins
    with sample `start` + p * down. Output (i, p) stands at `positions` (n_positions, n_periods), row i % n_positions,
    of its period, between sample `nearest` (n_outputs,) and the one behind it, each `scale` * `n_places` of the
    filter's table apart, and its sides begin at `places` (2, n_outputs) of `values` and `slopes` (n_outputs, 2,
    n_taps). `sums` (n_outputs, n_periods) float32 begin at zero.
    """
    down = len(rows)
    n_outputs, n_periods = sums.shape
    beyond = np.empty(_AT_ONCE)
    for output in range(n_outputs):
        for first in range(0, n_periods, _AT_ONCE):
            total = sums[output, first : first + _AT_ONCE]
            at = positions[output % len(positions), first : first + _AT_ONCE]
            for side in range(2):
                place = places[side, output]
                for period in range(len(total)):
                    distance = scale * (at[period] - nearest[output])
                    beyond[period] = (scale - distance if side else distance) * n_places - place
                for tap in range(values.shape[2]):
                    sample = start + nearest[output] + (1 + tap if side else -tap)
                    samples = rows[sample % down, sample // down + first :]
                    value, slope = values[output, side, tap], slopes[output, side, tap]
                    for period in range(len(total)):
                        total[period] += (value + beyond[period] * slope) * samples[period]
