"""Max pooling that hands NaN on."""

import keras
import tensorflow as tf

from mgc_keras.layers.base import with_nan_of


@keras.saving.register_keras_serializable("mgc_keras")
class MaxPooling2D(keras.layers.MaxPooling2D):
    """`keras.layers.MaxPooling2D`, which on a CPU takes NaN for the lowest number: here it stays NaN.

    The network's `MelSpectrogram` makes all of a clip NaN, or nothing: one place in the middle of a map, where no
    padding reaches, tells. Input and output: (batch, rows, columns, channels).
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the pooled maps."""
        row, column = (tf.shape(inputs)[axis] // 2 for axis in (1, 2))
        return with_nan_of(inputs[:, row : row + 1, column : column + 1], super().call(inputs))
