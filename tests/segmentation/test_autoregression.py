"""Autoregressive models against closed forms and peer libraries."""

import librosa
import numpy as np
import pytest
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from mgc_keras.errors import OptionError
from mgc_keras.segmentation.autoregression import (
    METHODS,
    ar_coefficients,
    autocorrelation,
    levinson_durbin,
)

TRUE = np.array([1.0, -1.2, 0.8, -0.3])


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    """Five windows of one process, each at another level."""
    noise = np.random.default_rng(0).standard_normal((5, 6000))
    return lfilter([1.0], TRUE, noise, axis=1) * np.array([[1e-5], [0.1], [1], [30], [1e5]])


def test_autocorrelation_is_the_direct_sum(windows):
    expected = [[window[: len(window) - lag] @ window[lag:] for lag in range(13)] for window in windows]
    np.testing.assert_allclose(autocorrelation(windows, 12), expected, rtol=1e-9, atol=1e-12)
    # Lags behind the window's end are zero, and nothing wraps around.
    np.testing.assert_allclose(autocorrelation(np.array([[1.0, 2.0]]), 4), [[5, 2, 0, 0, 0]], atol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 20])
def test_levinson_solves_the_normal_equations(windows, order):
    found = ar_coefficients(windows, order, "levinson")
    for window, coefficients in zip(windows, found, strict=True):
        r = np.array([window[: len(window) - lag] @ window[lag:] for lag in range(order + 1)])
        np.testing.assert_allclose(coefficients[1:], solve_toeplitz(r[:-1], -r[1:]), rtol=1e-7, atol=1e-9)
    assert (found[:, 0] == 1).all()


@pytest.mark.parametrize("order", [1, 2, 3, 20])
def test_burg_is_librosas(windows, order):
    np.testing.assert_allclose(ar_coefficients(windows, order, "burg"), librosa.lpc(windows, order=order), atol=1e-6)


def test_burg_of_first_order_in_closed_form():
    window = np.array([[1.0, 3.0, -2.0, 0.5]])
    expected = -2 * (1 * 3 + 3 * -2 + -2 * 0.5) / (1 + 2 * 9 + 2 * 4 + 0.25)
    np.testing.assert_allclose(ar_coefficients(window, 1, "burg"), [[1, expected]])


@pytest.mark.parametrize("method", METHODS)
def test_the_true_process_is_recovered_at_every_level(windows, method):
    np.testing.assert_allclose(ar_coefficients(windows, 3, method), np.tile(TRUE, (5, 1)), atol=0.06)


@pytest.mark.parametrize("method", METHODS)
def test_silence_and_constants_have_models(method):
    still = np.stack([np.zeros(500), np.full(500, 0.3), np.full(500, 1e-30), np.cos(np.pi * np.arange(500))])
    found = ar_coefficients(still, 10, method)
    assert np.isfinite(found).all() and np.abs(found).max() < 2.1
    np.testing.assert_array_equal(found[0], [1] + [0] * 10)
    if method == "burg":
        np.testing.assert_allclose(found[1], [1, -1] + [0] * 9, atol=1e-12)
        np.testing.assert_allclose(found[3], [1, 1] + [0] * 9, atol=1e-12)


def test_singular_autocorrelations_keep_the_last_order_that_is_not():
    # A cosine without end: r(l) = cos(w l) is predicted without rest by two coefficients.
    r = np.cos(0.7 * np.arange(9))[None]
    np.testing.assert_allclose(levinson_durbin(r), [[1, -2 * np.cos(0.7), 1] + [0] * 6], atol=1e-9)


@pytest.mark.parametrize(
    ("order", "method", "message"),
    [(0, "burg", "order"), (100, "levinson", "windows of 100 samples"), (4, "yule", "method: 'yule' is unknown")],
)
def test_wrong_options(order, method, message):
    with pytest.raises(OptionError, match=message):
        ar_coefficients(np.ones((2, 100)), order, method)
