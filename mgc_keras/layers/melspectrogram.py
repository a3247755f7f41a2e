"""The mel-spectrogram front end of the Choi networks and of MusicTaggerCRNN, composed of Kapre's layers."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from kapre import STFT, ApplyFilterbank, Magnitude

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.layers.base import ConfiguredLayer, with_nan_of

# Of the Choi 2017 networks; the layer knows one more of each, which MusicTaggerCRNN takes.
FRAMINGS = ("theano", "tensorflow")
DECIBEL_REFERENCES = ("batch", "clip")
# Powers below this (-100 dB) count as silence, in the original and here.
SMALLEST_POWER = 1e-10


def frame_padding(n_samples: int, n_dft: int, hop_length: int, framing: str) -> tuple[int, int]:
    """Return how many zeros go before and behind a waveform, so that ceil(n_samples / hop_length) frames fit exactly.

    Parameters
    ----------
    n_samples, n_dft, hop_length : int
    framing : {"theano", "tensorflow"}
        Whose "same" padding: Theano's (half a window on each side, kernels applied time-reversed) or TensorFlow's
        (as little as possible, spread evenly).

    Returns
    -------
    tuple of int
        Zeros before and behind; a negative second number cuts samples away.

    Example
    -------
    >>> frame_padding(348000, 512, 256, "tensorflow")
    (208, 208)
    >>> frame_padding(348000, 512, 256, "theano")
    (257, 159)
    """
    n_frames = math.ceil(n_samples / hop_length)
    needed = (n_frames - 1) * hop_length + n_dft
    if framing == "tensorflow":
        total = max(needed - n_samples, 0)
        left = total // 2
    else:
        # A time-reversed periodic Hann window is the plain one moved by one sample: w[N-1-n] = w[n+1], w[N] = w[0] = 0.
        # Moving the frames by one sample instead leaves every magnitude the same. Frames behind the last are cropped.
        left = n_dft // 2 + 1
    return left, needed - n_samples - left


@keras.saving.register_keras_serializable("mgc_keras")
class MelSpectrogram(ConfiguredLayer):
    """Waveform to decibel mel-spectrogram, as the old Kapre layer of Choi et al. (2017) computes it.

    Power spectrum of a periodic Hann window, mel filterbank (Slaney scale and norm, as librosa's) applied to POWER,
    ``10 * log10(max(S, 1e-10))``, minus the maximum, floor at ``-dynamic_range``. Always float32, whatever the policy.

    Parameters
    ----------
    sampling_rate, n_dft, hop_length, n_mels : int
        In Hz; window and hop in samples; mel bands.
    fmin, fmax : float
        Range of the filterbank, in Hz.
    framing : {"theano", "tensorflow", "reflect"}
        Where the frames lie; see `frame_padding`. The features published in 2017 come from Theano. "reflect": centred
        on every `hop_length`-th sample, the waveform mirrored at both ends, as librosa did until 0.10.
    decibel_reference : {"batch", "clip", "unit"}
        What is 0 dB: the whole batch's maximum, as published; each clip's own, which makes clips independent; or a
        mel power of 1, where each clip's floor still lies below its own maximum.
    dynamic_range : float
        Distance of the floor below the maximum, in dB.
    mel_exponent : float
        The mel powers are raised to it; 2 in MusicTaggerCRNN, which squares power spectra once more.

    Raises
    ------
    OptionError
        Unknown `framing` or `decibel_reference`.

    Notes
    -----
    Input: (batch, n_samples) float32. Output: (batch, n_mels, n_frames, 1) float32, in dB; n_frames is
    ceil(n_samples / hop_length), with "reflect" 1 + floor(n_samples / hop_length). A clip that contains NaN or infinite
    samples gives NaN.
    """

    def __init__(
        self,
        sampling_rate: int = 12000,
        n_dft: int = 512,
        hop_length: int = 256,
        n_mels: int = 96,
        fmin: float = 0.0,
        fmax: float = 6000.0,
        framing: str = "theano",
        decibel_reference: str = "batch",
        dynamic_range: float = 80.0,
        mel_exponent: float = 1.0,
        **layer_options: Any,
    ) -> None:
        layer_options["dtype"] = "float32"  # half precision cannot hold a power spectrum, and Kapre's STFT breaks
        super().__init__(**layer_options)
        self.sampling_rate, self.n_dft, self.hop_length, self.n_mels = sampling_rate, n_dft, hop_length, n_mels
        self.fmin, self.fmax, self.dynamic_range, self.mel_exponent = fmin, fmax, dynamic_range, mel_exponent
        self.framing = checked_choice("framing", framing, (*FRAMINGS, "reflect"))
        references = (*DECIBEL_REFERENCES, "unit")
        self.decibel_reference = checked_choice("decibel_reference", decibel_reference, references)
        self.stft = STFT(
            n_fft=n_dft,
            hop_length=hop_length,
            window_name="hann_window",
            input_data_format="channels_first",
            output_data_format="channels_first",
            dtype="float32",
        )
        self.magnitude = Magnitude(dtype="float32")
        n_bins = n_dft // 2 + 1
        bands = {"sample_rate": sampling_rate, "n_freq": n_bins, "n_mels": n_mels, "f_min": fmin, "f_max": fmax}
        self.filterbank = ApplyFilterbank("mel", bands, data_format="channels_first", dtype="float32")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Build the parts, which have no weights."""
        for part in (self.stft, self.magnitude, self.filterbank):
            part.build(input_shape)

    def decibels(self, waveforms: tf.Tensor) -> tf.Tensor:
        """Return (batch, n_mels, n_frames, 1) decibels before the reference: no maximum taken off, no floor.

        All of them are NaN for a clip that contains NaN or infinite samples.
        """
        power = tf.square(self.magnitude(self.stft(self._padded(waveforms)[:, None, :])))
        mel = self.filterbank(power)[:, 0]
        if self.mel_exponent != 1.0:
            mel = mel**self.mel_exponent
        decibels = tf.math.log(tf.maximum(mel, SMALLEST_POWER)) * np.float32(10.0 / np.log(10.0))
        is_sound = tf.reduce_all(tf.math.is_finite(waveforms), axis=1)[:, None, None, None]
        return tf.where(is_sound, tf.transpose(decibels, (0, 2, 1))[..., None], np.float32(np.nan))

    def refer(self, decibels: tf.Tensor, maximum: tf.Tensor) -> tf.Tensor:
        """Take `maximum` (broadcastable) off `decibels` and put in the floor."""
        return self._floored(decibels - maximum, np.float32(-self.dynamic_range))

    def _floored(self, decibels: tf.Tensor, floor: tf.Tensor) -> tf.Tensor:
        # All of a clip are NaN, or none.
        return with_nan_of(decibels[:, :1, :1], tf.maximum(decibels, floor))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the mel-spectrograms of a batch of waveforms."""
        decibels = self.decibels(inputs)
        if self.decibel_reference == "unit":
            loudest = tf.reduce_max(decibels, axis=(1, 2, 3), keepdims=True)
            return self._floored(decibels, loudest - np.float32(self.dynamic_range))
        axes = None if self.decibel_reference == "batch" else (1, 2, 3)
        return self.refer(decibels, tf.reduce_max(decibels, axis=axes, keepdims=True))

    def _padded(self, waveforms: tf.Tensor) -> tf.Tensor:
        n_samples = waveforms.shape[1]
        if n_samples is None:
            raise OptionError("the number of samples is not fixed", field="n_samples", cure="give the input a length")
        if self.framing == "reflect":
            return tf.pad(waveforms, ((0, 0), (self.n_dft // 2, self.n_dft // 2)), "REFLECT")
        left, right = frame_padding(n_samples, self.n_dft, self.hop_length, self.framing)
        return tf.pad(waveforms[:, : n_samples + min(right, 0)], ((0, 0), (left, max(right, 0))))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return (batch, n_mels, n_frames, 1)."""
        n_frames = None if input_shape[1] is None else self.n_frames(input_shape[1])
        return (input_shape[0], self.n_mels, n_frames, 1)

    def n_frames(self, n_samples: int) -> int:
        """Return the frames of a clip of `n_samples`."""
        return 1 + n_samples // self.hop_length if self.framing == "reflect" else math.ceil(n_samples / self.hop_length)


@keras.saving.register_keras_serializable("mgc_keras")
class PrecomputedMelSpectrogram(ConfiguredLayer):
    """Pass mel-spectrograms through, and remember which `MelSpectrogram` made them.

    A model trained on stored mel-spectrograms can so be given back its own front end, not one with other settings.

    `n_samples` is the length of the waveforms behind them; `framing` ("theano", "tensorflow") and `decibel_reference`
    ("batch", "clip") are the `MelSpectrogram`'s. Input and output: (batch, n_mels, n_frames, 1), in dB.
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
