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


def heard_at(model: keras.Model, sampling_rate: int | None) -> keras.Model:
    """Return a model that tells its sampling rate: itself if its layers do, else one that holds the rate given in Hz.

    Without a rate the model comes back as it is.

    Raises
    ------
    OptionError
        The rate is not the one that the model tells, or not above 0.

    Example
    -------
    >>> sampling_rate_of(heard_at(keras.Sequential([keras.Input((16000,)), keras.layers.Dense(2)]), 16000))
    16000
    """
    told = sampling_rate_of(model)
    if None not in (told, sampling_rate) and told != sampling_rate:
        problem = f"{sampling_rate} Hz, and the network's file says {told} Hz"
        raise OptionError(problem, field="--sampling-rate", cure="leave it out")
    return model if told or sampling_rate is None else with_sampling_rate(model, sampling_rate)


def sampling_rate_of(model: keras.Model) -> int | None:
    """Return the sampling rate that the layers of a model tell, in Hz, or None where none does."""
    rates = (getattr(layer, "sampling_rate", None) for layer in model.layers)
    return next((rate for rate in rates if isinstance(rate, int)), None)
