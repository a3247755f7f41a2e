"""From audio files, through the public API, to the outputs of the original programs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mgc_keras
from mgc_keras.networks.lastfm import TAGS
from mgc_keras.networks.tensors import tensors_of
from mgc_keras.studies.choi2017.layerwise import batch_statistics_features
from mgc_keras.studies.choi2017.network import options_of


@pytest.fixture(scope="module")
def golden(shared_data):
    return dict(np.load(shared_data / "golden" / "choi2017_theano.npz", allow_pickle=False))


@pytest.fixture(scope="module")
def emotify(shared_data, golden):
    """The 60 clips, as the original program was given them: (60, 348000) float32."""
    return np.stack([read(shared_data / "audio" / "emotify" / str(name), 29.0) for name in golden["filepath"]])


def read(path, duration):
    waveform = mgc_keras.read_waveform(path, 12000, duration=duration)
    return mgc_keras.fit_waveform(waveform, 348000, "zero_pad")


def one_by_one(model: keras.Model, waveforms: np.ndarray) -> np.ndarray:
    traced = tf.function(model, reduce_retracing=True)
    return np.concatenate([traced(waveform[None]).numpy() for waveform in waveforms])


@pytest.fixture(scope="module")
def theano(shared_data):
    return mgc_keras.load_model(shared_data / "choi2017" / "weights" / "weights_layer4_theano.hdf5")


def test_features_clip_by_clip(theano, emotify, golden):
    np.testing.assert_allclose(one_by_one(theano, emotify), golden["batch1"], rtol=0, atol=5e-4)


def test_features_as_one_batch_of_60(theano, emotify, golden):
    gaps = np.abs(batch_statistics_features(theano, emotify) - golden["batch60"])
    assert gaps.max() < 1e-2 and gaps.mean() < 5e-4


def test_layer_by_layer_clip_by_clip_too(theano, emotify, golden):
    features = np.concatenate([batch_statistics_features(theano, clip[None]) for clip in emotify[:4]])
    np.testing.assert_allclose(features, golden["batch1"][:4], rtol=0, atol=5e-4)


def test_tags_of_the_keras2_network(shared_data):
    golden = np.load(shared_data / "golden" / "choi_keras2.npz", allow_pickle=False)
    assert tuple(golden["tags"]) == TAGS
    # The original was given the first 29 s of the resampled clip, so that the cut leaves no trace of the resampler.
    waveforms = np.stack([read(shared_data / "taggers" / str(name), 29.5) for name in golden["clips"]])
    path = shared_data / "choi2017" / "weights" / "model_best.hdf5"
    tags = one_by_one(mgc_keras.load_model(path), waveforms)
    np.testing.assert_allclose(tags, golden["tag_scores"], rtol=0, atol=1e-4)
    features = one_by_one(mgc_keras.load_model(path, output="features"), waveforms)
    assert features.shape == (4, 160)
    head = tensors_of(mgc_keras.load_model(path))
    scores = 1 / (1 + np.exp(-(features[:, 128:] @ head["tags/kernel"] + head["tags/bias"])))
    np.testing.assert_allclose(scores, tags, atol=1e-5)


def test_tensorflow_file_holds_the_same_network(shared_data, theano, emotify):
    path = shared_data / "taggers" / "compact_cnn_weights_layer4_tensorflow.hdf5"
    assert mgc_keras.load_model(path).get_layer("melspectrogram").framing == "tensorflow"
    twin = mgc_keras.load_model(path, framing="theano")
    assert options_of(twin) == options_of(theano)
    ours, theirs = tensors_of(twin), tensors_of(theano)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name])
    # Two models of the same tensors still differ by rounding: threads share convolutions out as they come.
    np.testing.assert_allclose(one_by_one(twin, emotify[:1]), one_by_one(theano, emotify[:1]), atol=2e-6)


def test_tags_of_the_theano_file_name_the_genre(shared_data, emotify, golden):
    """The tagging head has no golden output here; but it must tell classical music from the rest."""
    path = shared_data / "choi2017" / "weights" / "weights_layer4_theano.hdf5"
    tags = batch_statistics_features(mgc_keras.load_model(path, output="tags"), emotify)
    assert tags.shape == (60, 50)
    classical = np.array([str(name).startswith("classical") for name in golden["filepath"]])
    instrumental, rock = tags[:, TAGS.index("instrumental")], tags[:, TAGS.index("rock")]
    assert instrumental[classical].mean() > instrumental[~classical].mean()
    assert rock[classical].mean() < rock[~classical].mean()


def test_calibrated_published_network(theano, emotify):
    calibrated = mgc_keras.calibrate(theano, emotify[:8])
    together = calibrated(emotify[:3]).numpy()
    np.testing.assert_allclose(one_by_one(calibrated, emotify[:3]), together, rtol=0, atol=2e-5)
