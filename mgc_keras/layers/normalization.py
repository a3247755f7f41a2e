"""Normalisations that Keras does not have: by the batch's own statistics, and by each clip's own."""

from typing import Any

import keras
import tensorflow as tf


def channel_moments(maps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return mean and population variance of each channel of (batch, frequency, time, channels) maps, (channels,) each.

    Axis by axis, because float32 loses four digits when it adds up millions of values one after the other, as
    TensorFlow's own moments and fused batch normalisation do.
    """
    mean = _mean_by_axis(maps)
    return mean, _mean_by_axis(tf.math.squared_difference(maps, mean))


def _mean_by_axis(maps: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.reduce_mean(tf.reduce_mean(maps, axis=2), axis=1), axis=0)


@keras.saving.register_keras_serializable("mgc_keras")
class BatchStatisticsNormalization(keras.layers.Layer):
    """Normalise each channel by the statistics of the batch at hand, in training and at inference alike.

    This is ``BatchNormalization(mode=2)`` of Keras 1, which Choi et al. (2017) use: mean and (population) variance over
    (batch, frequency, time). A clip's output therefore depends on the clips that share its batch; `mgc_keras.calibrate`
    replaces these statistics by fixed ones.

    Parameters
    ----------
    epsilon : float
        Added to the variance.

    Notes
    -----
    Input and output: (batch, frequency, time, channels). Weights: gamma and beta, (channels,). Computed in float32.
    """

    def __init__(self, epsilon: float = 1e-3, **layer_options: Any) -> None:
        super().__init__(**layer_options)
        self.epsilon = epsilon

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create gamma and beta."""
        self.gamma = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="gamma", autocast=False)
        self.beta = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="beta", autocast=False)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the normalised batch; in training by TensorFlow's fused kernel, quicker and good to four digits."""
        values = tf.cast(inputs, tf.float32)
        gamma, beta = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        if training:
            fused = tf.compat.v1.nn.fused_batch_norm
            normalized, _, _ = fused(values, gamma, beta, epsilon=self.epsilon, is_training=True)
        else:
            mean, variance = channel_moments(values)
            scale = gamma * tf.math.rsqrt(variance + self.epsilon)
            normalized = values * scale + (beta - mean * scale)
        return tf.cast(normalized, inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `input_shape`."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("mgc_keras")
class ClipStandardization(keras.layers.Layer):
    """Give each clip mean 0 and standard deviation 1 over (frequency, time, channel).

    Kapre's old ``Normalization2D(str_axis="data_sample")``, which the batch-independent network of 2017 uses:
    ``(x - mean) / (standard deviation + epsilon)``. A constant clip gives zeros.

    Parameters
    ----------
    epsilon : float
        Added to the standard deviation.

    Notes
    -----
    Input and output: (batch, frequency, time, channels). No weights. Computed in float32.
    """

    def __init__(self, epsilon: float = 1e-10, **layer_options: Any) -> None:
        super().__init__(**layer_options)
        self.epsilon = epsilon

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the standardised clips."""
        values = tf.cast(inputs, tf.float32)
        mean, variance = tf.nn.moments(values, axes=(1, 2, 3), keepdims=True)
        return tf.cast((values - mean) / (tf.sqrt(variance) + self.epsilon), inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `input_shape`."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}
