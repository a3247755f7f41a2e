"""The inner loops of `on_scipy`, compiled on first use: one pass over memory where NumPy takes many."""

import numba
import numpy as np

# Contraction lets the compiler use one instruction for a product and a sum.
_compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
# Samples of a signal that are worked on at a time: so few stay in the processor's first cache.
_AT_ONCE = 1024
# Weights of a filter whose products are added up before the sum is stored.
_TOGETHER = 8


@_compiled
def baseband_products(
    spectra: np.ndarray, zero: int, centres: np.ndarray, above: np.ndarray, below: np.ndarray, rows: np.ndarray
) -> None:
    """Fill half spectra, `rows` (2 * n, n_bins): of real parts, and under them of imaginary parts.

    `spectra` are (n, n_all) or (1, n_all), with bin zero in column `zero`; `centres` are (1,) or (n,); `above` and
    `below`, (1 or n, 2 * n_weights), are as in `BasebandWavelets`, but each weight stands there twice.
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
def _filter(signal: np.ndarray, first: int, weights: np.ndarray, result: np.ndarray) -> None:
    """Filter samples from `first` - n_weights / 2 + 1 on; zero beyond the ends."""
    n_weights, n = len(weights), len(result)
    begin = first - n_weights // 2 + 1
    if begin >= 0 and begin + n_weights - 1 + n <= len(signal):
        for group in range(0, n_weights, _TOGETHER):
            w = weights[group : group + _TOGETHER]
            w0, w1, w2, w3, w4, w5, w6, w7 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
            x = signal[begin + group : begin + group + n + _TOGETHER]
            if group == 0:
                for i in range(n):
                    result[i] = (w0 * x[i] + w1 * x[i + 1] + w2 * x[i + 2] + w3 * x[i + 3]) + (
                        w4 * x[i + 4] + w5 * x[i + 5] + w6 * x[i + 6] + w7 * x[i + 7]
                    )
            else:
                for i in range(n):
                    result[i] += (w0 * x[i] + w1 * x[i + 1] + w2 * x[i + 2] + w3 * x[i + 3]) + (
                        w4 * x[i + 4] + w5 * x[i + 5] + w6 * x[i + 6] + w7 * x[i + 7]
                    )
        return
    for i in range(n):
        total = weights[0] * 0
        for k in range(n_weights):
            place = begin + i + k
            if 0 <= place < len(signal):
                total += weights[k] * signal[place]
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
def moduli(signals: np.ndarray, weights: np.ndarray, at_samples: np.ndarray, at_midpoints: np.ndarray) -> None:
    """Fill the modulus of samples, and of the midpoints to the next ones, both (n, n_samples).

    `signals`, (2 * n, n_samples), are real parts, and under them imaginary parts. `weights`, a multiple of eight, are
    those of the filter that interpolates midpoints.
    """
    n, n_samples = at_samples.shape
    reals, imaginaries = np.empty(_AT_ONCE, signals.dtype), np.empty(_AT_ONCE, signals.dtype)
    for row in range(n):
        real, imaginary = signals[row], signals[n + row]
        for first in range(0, n_samples, _AT_ONCE):
            last = min(first + _AT_ONCE, n_samples)
            a, b = reals[: last - first], imaginaries[: last - first]
            _modulus(real[first:last], imaginary[first:last], at_samples[row, first:last])
            _filter(real, first, weights, a)
            _filter(imaginary, first, weights, b)
            _modulus(a, b, at_midpoints[row, first:last])


@_compiled
def decimate(signals: np.ndarray, midpoints: np.ndarray, weights: np.ndarray, result: np.ndarray) -> None:
    """Fill the sum of samples and of the midpoints, interpolated at the samples; all (n, n_samples)."""
    n, n_samples = signals.shape
    filtered = np.empty(_AT_ONCE, signals.dtype)
    for row in range(n):
        for first in range(0, n_samples, _AT_ONCE):
            last = min(first + _AT_ONCE, n_samples)
            some = filtered[: last - first]
            _filter(midpoints[row], first - 1, weights, some)
            x, target = signals[row, first:last], result[row, first:last]
            for i in range(last - first):
                target[i] = x[i] + some[i]
