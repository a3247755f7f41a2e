"""The normalisations against NumPy in float64 and Keras's own layer."""

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.layers.normalization import BatchStatisticsNormalization, ClipStandardization, channel_moments


def maps(*shape: int) -> np.ndarray:
    generator = np.random.default_rng(1)
    return (generator.standard_normal(shape) * generator.uniform(0.1, 5, shape[-1]) - 40).astype(np.float32)


def test_batch_statistics_equal_numpy_and_keras_in_training():
    inputs = maps(3, 10, 20, 4)
    layer, peer = BatchStatisticsNormalization(), keras.layers.BatchNormalization(epsilon=1e-3)
    layer(inputs), peer(inputs)
    gamma, beta = np.float32([1.5, -0.5, 2.0, 0.1]), np.float32([0.0, 1.0, -1.0, 0.5])
    layer.set_weights([gamma, beta])
    peer.set_weights([gamma, beta, *peer.get_weights()[2:]])
    wide = inputs.astype(np.float64)
    axes = (0, 1, 2)
    expected = (wide - wide.mean(axes)) / np.sqrt(wide.var(axes) + 1e-3) * gamma + beta
    np.testing.assert_allclose(layer(inputs).numpy(), expected, atol=2e-5)
    np.testing.assert_allclose(layer(inputs, training=True).numpy(), expected, atol=1e-3)
    np.testing.assert_allclose(peer(inputs, training=True).numpy(), expected, atol=1e-3)


def test_gradient_equals_that_of_keras_in_training():
    inputs = tf.constant(maps(3, 10, 20, 4) + 40)
    layer, peer = BatchStatisticsNormalization(), keras.layers.BatchNormalization(epsilon=1e-3)
    layer(inputs), peer(inputs)
    gamma, beta = np.float32([1.5, -0.5, 2.0, 0.1]), np.float32([0.0, 1.0, -1.0, 0.5])
    layer.set_weights([gamma, beta])
    peer.set_weights([gamma, beta, *peer.get_weights()[2:]])
    gradients = []
    for subject in (layer, peer):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(tf.sin(3 * subject(inputs, training=True)))
        gradients.append(tape.gradient(loss, [inputs, *subject.trainable_variables]))
    for ours, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-3, atol=2e-3)


def test_moments_of_many_values_stay_exact():
    inputs = maps(8, 96, 1360, 2)
    mean, variance = channel_moments(tf.constant(inputs))
    wide = inputs.astype(np.float64)
    np.testing.assert_allclose(mean, wide.mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(variance, wide.var((0, 1, 2)), rtol=1e-5)


def test_batch_statistics_under_mixed_precision_and_gradient():
    inputs = tf.constant(maps(2, 6, 6, 3))
    layer = BatchStatisticsNormalization(dtype="mixed_float16")
    with tf.GradientTape() as tape:
        outputs = layer(inputs, training=True)
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32) ** 2 * tf.range(3.0))
    assert outputs.dtype == tf.float16
    assert {weight.dtype for weight in layer.weights} == {"float32"}
    for gradient in tape.gradient(loss, layer.trainable_variables):
        assert np.isfinite(gradient.numpy()).all() and np.abs(gradient.numpy()).max() > 0


def test_clip_standardization_equals_numpy():
    inputs = maps(3, 10, 20, 1)
    wide = inputs.astype(np.float64)
    expected = np.stack([(clip - clip.mean()) / (clip.std() + 1e-10) for clip in wide])
    np.testing.assert_allclose(ClipStandardization()(inputs).numpy(), expected, atol=1e-5)


def test_constant_clip_standardizes_to_zeros():
    np.testing.assert_array_equal(ClipStandardization()(np.full((1, 96, 1360, 1), -80.0, np.float32)).numpy(), 0.0)
