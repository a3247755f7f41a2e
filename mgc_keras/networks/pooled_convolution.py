"""Convolution and max pooling of maps of one channel in one loop on a CPU: what is convolved is never held in memory.

The first map of a network is its largest. That of the convnet is 16 MB a clip, which were written, read twice for mean
and variance and once for pooling, and took half of the network's time. TensorFlow has no such operation.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.networks.one_loop import OneLoop, in_threads, is_plain

# Of the pools that there is a loop for.
_COLUMNS = 4


class PooledConvolution(OneLoop):
    """Filters of 3 x 3 and pools of some rows by 4 columns; mean and variance are added up in float64."""

    gives_moments = True

    def call(self, inputs: tf.Tensor) -> list[tf.Tensor]:
        """Return pooled maps, mean and variance."""
        n_clips, n_rows, n_columns, _ = inputs.shape
        n_filters = self.convolution.filters
        padded = tf.pad(inputs[..., 0], ((0, 0), (1, 1), (1, 1)))
        arguments = padded, self.convolution.kernel[:, :, 0], self.convolution.bias
        outputs = tf.numpy_function(_loop(self.pool_rows), arguments, [tf.float32] * 3)
        shapes = (n_clips, n_rows // self.pool_rows, n_columns // _COLUMNS, n_filters), (n_filters,), (n_filters,)
        return [tf.ensure_shape(output, shape) for output, shape in zip(outputs, shapes, strict=True)]

    @staticmethod
    def fits(convolution: keras.layers.Conv2D, pool: keras.layers.MaxPooling2D) -> bool:
        """Tell whether filters and pools have these sizes, and divide the map without rest."""
        (_, n_rows, n_columns, _), (rows, columns) = convolution.input.shape, pool.pool_size
        return (
            is_plain(convolution)
            and (convolution.kernel_size, convolution.padding) == ((3, 3), "same")
            and tuple(pool.strides) == (rows, columns)
            and columns == _COLUMNS
            and n_rows % rows == n_columns % columns == 0
        )


def _loop(pool_rows: int) -> Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return what computes the maps of a batch, those of several clips at once."""
    # Only here: numba takes long to import.
    from mgc_keras.networks.pooled_convolution_loop import pool_3_by_3

    def compute(padded: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n_clips, n_rows, n_columns = padded.shape[0], padded.shape[1] - 2, padded.shape[2] - 2
        pooled = np.empty((n_clips, n_rows // pool_rows, n_columns // _COLUMNS, len(bias)), np.float32)
        sums = np.empty((n_clips, 2, len(bias)))
        # About the mean is taken off outputs before they are squared: of a silent clip rounding would be left.
        start = -padded[:, 1:-1:4, 1:-1].mean(axis=(1, 2))[:, None] * kernel.sum(axis=(0, 1))
        clips = zip(padded, start, bias - start, pooled, sums, strict=True)
        in_threads(pool_3_by_3, [(of_clip, kernel, *others) for of_clip, *others in clips])
        first, second = np.moveaxis(sums, 1, 0) / (n_rows * n_columns)
        means = first - start + bias
        mean = means.mean(axis=0)
        variance = (second - first**2 + (means - mean) ** 2).mean(axis=0)
        return pooled, mean.astype(np.float32), np.maximum(variance, 0).astype(np.float32)

    return compute
