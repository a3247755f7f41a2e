"""The sampling rate of a network's waveforms, kept inside its file."""

from typing import Any

import keras
import tensorflow as tf

from mgc_keras.errors import OptionError
from mgc_keras.layers.base import ConfiguredLayer
from mgc_keras.layers.named_outputs import NamedOutputs, output_names


@keras.saving.register_keras_serializable("mgc_keras")
class SampledAt(ConfiguredLayer):
    """Pass waveforms through, and remember their sampling rate in Hz.

    A model that begins with this keeps its rate in ``.h5`` and ``.keras`` files: `classify`, `tag` and `features` then
    bring songs to it. One that begins with a `MelSpectrogram` tells by that. Input and output: (batch, n_samples).

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
    """Return a model (batch, n_samples) -> (batch, n_outputs) of the same weights whose file will know its rate in Hz.

    Example
    -------
    >>> model = keras.Sequential([keras.Input((16000,)), keras.layers.Dense(2)])
    >>> sampling_rate_of(with_sampling_rate(model, 16000))
    16000
    """
    waveforms = keras.Input(model.input_shape[1:], dtype="float32", name="waveform")
    heard = SampledAt(sampling_rate, name="sampled_at")(waveforms)
    # What a network is for is told by its last layer's name, and by the names of its outputs.
    head = [layer.name for layer in model.layers if not isinstance(layer, NamedOutputs)][-1]
    outputs, names = keras.Model(model.inputs[0], model.outputs[0], name=head)(heard), output_names(model)
    if names is not None:
        outputs = NamedOutputs(names, name="names")(outputs)
    return keras.Model(waveforms, outputs, name=f"{model.name}_at_{sampling_rate}_hz")


def sampling_rate_of(model: keras.Model) -> int | None:
    """Return the sampling rate that the layers of a model tell, in Hz, or None where none does."""
    rates = (getattr(layer, "sampling_rate", None) for layer in model.layers)
    return next((rate for rate in rates if isinstance(rate, int)), None)
