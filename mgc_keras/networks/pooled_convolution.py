"""Convolution and max pooling of maps of one channel in one loop on a CPU: what is convolved is never held in memory.

The first map of a network is its largest. That of the convnet is 16 MB a clip, which were written, read twice for mean
and variance and once for pooling, and took half of the network's time. TensorFlow has no such operation.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import joblib
import keras
import numpy as np
import tensorflow as tf

from mgc_keras.execution import policy

# Of the pools that there is a loop for.
_COLUMNS = 4


class PooledConvolution(keras.layers.Layer):
    """A convolution and the max pooling behind it, at inference on a CPU, without the convolution's activation.

    Input: (batch, rows, columns, 1) float32. Output: the pooled maps; mean and population variance of each channel of
    what was convolved, over batch, rows and columns, (channels,) each, added up in float64. A clip of NaN gives NaN.

    Parameters
    ----------
    convolution : keras.layers.Conv2D
    pool : keras.layers.MaxPooling2D
        `fits` is true for these.
    """

    def __init__(self, convolution: keras.layers.Conv2D, pool: keras.layers.MaxPooling2D, **options: Any) -> None:
        super().__init__(**options)
        self.convolution, self.pool_rows = convolution, pool.pool_size[0]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the filters."""
        if not self.convolution.built:
            self.convolution.build(input_shape)

    def call(self, inputs: tf.Tensor) -> list[tf.Tensor]:
        """Return pooled maps, mean and variance."""
        n_clips, n_rows, n_columns, _ = inputs.shape
        n_filters = self.convolution.filters
        padded = tf.pad(inputs[..., 0], ((0, 0), (1, 1), (1, 1)))
        arguments = padded, self.convolution.kernel[:, :, 0], self.convolution.bias
        outputs = tf.numpy_function(_loop(self.pool_rows), arguments, [tf.float32] * 3)
        shapes = (n_clips, n_rows // self.pool_rows, n_columns // _COLUMNS, n_filters), (n_filters,), (n_filters,)
        return [tf.ensure_shape(output, shape) for output, shape in zip(outputs, shapes, strict=True)]


def fits(convolution: keras.layers.Conv2D, pool: keras.layers.MaxPooling2D) -> bool:
    """Tell whether there is a loop, on this device, for a convolution of a model and the pooling behind it."""
    _, n_rows, n_columns, n_channels = convolution.input.shape
    return (
        policy().device == "CPU"
        and n_channels == 1
        and None not in (n_rows, n_columns)
        and (convolution.kernel_size, convolution.strides, convolution.dilation_rate) == ((3, 3), (1, 1), (1, 1))
        and (convolution.padding, convolution.use_bias, convolution.compute_dtype) == ("same", True, "float32")
        and tuple(pool.strides) == tuple(pool.pool_size) == (pool.pool_size[0], _COLUMNS)
        and n_rows % pool.pool_size[0] == n_columns % _COLUMNS == 0
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


def in_threads(loop: Callable[..., None], calls: list[tuple]) -> None:
    """Call a compiled loop, which lets Python go on meanwhile, in `n_threads` threads."""
    if min(n_threads(), len(calls)) == 1:
        for call in calls:
            loop(*call)
        return
    with ThreadPoolExecutor(n_threads()) as pool:
        list(pool.map(lambda call: loop(*call), calls))


def n_threads() -> int:
    """Return how many threads a step may take, of which several are computed at once: more would be in their way."""
    n_cores = tf.config.threading.get_intra_op_parallelism_threads() or joblib.cpu_count()
    return max(1, n_cores // policy().streams)
