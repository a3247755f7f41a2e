"""Convolution of which only the highest output of each row counts, in one loop on a CPU: with fewer products, no map.

So musicnn's timbral filters are, 204 of 7 frames by 38 bands and 204 by 67: four fifths of the network's products. Two
neighbouring outputs take three sums of products of half the length instead of four, see `highest_convolution_loop`.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.networks.one_loop import OneLoop, in_threads, is_plain, n_threads

# Of the processor time of TensorFlow's convolution and pooling, over 187 x 96 places: filters of 38 columns take 0.6 to
# 0.8 where they are 160 or 204, 0.85 to 1.03 where they are 64 to 128, 1.4 to 1.9 where they are 16. Those of 12
# columns, which are filled up to 16, gain little.
_LEAST_FILTERS, _LEAST_TAPS = 160, 16
# Numbers of a vector; taps of a filter, and pairs of outputs, that `highest_convolution_loop` works on together.
_VECTOR, _TAPS, _PAIRS = 16, 4, 5


class HighestConvolution(OneLoop):
    """Many wide filters and pools over all columns: (batch, rows - kernel rows + 1, 1, filters) come out."""

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

    @staticmethod
    def fits(convolution: keras.layers.Conv2D, pool: keras.layers.MaxPooling2D) -> bool:
        """Tell whether the filters are many and wide, and the pools as wide as what they give."""
        n_places = (convolution.input.shape[2] or 0) - convolution.kernel_size[1] + 1
        return (
            is_plain(convolution)
            and convolution.filters >= _LEAST_FILTERS
            and convolution.kernel_size[1] >= _LEAST_TAPS
            and n_places >= 2 * _PAIRS
            and (convolution.padding, pool.padding) == ("valid", "valid")
            and (tuple(pool.pool_size), pool.strides[0]) == ((1, n_places), 1)
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
