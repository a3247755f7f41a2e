"""Normalisations that Keras does not have: by the batch's own statistics, and by each clip's own."""

from typing import Any

import keras
import tensorflow as tf

from mgc_keras.layers.base import ConfiguredLayer


def channel_moments(maps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return mean and population variance of each channel of (batch, frequency, time, channels) maps, (channels,) each.

    Axis by axis, because float32 loses four digits when it adds up millions of values one after the other, as
    TensorFlow's own moments and fused batch normalisation do.
    """

    def mean_of(values: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.reduce_mean(tf.reduce_mean(values, axis=2), axis=1), axis=0)

    mean = mean_of(maps)
    # The same bits as TensorFlow's squared difference, which takes longer to subtract channel by channel.
    return mean, mean_of(tf.square(tf.nn.bias_add(maps, -mean)))


@keras.saving.register_keras_serializable("mgc_keras")
class BatchStatisticsNormalization(ConfiguredLayer):
    """Normalise each channel by the statistics of the batch at hand, in training and at inference alike.

    This is ``BatchNormalization(mode=2)`` of Keras 1, which Choi et al. (2017) use: mean and (population) variance over
    (batch, frequency, time). A clip's output therefore depends on the clips that share its batch; `mgc_keras.calibrate`
    replaces these statistics by fixed ones.

    `epsilon` is added to the variance. Input and output: (batch, frequency, time, channels). Weights: gamma and beta,
    (channels,). Computed in float32.
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
        if not training:
            return self.normalized(inputs, *channel_moments(tf.cast(inputs, tf.float32)))
        gamma, beta = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        fused, values = tf.compat.v1.nn.fused_batch_norm, tf.cast(inputs, tf.float32)
        normalized, _, _ = fused(values, gamma, beta, epsilon=self.epsilon, is_training=True)
        return tf.cast(normalized, inputs.dtype)

    def normalized(self, inputs: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor) -> tf.Tensor:
        """Return `inputs` normalised by statistics of their channels, (channels,) each."""
        scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)
        return tf.cast(tf.cast(inputs, tf.float32) * scale + (self.beta - mean * scale), inputs.dtype)


@keras.saving.register_keras_serializable("mgc_keras")
class ClipStandardization(ConfiguredLayer):
    """Give each clip mean 0 and standard deviation 1 over (frequency, time, channel).

    Kapre's old ``Normalization2D(str_axis="data_sample")``, which the batch-independent network of 2017 uses:
    ``(x - mean) / (standard deviation + epsilon)``. A constant clip gives zeros. Input and output: (batch, frequency,
    time, channels). No weights. Computed in float32.
    """

    def __init__(self, epsilon: float = 1e-10, **layer_options: Any) -> None:
        super().__init__(**layer_options)
        self.epsilon = epsilon

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the standardised clips."""
        values = tf.cast(inputs, tf.float32)
        mean, variance = tf.nn.moments(values, axes=(1, 2, 3), keepdims=True)
        return tf.cast((values - mean) / (tf.sqrt(variance) + self.epsilon), inputs.dtype)
