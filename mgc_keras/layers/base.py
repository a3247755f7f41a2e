"""What layers share: they know their own configuration."""

import inspect
from typing import Any

import keras
import tensorflow as tf


def with_nan_of(inputs: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """Return `outputs`, but NaN where `inputs` (broadcastable to them) are; TensorFlow's maximum drops it."""
    # -0 changes no number, not even a zero's sign; to add it is quicker than to choose.
    return outputs + tf.where(tf.math.is_nan(inputs), inputs, tf.constant(-0.0, inputs.dtype))


class ConfiguredLayer(keras.layers.Layer):
    """A layer that keeps every argument of its constructor under the argument's name; in shape, output equals input."""

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `input_shape`."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; tuples become lists, as JSON has them."""
        arguments = {name: getattr(self, name) for name in inspect.getfullargspec(type(self).__init__).args[1:]}
        lists = {name: list(value) for name, value in arguments.items() if isinstance(value, tuple)}
        return super().get_config() | arguments | lists
