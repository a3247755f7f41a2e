"""The sampling rate of a network's waveforms, kept inside its file."""

from typing import Any

import keras
import tensorflow as tf

from mgc_keras.errors import OptionError
from mgc_keras.layers.base import ConfiguredLayer
from mgc_keras.layers.named_outputs import NamedOutputs, output_names


@keras.saving.register_keras_serializable("mgc_keras")
class SampledAt(ConfiguredLayer):
    """Pass what comes through, and remember the sampling rate of the waveforms that the model takes, in Hz.

    A model that holds this keeps its rate in ``.h5`` and ``.keras`` files: `classify`, `tag` and `features` then bring
    songs to it. One that holds a `MelSpectrogram` tells by that. Input and output: of any shape.

    Raises
    ------
    OptionError
        The rate is not above 0.
    """

    def __init__(self, sampling_rate: int, **layer_options: Any) -> None:
        super().__init__(**layer_options)
        self.sampling_rate = int(sampling_rate)
        if self.sampling_rate < 1:
            raise OptionError(f"{sampling_rate} Hz is no rate", field="sampling_rate", cure="give it as 22050")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return `inputs`."""
        return inputs


def with_sampling_rate(model: keras.Model, sampling_rate: int) -> keras.Model:
    """Return a model (batch, n_samples) -> (batch, n_outputs) of the same layers whose file will know its rate in Hz.

    Example
    -------
    >>> model = keras.Sequential([keras.Input((16000,)), keras.layers.Dense(2)])
    >>> sampling_rate_of(with_sampling_rate(model, 16000))
    16000
    """
    names = output_names(model)
    # The names stay last, where they are looked for.
    scores = model.outputs[0] if names is None else model.layers[-1].input
    outputs = SampledAt(sampling_rate, name="sampled_at")(scores)
    if names is not None:
        outputs = NamedOutputs(names, name="names")(outputs)
    return keras.Model(model.inputs[0], outputs, name=model.name)


def sampling_rate_of(model: keras.Model) -> int | None:
    """Return the sampling rate that the layers of a model tell, in Hz, or None where none does."""
    rates = (getattr(layer, "sampling_rate", None) for layer in model.layers)
    return next((rate for rate in rates if isinstance(rate, int)), None)
