"""What layers share that compute a convolution and the max pooling behind it in one compiled loop on a CPU."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import joblib
import keras
import tensorflow as tf

from mgc_keras.execution import policy


class OneLoop(keras.layers.Layer):
    """A convolution of maps of one channel and its pooling, at inference, without the convolution's activation.

    Input: (batch, rows, columns, 1) float32. Output: a list; the pooled maps come first. A clip of NaN gives NaN.

    Parameters
    ----------
    convolution : keras.layers.Conv2D
    pool : keras.layers.MaxPooling2D
        The subclass's `fits` is true for these.

    Attributes
    ----------
    gives_moments : bool
        Whether mean and population variance of each channel of what was convolved, over batch, rows and columns, follow
        in the list, (channels,) each.
    """

    gives_moments = False

    def __init__(self, convolution: keras.layers.Conv2D, pool: keras.layers.MaxPooling2D, **options: Any) -> None:
        super().__init__(**options)
        self.convolution, self.pool_rows = convolution, pool.pool_size[0]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the filters."""
        if not self.convolution.built:
            self.convolution.build(input_shape)


def is_plain(convolution: keras.layers.Conv2D) -> bool:
    """Tell whether a convolution of a model is of the kind that loops are written for, and computed on a CPU."""
    _, n_rows, n_columns, n_channels = convolution.input.shape
    return (
        policy().device == "CPU"
        and n_channels == 1
        and None not in (n_rows, n_columns)
        and (convolution.strides, convolution.dilation_rate) == ((1, 1), (1, 1))
        and (convolution.use_bias, convolution.compute_dtype) == (True, "float32")
    )


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
