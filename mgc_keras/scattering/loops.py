"""Loops of the scattering transform on arrays, compiled on first use: one pass over memory where NumPy takes many."""

import numba
import numpy as np

# Contraction: a product and a sum in one instruction.
_compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
# Samples that stay in the processor's first cache.
_AT_ONCE = 1024
# Taps whose products are added up before the sum is stored.
_TOGETHER = 8


@_compiled
def basebands(
    spectra: np.ndarray, zero: int, centres: np.ndarray, above: np.ndarray, below: np.ndarray, rows: np.ndarray
) -> None:
    """Fill half spectra, (2 * n, n_bins): of real parts, and under them of imaginary parts.

    Parameters
    ----------
    spectra : np.ndarray [shape=(n, n_all) or (1, n_all), dtype=complex]
    zero : int
        The column of bin zero.
    centres : np.ndarray [shape=(1,) or (n,), dtype=int]
    above, below : np.ndarray [shape=(1 or n, 2 * n_weights), dtype=float]
        As in `Baseband`, each weight twice.
    rows : np.ndarray [shape=(2 * n, n_bins), dtype=complex]
    """
    n, n_weights = len(rows) // 2, above.shape[1] // 2
    for row in range(n):
        spectrum, wavelet = spectra[row if len(spectra) > 1 else 0], row if len(centres) > 1 else 0
        upper = spectrum[zero + centres[wavelet] :]
        lower = spectrum[zero - centres[wavelet] :]
        up, down = above[wavelet], below[wavelet]
        real, imaginary = rows[row], rows[n + row]
        for place in range(n_weights):
            first, second = upper[place], lower[place]
            a, b = first.real * up[2 * place], first.imag * up[2 * place]
            c, d = second.real * down[2 * place], second.imag * down[2 * place]
            real[place] = complex(a + c, b + d)
            imaginary[place] = complex(b - d, c - a)
        real[n_weights:] = 0
        imaginary[n_weights:] = 0


@_compiled
def _filter(signal: np.ndarray, first: int, taps: np.ndarray, result: np.ndarray) -> None:
    """Filter samples from `first` - n_taps / 2 + 1 on; zero beyond the ends."""
    n_taps, n = len(taps), len(result)
    begin = first - n_taps // 2 + 1
    if begin >= 0 and begin + n_taps - 1 + n <= len(signal):
        for group in range(0, n_taps, _TOGETHER):
            t = taps[group : group + _TOGETHER]
            t0, t1, t2, t3, t4, t5, t6, t7 = t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]
            x = signal[begin + group : begin + group + n + _TOGETHER]
            if group == 0:
                for i in range(n):
                    result[i] = (t0 * x[i] + t1 * x[i + 1] + t2 * x[i + 2] + t3 * x[i + 3]) + (
                        t4 * x[i + 4] + t5 * x[i + 5] + t6 * x[i + 6] + t7 * x[i + 7]
                    )
            else:
                for i in range(n):
                    result[i] += (t0 * x[i] + t1 * x[i + 1] + t2 * x[i + 2] + t3 * x[i + 3]) + (
                        t4 * x[i + 4] + t5 * x[i + 5] + t6 * x[i + 6] + t7 * x[i + 7]
                    )
        return
    for i in range(n):
        total = taps[0] * 0
        for tap in range(n_taps):
            place = begin + i + tap
            if 0 <= place < len(signal):
                total += taps[tap] * signal[place]
        result[i] = total


@_compiled
def modulus(signals: np.ndarray, result: np.ndarray) -> None:
    """Fill the modulus (n, n_samples) of signals (2 * n, n_samples): real parts, and under them imaginary parts."""
    for row in range(len(result)):
        _modulus(signals[row], signals[len(result) + row], result[row])


@_compiled
def _modulus(real: np.ndarray, imaginary: np.ndarray, result: np.ndarray) -> None:
    for i in range(len(result)):
        result[i] = np.sqrt(real[i] * real[i] + imaginary[i] * imaginary[i])


@_compiled
def moduli(signals: np.ndarray, taps: np.ndarray, own: np.ndarray, between: np.ndarray) -> None:
    """Fill the modulus of samples, and of what is halfway to the next ones.

    Parameters
    ----------
    signals : np.ndarray [shape=(2 * n, n_samples), dtype=float]
        Real parts, and under them imaginary parts.
    taps : np.ndarray [shape=(n_taps,), dtype=float]
        A multiple of eight.
    own, between : np.ndarray [shape=(n, n_samples), dtype=float]
    """
    n, n_samples = own.shape
    reals, imaginaries = np.empty(_AT_ONCE, signals.dtype), np.empty(_AT_ONCE, signals.dtype)
    for row in range(n):
        real, imaginary = signals[row], signals[n + row]
        for first in range(0, n_samples, _AT_ONCE):
            last = min(first + _AT_ONCE, n_samples)
            a, b = reals[: last - first], imaginaries[: last - first]
            _modulus(real[first:last], imaginary[first:last], own[row, first:last])
            _filter(real, first, taps, a)
            _filter(imaginary, first, taps, b)
            _modulus(a, b, between[row, first:last])


@_compiled
def draw_in(signals: np.ndarray, between: np.ndarray, taps: np.ndarray, whole: np.ndarray) -> None:
    """Fill the sum of signals and of those between, interpolated halfway between themselves; all (n, n_samples)."""
    n, n_samples = signals.shape
    filtered = np.empty(_AT_ONCE, signals.dtype)
    for row in range(n):
        for first in range(0, n_samples, _AT_ONCE):
            last = min(first + _AT_ONCE, n_samples)
            some = filtered[: last - first]
            _filter(between[row], first - 1, taps, some)
            x, goal = signals[row, first:last], whole[row, first:last]
            for i in range(last - first):
                goal[i] = x[i] + some[i]
