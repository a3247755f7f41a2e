"""Convolution of which only the highest output of each row counts, in one loop on a CPU: with fewer products, no map.

So musicnn's timbral filters are, 204 of 7 frames by 38 bands and 204 by 67: six sevenths of the network's products. Two
neighbouring outputs take three sums of products of half the length instead of four, see `highest_convolution_loop`.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.execution import policy
from mgc_keras.networks.pooled_convolution import in_threads, n_threads

# Filters shorter than this spend as much time on what is around their products.
_LEAST_TAPS = 16
# Numbers of a vector; taps of a filter, and pairs of outputs, that `highest_convolution_loop` works on together.
_VECTOR, _TAPS, _PAIRS = 16, 4, 5


class HighestConvolution(keras.layers.Layer):
    """A convolution and max pooling over all its columns, at inference on a CPU, without the convolution's activation.

    Input: (batch, rows, columns, 1) float32. Output: (batch, rows - kernel rows + 1, 1, filters) alone in a
    list, to float32's rounding. A clip of NaN gives NaN.

    Parameters
    ----------
    convolution : keras.layers.Conv2D
    pool : keras.layers.MaxPooling2D
        `fits` is true for these.
    """

    def __init__(self, convolution: keras.layers.Conv2D, pool: keras.layers.MaxPooling2D, **options: Any) -> None:
        super().__init__(**options)
        self.convolution = convolution

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the filters."""
        if not self.convolution.built:
            self.convolution.build(input_shape)

    def call(self, inputs: tf.Tensor) -> list[tf.Tensor]:
        """Return the highest outputs, in a list."""
        n_clips, n_rows, n_columns, _ = inputs.shape
        n_kernel_rows, n_taps = self.convolution.kernel_size
        n_filters = self.convolution.filters
        width, taps = -(-n_filters // _VECTOR) * _VECTOR, -(-n_taps // (2 * _TAPS)) * _TAPS
        missing = (0, 0), (0, 2 * taps - n_taps), (0, width - n_filters)
        kernel = tf.pad(self.convolution.kernel[:, :, 0], missing)
        even, odd = kernel[:, ::2], kernel[:, 1::2]
        halves = tf.reshape(tf.stack([even + odd, even, odd]), (3, n_kernel_rows, taps * width))
        loop = _loop(n_columns - n_taps + 1, width)
        highest = tf.numpy_function(loop, (inputs[..., 0], halves), tf.float32)
        highest = tf.ensure_shape(highest, (n_clips, n_rows - n_kernel_rows + 1, width))[..., :n_filters]
        return [(highest + self.convolution.bias)[:, :, None]]


def fits(convolution: keras.layers.Conv2D, pool: keras.layers.MaxPooling2D) -> bool:
    """Tell whether there is a loop, on this device, for a convolution of a model and the pooling behind it."""
    _, n_rows, n_columns, n_channels = convolution.input.shape
    n_places = (n_columns or 0) - convolution.kernel_size[1] + 1
    return (
        policy().device == "CPU"
        and n_channels == 1
        and None not in (n_rows, n_columns)
        and convolution.kernel_size[1] >= _LEAST_TAPS
        and (convolution.strides, convolution.dilation_rate) == ((1, 1), (1, 1))
        and (convolution.padding, convolution.use_bias, convolution.compute_dtype) == ("valid", True, "float32")
        and (tuple(pool.pool_size), pool.padding) == ((1, n_places), "valid")
        and pool.strides[0] == 1
        and n_places >= 2 * _PAIRS
    )


def _loop(n_places: int, width: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return what computes the maps of a batch, blocks of rows at once where there are more processors than clips."""
    # Only here: numba takes long to import.
    from mgc_keras.networks.highest_convolution_loop import highest_of_columns_for

    highest_of_columns = highest_of_columns_for(width)

    def compute(maps: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        n_clips, n_rows, _ = maps.shape
        n_more = kernel.shape[1] - 1
        highest = np.empty((n_clips, n_rows - n_more, width), np.float32)
        bounds = np.linspace(0, n_rows - n_more, -(-n_threads() // n_clips) + 1).astype(int)
        blocks = [
            (of_clip[start : end + n_more], kernel, n_places, found[start:end])
            for of_clip, found in zip(maps, highest, strict=True)
            for start, end in zip(bounds[:-1], bounds[1:], strict=True)
        ]
        in_threads(highest_of_columns, blocks)
        return highest

    return compute
