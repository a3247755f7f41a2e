"""Standardising each path (or any last axis) by statistics of the training clips, as a step of the network itself."""

import keras
import numpy as np
import tensorflow as tf

# Clips whose statistics are summed at a time, so that a memory-mapped array is never read whole.
_CLIPS_AT_A_TIME = 64


@keras.saving.register_keras_serializable("mgc_keras")
class PathStandardization(keras.layers.Layer):
    """Subtract a fixed mean from each path and divide by a fixed standard deviation.

    `keras.layers.Normalization` bakes its statistics into the compiled graph, so that setting them later changes
    nothing; here they are plain weights, which no training step moves. Until they are set (`path_statistics`), the
    layer passes its input through.

    Input and output: (batch, …, n_paths). Weights: mean and deviation, (n_paths,), not trainable. In float32.

    Example
    -------
    >>> layer = PathStandardization()
    >>> layer.build((None, 2))
    >>> layer.set_weights([np.array([1.0, 2.0]), np.array([1.0, 4.0])])
    >>> np.asarray(layer(np.array([[2.0, 10.0]], "float32"))).tolist()
    [[1.0, 2.0]]
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create mean and deviation: 0 and 1."""
        options = {"shape": (input_shape[-1],), "trainable": False, "autocast": False}
        self.mean = self.add_weight(name="mean", initializer="zeros", **options)
        self.deviation = self.add_weight(name="deviation", initializer="ones", **options)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the standardised values."""
        mean, deviation = tf.convert_to_tensor(self.mean), tf.convert_to_tensor(self.deviation)
        return tf.cast((tf.cast(inputs, tf.float32) - mean) / deviation, inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `input_shape`."""
        return tuple(input_shape)


def path_statistics(values: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and population standard deviation of each path over some clips and all their frames.

    Parameters
    ----------
    values : np.ndarray [shape=(n_clips, n_frames, n_paths)]
        May be a memory-mapped array larger than memory.
    rows : np.ndarray [shape=(n_used,), dtype=int]
        The training clips: no other clip may have a say.

    Returns
    -------
    mean, deviation : np.ndarray [shape=(n_paths,), dtype=float32]
        A path that never changes gets deviation 1, so that it becomes 0 and not NaN.

    Example
    -------
    >>> mean, deviation = path_statistics(np.array([[[0.0], [2.0]], [[9.0], [9.0]]]), np.array([0]))
    >>> mean.tolist(), deviation.tolist()
    ([1.0], [1.0])
    """
    rows, n_values = np.sort(np.asarray(rows)), len(rows) * values.shape[1]
    chunks = [rows[start : start + _CLIPS_AT_A_TIME] for start in range(0, len(rows), _CLIPS_AT_A_TIME)]
    # In two passes and double precision: the mean of squares minus the square of the mean loses quiet paths.
    mean = sum(np.sum(values[chunk], axis=(0, 1), dtype=np.float64) for chunk in chunks) / n_values
    squares = sum(np.sum(np.square(values[chunk] - mean), axis=(0, 1)) for chunk in chunks)
    deviation = np.sqrt(squares / n_values).astype(np.float32)
    # A constant path's deviation is a rounding error, not 0.
    constant = deviation <= 1e-6 * np.abs(mean)
    return mean.astype(np.float32), np.where(constant | (deviation == 0), np.float32(1), deviation)
