"""The logarithmic mel-spectrogram of musicnn."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.layers.melspectrogram import MelSpectrogram


@keras.saving.register_keras_serializable("mgc_keras")
class LogMelSpectrogram(MelSpectrogram):
    """Waveform to ``log10(1 + 10000 S)``, S the mel powers of `MelSpectrogram`, rounded to half precision.

    There is no reference and no floor.

    Frames lie wholly inside the waveform, the first one centred on sample ``n_dft / 2``.

    Parameters
    ----------
    sampling_rate, n_dft, hop_length, n_mels : int
        In Hz; window and hop in samples; mel bands from 0 Hz to half the sampling rate.

    Notes
    -----
    Input: (batch, n_samples) float32. Output: (batch, n_frames, n_mels, 1) float32, 1 + floor((n_samples - n_dft) /
    hop_length) frames: time comes first. A clip that contains NaN or infinite samples gives NaN.
    """

    def __init__(
        self,
        sampling_rate: int = 16000,
        n_dft: int = 512,
        hop_length: int = 256,
        n_mels: int = 96,
        **layer_options: Any,
    ) -> None:
        # "clip": no number here depends on other clips.
        bands = {"fmax": sampling_rate / 2, "decibel_reference": "clip"}
        super().__init__(sampling_rate, n_dft, hop_length, n_mels, **layer_options | bands)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the mel-spectrograms of a batch of waveforms."""
        mel = self.filterbank(tf.square(self.magnitude(self.stft(inputs[:, None, :]))))[:, 0]
        # Rounded as the authors store it, and as their networks saw it in training.
        mel = tf.cast(tf.cast(tf.minimum(mel, tf.float16.max), tf.float16), tf.float32)
        levels = tf.math.log(1.0 + 10000.0 * mel) * np.float32(1.0 / np.log(10.0))
        is_sound = tf.reduce_all(tf.math.is_finite(inputs), axis=1)[:, None, None, None]
        return tf.where(is_sound, levels[..., None], np.float32(np.nan))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return (batch, n_frames, n_mels, 1)."""
        n_frames = None if input_shape[1] is None else self.n_frames(input_shape[1])
        return (input_shape[0], n_frames, self.n_mels, 1)

    def n_frames(self, n_samples: int) -> int:
        """Return the frames of a clip of `n_samples`."""
        return 1 + (n_samples - self.n_dft) // self.hop_length
