"""The spectral error measure against residuals that are really computed."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

from mgc_keras.audio.files import read_waveform
from mgc_keras.segmentation.autoregression import METHODS, ar_coefficients
from mgc_keras.segmentation.spectral_error import residual_errors, spectral_error_matrix

RATE = 22050


def double_loop(windows: np.ndarray, order: int, method: str, n_lags: int, with_power: bool) -> np.ndarray:
    """Filter every window with every model, and sum what the definition says."""
    filters = ar_coefficients(windows, order, method)
    residuals = [
        [lfilter(one, [1.0], np.concatenate([window, np.zeros(order)]).astype(np.float64)) for window in windows]
        for one in filters
    ]
    errors = np.zeros((len(windows), len(windows)))
    for i in range(len(windows)):
        own = np.dot(residuals[i][i], residuals[i][i])
        for j in range(len(windows)):
            residual = residuals[i][j]
            power = np.dot(residual, residual)
            shares = [np.dot(residual[lag:], residual[:-lag]) / power for lag in range(1, n_lags + 1)]
            errors[i, j] = 2 * sum(share**2 for share in shares) + (own / power - 1) ** 2 * with_power
    return errors


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("clip", ["classical/1.mp3", "rock/19.mp3"])
def test_the_matrix_is_a_plain_double_loop_on_real_music(shared_data: Path, clip: str, method: str):
    waveform = read_waveform(shared_data / "audio" / "emotify" / clip, RATE, duration=8.0)
    windows = waveform[: 8 * RATE].reshape(8, RATE)
    for order, n_lags, with_power in ((40, 40, True), (10, 25, False)):
        found = spectral_error_matrix(windows, order, method, n_lags=n_lags, with_power=with_power)
        expected = double_loop(windows, order, method, n_lags, with_power)
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_window_is_near_itself_and_far_from_others_in_real_music(shared_data: Path):
    for clip in ("classical/3.mp3", "electronic/4.mp3", "pop/12.mp3", "rock/48.mp3"):
        waveform = read_waveform(shared_data / "audio" / "emotify" / clip, RATE, duration=20.0)
        errors = spectral_error_matrix(waveform[: 20 * RATE].reshape(20, RATE))
        assert np.diag(errors).mean() < 0.1
        assert np.diag(errors).mean() < 0.1 * np.median(errors)


def test_noise_under_its_own_model_is_white():
    noise = np.random.default_rng(0).standard_normal((4, RATE))
    coloured = lfilter([1.0], [1.0, -0.9, 0.5], noise, axis=1)
    errors = spectral_error_matrix(coloured, order=2, n_lags=20)
    # Each of 20 squared correlations of white noise is 1 / n on average, and counts twice.
    assert np.diag(errors).mean() == pytest.approx(40 / RATE, rel=0.5)


def test_first_order_processes_in_closed_form():
    # Under the model of white noise a process of first order stays as it is: correlations c^l, power 1 / (1 - c²).
    noise = np.random.default_rng(0).standard_normal((2, 400_000))
    c = 0.6
    windows = np.stack([noise[0], lfilter([1.0], [1.0, -c], noise[1])])
    errors = spectral_error_matrix(windows, order=1, n_lags=30)
    assert errors[0, 1] == pytest.approx(((1 - c**2) - 1) ** 2 + 2 * c**2 / (1 - c**2), rel=0.02)
    # The other way round: white noise filtered by 1 - c z^-1 has power 1 + c² and one correlation, -c / (1 + c²).
    assert errors[1, 0] == pytest.approx((1 / (1 + c**2) - 1) ** 2 + 2 * (c / (1 + c**2)) ** 2, rel=0.02)
    assert abs(errors[0, 1] - errors[1, 0]) > 0.5


def test_levels_count_only_with_power():
    noise = np.random.default_rng(0).standard_normal((2, 5000)) * np.array([[1.0], [0.1]])
    assert spectral_error_matrix(noise, 4)[0, 1] == pytest.approx(99**2, rel=0.2)
    assert spectral_error_matrix(noise, 4)[1, 0] == pytest.approx(0.99**2, rel=0.01)
    same_level = spectral_error_matrix(noise * np.array([[1.0], [10.0]]), 4, with_power=False)
    np.testing.assert_allclose(spectral_error_matrix(noise, 4, with_power=False), same_level, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_silence_is_far_from_music_and_near_silence(method):
    windows = np.zeros((4, 3000))
    windows[1] = lfilter([1.0], [1.0, -0.9], np.random.default_rng(0).standard_normal(3000))
    windows[3] = 0.5
    for with_power in (True, False):
        errors = spectral_error_matrix(windows, 10, method, with_power=with_power)
        assert np.isfinite(errors).all() and (errors >= 0).all()
        assert errors[0, 0] == errors[0, 2] == errors[2, 0] == errors[2, 2] == 0
        assert (errors[0, 1] + errors[1, 0]) / 2 > 0.4
    assert spectral_error_matrix(windows, 10, method)[1, 0] == pytest.approx(1e20, rel=1e-6)


def test_a_residual_of_rounding_errors_counts_as_none():
    # This filter removes a cosine without end from its autocorrelation; what is left is noise of the arithmetic.
    coefficients = np.array([[1, -2 * np.cos(0.7), 1.0]])
    errors = residual_errors(coefficients, np.cos(0.7 * np.arange(7))[None])
    np.testing.assert_array_equal(errors, [[0.0]])
