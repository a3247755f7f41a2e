"""Wavelets at every second sample, against transforms of every sample and against sums written out."""

import numpy as np
import pytest
import tensorflow as tf

from mgc_keras.scattering.baseband import BasebandWavelets, baseband, half_sample_filter
from mgc_keras.scattering.filters import Wavelet
from mgc_keras.scattering.folding import fold
from mgc_keras.scattering.on_scipy import ScipyOperations
from mgc_keras.scattering.on_tensorflow import TensorFlowOperations
from mgc_keras.scattering.options import ScatteringOptions
from mgc_keras.scattering.plan import ScatteringPlan
from mgc_keras.scattering.transform import Transform

RANDOM = np.random.default_rng(0)
LIBRARIES = [ScipyOperations("float64"), TensorFlowOperations("float64")]


def test_a_half_sample_filter_gives_what_a_tone_is_between_its_samples():
    frequencies = np.arange(500) / 1000
    heights = np.exp(-((frequencies / 0.07) ** 2) / 2)
    weights = half_sample_filter(frequencies, heights)
    times = np.arange(-len(weights) // 2 + 1, len(weights) // 2 + 1)
    for frequency, height in ((0.0, 1.0), (0.013, 0.98), (0.2, 0.017)):
        midpoint = weights @ np.cos(2 * np.pi * frequency * (times - 0.5) + 0.3)
        assert abs(midpoint - np.cos(0.3)) * height < 1e-7
    # No filter delays the highest frequency by half a sample.
    assert half_sample_filter(frequencies, np.ones(500)) is None


@pytest.mark.parametrize(("xi", "sigma", "j"), [(0.435, 0.0226, 0), (0.15, 0.0078, 1), (0.0875, 0.035, 0)])
def test_both_kinds_of_wavelets_have_the_same_modulus(xi, sigma, j):
    # Near the highest frequency, in the middle, and with a bump at zero frequency.
    n_samples, wavelet = 65536 << j, Wavelet(xi, sigma, j)
    signal = RANDOM.standard_normal(n_samples)
    signal *= np.hanning(n_samples)  # at the ends of the circle, interpolation knows no samples
    group = baseband([wavelet], n_samples, n_samples >> j + 1, 0.5 / 2**j)
    whole = fold([wavelet], n_samples, n_samples, n_samples >> j, 1 / 2**j)
    spectrum = np.fft.rfft(signal)[None]
    transform = bare_transform(LIBRARIES[0])
    moduli = []
    for wavelets in (group, whole):
        moduli.append(transform._moduli(transform._spectra(spectrum, [wavelets]), wavelets))
    (samples, midpoints), (expected,) = moduli
    np.testing.assert_allclose(samples, expected[:, ::2], atol=1e-7 * expected.max())
    np.testing.assert_allclose(midpoints, expected[:, 1::2], atol=2e-7 * expected.max())


def test_wavelets_that_are_too_wide_or_too_short_are_left_alone():
    assert baseband([Wavelet(0.35, 0.14, 0)], 65536, 32768, 1.0) is None
    assert baseband([Wavelet(0.3, 0.01, 0)], 16384, 8192, 1.0) is None
    assert (
        baseband([Wavelet(0.3, 0.01, 0)], 40040, 20020, 1.0) is None
    )  # does not divide into blocks as long as the filter


@pytest.mark.parametrize("ops", LIBRARIES)
def test_filters_equal_sums_written_out(ops):
    n_samples, half = 4800, np.arange(1, 17)[::-1] ** 2.0
    values = np.concatenate([half[::-1], half]) / 1000
    signals = RANDOM.standard_normal((4, n_samples))
    padded = np.pad(signals, ((0, 0), (16, 16)))
    between = sum(weight * padded[:, 1 + place :][:, :n_samples] for place, weight in enumerate(values))
    samples, midpoints = ops.moduli(tensor(signals, ops), ops.half_sample_weights(values))
    np.testing.assert_allclose(samples, np.hypot(signals[:2], signals[2:]), rtol=1e-12)
    np.testing.assert_allclose(midpoints, np.hypot(between[:2], between[2:]), rtol=1e-12)
    before = sum(weight * padded[:, place:][:, :n_samples] for place, weight in enumerate(values))
    decimated = ops.decimate(tensor(signals[:2], ops), tensor(signals[2:], ops), ops.half_sample_weights(values))
    np.testing.assert_allclose(decimated, signals[:2] + before[2:], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("ops", LIBRARIES)
@pytest.mark.parametrize(("n_rows", "centres"), [(1, (40, 55, 31)), (3, (12,))])
def test_baseband_products_equal_products_written_out(ops, n_rows, centres):
    spectra = RANDOM.standard_normal((n_rows, 200)) + 1j * RANDOM.standard_normal((n_rows, 200))
    above, below = RANDOM.standard_normal((2, len(centres), 20))
    wavelets = BasebandWavelets(64, centres, above, below, np.ones(16))
    weights = map(ops.spectral_weights, (above, below))
    result = np.asarray(ops.baseband_products(tensor(spectra, ops), 60, wavelets, *weights))
    assert result.shape == (6, 33)
    for row in range(3):
        wavelet, source = row % len(centres), spectra[row % n_rows]
        first = above[wavelet] * source[60 + centres[wavelet] :][:20]
        second = below[wavelet] * source[60 - centres[wavelet] :][:20]
        np.testing.assert_allclose(result[row, :20], first + second, rtol=1e-12)
        np.testing.assert_allclose(result[3 + row, :20], -1j * (first - second), rtol=1e-12)
    assert not result[:, 20:].any()


def tensor(values, ops):
    return tf.constant(values) if isinstance(ops, TensorFlowOperations) else values


def test_gradient_equals_finite_differences():
    n_samples, wavelets = 65536, baseband([Wavelet(0.15, 0.0078, 1)], 65536, 32768, 0.5)
    signal, ops = RANDOM.standard_normal(n_samples), LIBRARIES[1]
    transform = bare_transform(ops)
    weights, fir = RANDOM.standard_normal((3, 1, 32768)), ops.half_sample_weights(wavelets.interpolation)

    def value(inputs):
        moduli = transform._moduli(transform._spectra(ops.rfft(inputs[None]), [wavelets]), wavelets)
        return sum(tf.reduce_sum(part * weight) for part, weight in zip([*moduli, ops.decimate(*moduli, fir)], weights))

    waveform = tf.constant(signal)
    with tf.GradientTape() as tape:
        tape.watch(waveform)
        total = value(waveform)
    gradient = tape.gradient(total, waveform).numpy()
    for place in (0, 5, 32769, 65535):
        step = np.zeros(n_samples)
        step[place] = 1e-4
        slope = (value(waveform + step) - value(waveform - step)).numpy() / 2e-4
        np.testing.assert_allclose(gradient[place], slope, rtol=1e-3, atol=1e-5)


def test_a_plan_for_long_clips_takes_every_second_sample():
    plan = ScatteringPlan(ScatteringOptions(80000, 9, (4, 1), 512))
    assert any(isinstance(group.wavelets, BasebandWavelets) and group.decimation is not None for group in plan.fast)
    assert any(isinstance(psi2.wavelets, BasebandWavelets) for group in plan.fast for psi2 in group.second)
    exact = ScatteringPlan(ScatteringOptions(80000, 9, (4, 1), 512), exact=True)
    waveform = RANDOM.standard_normal(80000)
    transforms = [Transform(either, LIBRARIES[0]) for either in (plan, exact)]
    results = [transform(waveform) for transform in transforms]
    differences = np.linalg.norm(results[0] - results[1], axis=1) / np.linalg.norm(results[1], axis=1)
    assert differences.max() < 5e-6


def bare_transform(ops):
    """A transform without a plan, for a signal on its own."""
    transform = Transform.__new__(Transform)
    transform.ops, transform._constants, transform._minus_i = ops, {}, ops.constant(np.array([-1j]))
    return transform
