"""The place of the front end in a model that is fed ready mel-spectrograms."""

from typing import Any

import keras
import tensorflow as tf

from mgc_keras.checks import checked_choice
from mgc_keras.layers.melspectrogram import DECIBEL_REFERENCES, FRAMINGS


@keras.saving.register_keras_serializable("mgc_keras")
class PrecomputedMelSpectrogram(keras.layers.Layer):
    """Pass mel-spectrograms through, and remember which `MelSpectrogram` made them.

    A model trained on stored mel-spectrograms can so be given back its own front end, not one with other settings.

    Parameters
    ----------
    n_samples : int
        Length of the waveforms behind the mel-spectrograms.
    framing : {"theano", "tensorflow"}
        As in `MelSpectrogram`.
    decibel_reference : {"batch", "clip"}
        As in `MelSpectrogram`.

    Notes
    -----
    Input and output: (batch, n_mels, n_frames, 1), in dB.
    """

    def __init__(
        self, n_samples: int, framing: str = "theano", decibel_reference: str = "batch", **layer_options: Any
    ) -> None:
        super().__init__(**layer_options)
        self.n_samples = n_samples
        self.framing = checked_choice("framing", framing, FRAMINGS)
        self.decibel_reference = checked_choice("decibel_reference", decibel_reference, DECIBEL_REFERENCES)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return `inputs`."""
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `input_shape`."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "n_samples": self.n_samples,
            "framing": self.framing,
            "decibel_reference": self.decibel_reference,
        }
