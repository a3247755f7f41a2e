"""Autoregressive models of windows of sound, by Levinson and Durbin's recursion or by Burg's, many windows at a time.

A model of order p says x[n] = -(a[1] x[n-1] + … + a[p] x[n-p]) + e[n]; its coefficients (1, a[1], …, a[p]) are the
filter that turns the window into the residual e.
"""

import numpy as np
from scipy import fft

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError

METHODS = ("levinson", "burg")
# What is left of a window's energy when nothing but rounding errors is left of the window.
_NOTHING_LEFT = 1e-12
# Burg's recursion goes over the same samples once an order: a block of a megabyte stays near the processor.
_SAMPLES_AT_A_TIME = 1 << 17


def ar_coefficients(windows: np.ndarray, order: int, method: str = "levinson") -> np.ndarray:
    """Fit an autoregressive model to every window.

    Parameters
    ----------
    windows : np.ndarray [shape=(n_windows, n_samples)]
        No sample may be NaN or infinite; levels do not matter.
    order : int
        p, from 1 to `n_samples` - 1.
    method : {"levinson", "burg"}
        "levinson": the autocorrelation method; the window is zero outside. "burg": forward and backward errors inside
        the window alone.

    Returns
    -------
    np.ndarray [shape=(n_windows, order + 1), dtype=float64]
        1, a[1], …, a[p]. Where a lower order already predicts the window without rest (silence, a constant window under
        "burg"), the coefficients above it are zero: silence gives 1, 0, …, 0. All are finite.

    Raises
    ------
    OptionError
        An order that does not fit the windows, or an unknown method.

    References
    ----------
    Asgharivaskasi et al. (2019), Algorithm 1, by Burg or by Levinson and Durbin.
    Burg: Maximum entropy spectral analysis, 1967. Durbin: The fitting of time-series models, 1960.

    Example
    -------
    >>> noise = np.random.default_rng(0).standard_normal(20000)
    >>> window = np.zeros(20000)
    >>> for n in range(1, 20000):
    ...     window[n] = 0.9 * window[n - 1] + noise[n]
    >>> ar_coefficients(window[None], 1).round(1).tolist()
    [[1.0, -0.9]]
    """
    windows = np.asarray(windows, np.float64)
    check_order(order, windows.shape[1])
    checked_choice("method", method, METHODS)
    if method == "levinson":
        return levinson_durbin(autocorrelation(windows, order))
    step = max(1, _SAMPLES_AT_A_TIME // windows.shape[1])
    return np.concatenate([_burg(windows[start : start + step], order) for start in range(0, len(windows), step)])


def autocorrelation(windows: np.ndarray, n_lags: int) -> np.ndarray:
    """Return the sums of x[n] x[n + lag] of windows (n_windows, n_samples) that are zero outside, by FFT.

    Returns
    -------
    np.ndarray [shape=(n_windows, n_lags + 1), dtype=float64]
        From lag 0 up to `n_lags`.

    Example
    -------
    >>> autocorrelation(np.array([[1.0, 2.0, 3.0]]), 2).round(6).tolist()
    [[14.0, 8.0, 3.0]]
    """
    length = fft.next_fast_len(windows.shape[1] + n_lags, real=True)
    spectrum = fft.rfft(windows, length)
    return fft.irfft(spectrum.real**2 + spectrum.imag**2, length)[:, : n_lags + 1]


def levinson_durbin(autocorrelations: np.ndarray) -> np.ndarray:
    """Solve the normal equations of every row (n_windows, order + 1) for the coefficients (1, a[1], …, a[p]).

    A singular row keeps the coefficients of the highest order that is not singular, with zeros behind.
    """
    coefficients = np.repeat(np.eye(1, autocorrelations.shape[1]), len(autocorrelations), axis=0)
    error, least = autocorrelations[:, 0].copy(), _NOTHING_LEFT * autocorrelations[:, 0]
    for order in range(1, autocorrelations.shape[1]):
        correlated = np.einsum("wk,wk->w", coefficients[:, :order], autocorrelations[:, order:0:-1])
        reflection = _ratio(-correlated, error, least)
        _raise_order(coefficients, reflection, order)
        error *= 1 - reflection**2
    return coefficients


def check_order(order: int, n_samples: int | None = None) -> None:
    """Raise `OptionError` unless windows (of `n_samples`, if known) can have models of this order."""
    if order < 1 or (n_samples is not None and order >= n_samples):
        windows = "windows" if n_samples is None else f"windows of {n_samples} samples"
        cure = "give 1 or more" if n_samples is None else f"give 1 to {n_samples - 1}, or longer windows"
        raise OptionError(f"{windows} have no models of order {order}", field="order", cure=cure)


def _burg(windows: np.ndarray, order: int) -> np.ndarray:
    coefficients = np.repeat(np.eye(1, order + 1), len(windows), axis=0)
    forward, backward = windows[:, 1:].copy(), windows[:, :-1].copy()
    total = 2 * np.einsum("wn,wn->w", windows, windows)
    least = _NOTHING_LEFT * total
    energy = total - windows[:, 0] ** 2 - windows[:, -1] ** 2
    for current in range(1, order + 1):
        reflection = _ratio(-2 * np.einsum("wn,wn->w", forward, backward), energy, least)
        _raise_order(coefficients, reflection, current)
        mixed = reflection[:, None]
        step = mixed * backward
        backward += mixed * forward
        forward += step
        # The energy of what goes on: all of it, less the first forward and the last backward error.
        energy = (1 - reflection**2) * energy - forward[:, 0] ** 2 - backward[:, -1] ** 2
        forward, backward = forward[:, 1:], backward[:, :-1]
    return coefficients


def _ratio(numerator: np.ndarray, denominator: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Return the quotient, and 0 where the denominator is no more than `least`."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > least)


def _raise_order(coefficients: np.ndarray, reflection: np.ndarray, order: int) -> None:
    """Go from the models of `order` - 1 to those of `order`, in place."""
    coefficients[:, 1 : order + 1] += reflection[:, None] * coefficients[:, order - 1 :: -1]
