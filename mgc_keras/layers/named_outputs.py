"""Names of a network's outputs, kept inside its file."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mgc_keras.errors import OptionError
from mgc_keras.layers.base import ConfiguredLayer


@keras.saving.register_keras_serializable("mgc_keras")
class NamedOutputs(ConfiguredLayer):
    """Pass scores through, and remember what each column is called: genres or tags.

    A model whose last layer this is keeps its names in ``.h5`` and ``.keras`` files, wherever they are copied. Input
    and output: (batch, n_names).

    Raises
    ------
    OptionError
        A name occurs twice, or there are not as many names as columns.
    """

    def __init__(self, names: Sequence[str], **layer_options: Any) -> None:
        super().__init__(**layer_options)
        self.names = tuple(str(name) for name in names)
        if len(set(self.names)) != len(self.names):
            raise OptionError("two outputs have the same name", field="names", cure="name each once")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return `inputs`."""
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `input_shape`, after a check that each column has a name."""
        if input_shape[-1] != len(self.names):
            raise OptionError(f"{len(self.names)} names for {input_shape[-1]} outputs", field="names")
        return tuple(input_shape)


def with_output_names(model: keras.Model, names: Sequence[str]) -> keras.Model:
    """Return a model of the same layers whose file will know the names of its outputs.

    Raises
    ------
    OptionError
        There are not as many names as outputs, or one occurs twice.

    Example
    -------
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    >>> output_names(with_output_names(model, ["jazz", "rock"]))
    ('jazz', 'rock')
    """
    return keras.Model(model.inputs, NamedOutputs(names, name="names")(model.outputs[0]), name=model.name)


def output_names(model: keras.Model) -> tuple[str, ...] | None:
    """Return the names of a model's outputs, or None where its file has none."""
    last = model.layers[-1]
    return last.names if isinstance(last, NamedOutputs) else None
