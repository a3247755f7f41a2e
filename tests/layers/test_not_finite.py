"""NaN in, NaN out: a sample that is no number must not become features that look like any others."""

import keras
import numpy as np
import pytest

from mgc_keras.layers.decibel_image import DecibelImage
from mgc_keras.layers.melspectrogram import MelSpectrogram
from mgc_keras.layers.normalization import ClipStandardization
from mgc_keras.layers.pooling import MaxPooling2D
from mgc_keras.layers.scattering import Scattering
from mgc_keras.studies.choi2017.network import convnet
from mgc_keras.studies.jimenez2017.network import music_tagger_crnn

N_SAMPLES = 8192


def waveforms(n_samples: int, bad: float, place: int = 1000) -> np.ndarray:
    """Three clips, the second with one bad sample."""
    clips = (0.1 * np.random.default_rng(3).standard_normal((3, n_samples))).astype(np.float32)
    clips[1, place] = bad
    return clips


def check(subject: keras.layers.Layer, inputs: np.ndarray) -> None:
    """The second clip is NaN throughout, and the others are what they are beside a good one."""
    # As many clips: some processors round products of matrices of another size in another way.
    good = np.where(np.isfinite(inputs), inputs, np.float32(0))
    found, beside_good = np.asarray(subject(inputs)), np.asarray(subject(good))
    assert np.isnan(found[1]).all()
    np.testing.assert_array_equal(found[::2], beside_good[::2])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, N_SAMPLES - 1])
def test_melspectrograms(bad: float, place: int) -> None:
    for options in ({"decibel_reference": "clip"}, {"decibel_reference": "unit", "framing": "reflect"}):
        check(MelSpectrogram(**options), waveforms(N_SAMPLES, bad, place))
    assert np.isnan(MelSpectrogram(decibel_reference="batch")(waveforms(N_SAMPLES, bad, place))[1]).all()


def test_scattering() -> None:
    for bad in (np.nan, np.inf):
        for logarithm in (False, True):
            check(Scattering(J=6, Q=4, logarithm=logarithm), waveforms(N_SAMPLES, bad))


def test_layers_behind_the_melspectrogram() -> None:
    maps = np.random.default_rng(0).uniform(-80, 0, (3, 8, 10, 1)).astype(np.float32)
    maps[1] = np.nan
    for layer in (DecibelImage(), DecibelImage(size=(4, 20)), MaxPooling2D(2), ClipStandardization()):
        check(layer, maps)
    maps[1] = 0
    pooled = MaxPooling2D((2, 3))
    twin = maps[:, :8, :9].reshape(3, 4, 2, 3, 3, 1).max(axis=(2, 4))
    np.testing.assert_array_equal(pooled(maps), twin)
    assert type(pooled).from_config(pooled.get_config()).pool_size == (2, 3)


def test_networks() -> None:
    network = convnet(normalization="population", decibel_reference="clip")
    inputs = waveforms(network.input_shape[1], np.nan)
    found = network(inputs).numpy()
    assert np.isnan(found[1]).all() and np.isfinite(found[::2]).all()
    network = music_tagger_crnn()
    found = network(waveforms(network.input_shape[1], np.inf)).numpy()
    assert np.isnan(found[1]).all() and np.isfinite(found[::2]).all()
