"""The mel-spectrogram front end against golden output, brute-force twins and TensorFlow's own convolution."""

import math

import keras
import librosa
import numpy as np
import pytest
import tensorflow as tf

from mgc_keras.audio.files import fit_waveform, read_waveform
from mgc_keras.errors import OptionError
from mgc_keras.layers.melspectrogram import MelSpectrogram, frame_padding

WINDOW = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
KERNELS = WINDOW[:, None] * np.exp(2j * np.pi * np.outer(np.arange(512), np.arange(257)) / 512)
FILTERS = librosa.filters.mel(sr=12000, n_fft=512, n_mels=96, fmin=0.0, fmax=6000.0).astype(np.float64)


def decibels(power: np.ndarray) -> np.ndarray:
    """(n_frames, 257) power to (96, n_frames) decibels below the maximum."""
    values = 10 * np.log10(np.maximum(FILTERS @ power.T, 1e-10))
    return np.maximum(values - values.max(), -80.0)


def theano_twin(waveform: np.ndarray) -> np.ndarray:
    """Theano's 'half' border: a true convolution, kernels reversed, cropped to ceil(n / 256) frames."""
    padded = np.pad(waveform.astype(np.float64), 256)
    n_frames = math.ceil(len(waveform) / 256)
    starts = [256 * k for k in range(n_frames)]
    frames = np.stack([np.pad(padded[s : s + 512], (0, 512 - len(padded[s : s + 512]))) for s in starts])
    return decibels(np.abs(frames @ KERNELS[::-1]) ** 2)


def tensorflow_twin(waveform: np.ndarray) -> np.ndarray:
    """TensorFlow's own convolution with 'SAME' padding."""
    signal = tf.constant(waveform[None, :, None], tf.float64)
    parts = [tf.nn.conv1d(signal, part[:, None, :], 256, "SAME")[0].numpy() for part in (KERNELS.real, KERNELS.imag)]
    return decibels(parts[0] ** 2 + parts[1] ** 2)


def noise(*shape: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(3).standard_normal(shape)).astype(np.float32)


@pytest.mark.parametrize("n_samples", [348000, 5120, 5121, 5375, 700, 512, 300, 100, 1])
@pytest.mark.parametrize(("framing", "twin"), [("theano", theano_twin), ("tensorflow", tensorflow_twin)])
def test_equals_twin(framing, twin, n_samples):
    waveform = noise(n_samples) + 0.3
    result = MelSpectrogram(framing=framing)(waveform[None]).numpy()
    assert result.shape == (1, 96, math.ceil(n_samples / 256), 1)
    np.testing.assert_allclose(result[0, :, :, 0], twin(waveform), atol=2e-3)


def test_padding_of_29_seconds():
    assert frame_padding(348000, 512, 256, "tensorflow") == (208, 208)
    left, right = frame_padding(348000, 512, 256, "theano")
    assert (left + 348000 + right - 512) // 256 + 1 == 1360


def test_golden_front_end(shared_data):
    golden = np.load(shared_data / "golden" / "choi2017_theano.npz", allow_pickle=False)
    paths = [shared_data / "audio" / "emotify" / str(name) for name in golden["filepath"][:2]]
    batch = np.stack([fit_waveform(read_waveform(path, 12000, duration=29.0), 348000, "zero_pad") for path in paths])
    result = MelSpectrogram()(batch).numpy()
    np.testing.assert_allclose(result[..., 0], golden["melgram_db_first2"][:, 0], rtol=0, atol=2e-3)


def test_decibel_references():
    batch = noise(2, 5000) * np.array([[1.0], [0.01]], np.float32)
    loud, quiet = MelSpectrogram(decibel_reference="clip")(batch).numpy()
    assert loud.max() == quiet.max() == 0.0
    _, quiet_in_batch = MelSpectrogram()(batch).numpy()
    np.testing.assert_allclose(quiet_in_batch, np.maximum(quiet + quiet_in_batch.max(), -80.0), atol=1e-3)
    assert quiet_in_batch.max() < -30.0


def test_floor_and_silence():
    click = np.zeros((1, 5000), np.float32)
    click[0, 300] = 1.0
    assert MelSpectrogram()(click).numpy().min() == -80.0
    assert MelSpectrogram(dynamic_range=40.0)(click).numpy().min() == -40.0
    np.testing.assert_array_equal(MelSpectrogram()(np.zeros((2, 5000), np.float32)).numpy(), 0.0)


def test_float32_under_mixed_precision():
    batch = noise(1, 5000)
    expected = MelSpectrogram()(batch).numpy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        layer = MelSpectrogram()
        model = keras.Sequential([keras.Input((5000,)), layer])
        result = model(batch).numpy()
    finally:
        keras.config.set_dtype_policy("float32")
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("n_samples", [5120, 5121, 700])
def test_crnn_front_end_equals_librosa(n_samples):
    waveform = noise(n_samples)
    layer = MelSpectrogram(framing="reflect", decibel_reference="unit", mel_exponent=2.0)
    mel = librosa.feature.melspectrogram(y=waveform, sr=12000, n_fft=512, hop_length=256, n_mels=96, pad_mode="reflect")
    expected = librosa.power_to_db(mel**2, ref=1.0, amin=1e-10, top_db=80.0)
    result = layer(waveform[None]).numpy()
    assert result.shape == layer.compute_output_shape((1, n_samples)) == (1, *expected.shape, 1)
    np.testing.assert_allclose(result[0, :, :, 0], expected, atol=2e-3)


@pytest.mark.parametrize("option", ["framing", "decibel_reference"])
def test_unknown_options(option):
    with pytest.raises(OptionError, match=option):
        MelSpectrogram(**{option: "torch"})
