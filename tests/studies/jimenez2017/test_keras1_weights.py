"""MusicTaggerCRNN from its three published files, against the outputs of the original programs."""

import shutil

import h5py
import keras
import numpy as np
import pytest
import soxr

import mgc_keras
from mgc_keras.errors import WeightsError
from mgc_keras.layers.named_outputs import output_names
from mgc_keras.networks.lastfm import TAGS
from mgc_keras.networks.tensors import tensors_of
from mgc_keras.studies.jimenez2017.network import GENRES, N_SAMPLES, keras1_hard_sigmoid

TAGGERS = {kind: f"taggers/music_tagger_crnn_weights_{kind}.h5" for kind in ("theano", "tensorflow")}
TUNED = "upc/crnn_net_gru_adam_ours_epoch_40.h5"


@pytest.fixture(scope="module")
def golden(shared_data):
    return dict(np.load(shared_data / "golden" / "music_tagger_crnn.npz", allow_pickle=False))


@pytest.fixture(scope="module")
def theano(shared_data):
    return mgc_keras.load_model(shared_data / TAGGERS["theano"])


@pytest.fixture(scope="module")
def tuned(shared_data):
    return mgc_keras.load_model(shared_data / TUNED)


@pytest.mark.parametrize("kind", TAGGERS)
def test_tags_of_the_authors_melspectrograms(shared_data, golden, kind):
    stored = [np.load(shared_data / "taggers" / str(name), allow_pickle=False)[0, 0] for name in golden["clips"]]
    model = mgc_keras.load_model(shared_data / TAGGERS[kind], input="melspectrogram")
    scores = model(np.stack(stored)[..., None].astype(np.float32)).numpy()
    np.testing.assert_allclose(scores, golden["tag_scores"], rtol=0, atol=1e-5)
    assert output_names(model) == tuple(golden["tags"]) == TAGS


def test_tags_from_mp3(shared_data, golden, theano):
    """Libsndfile's decoder begins 1058 samples earlier than the authors': cut off, the tags are theirs."""
    excerpts = []
    for name in golden["clips"]:
        decoded = mgc_keras.read_waveform(shared_data / "taggers" / str(name).replace(".npy", ".mp3"), None)
        waveform = soxr.resample(decoded[2 * 529 :], 44100, 12000, quality="HQ")
        excerpts.append(mgc_keras.fit_waveform(waveform, N_SAMPLES, "crop"))
    np.testing.assert_allclose(theano(np.stack(excerpts)).numpy(), golden["tag_scores"], rtol=0, atol=0.03)


def test_tuned_network_on_whole_clips_from_mp3(shared_data, tuned):
    """Two of the clips, as the suite's time is short; of all 60 the largest difference was 1.1e-6."""
    golden = np.load(shared_data / "golden" / "upc_crnn.npz", allow_pickle=False)
    assert output_names(tuned) == tuple(golden["genres"]) == GENRES
    ends = np.cumsum(golden["frames_per_clip"])
    for clip in (0, 45):
        waveform = mgc_keras.read_waveform(shared_data / "audio" / "emotify" / str(golden["filepath"][clip]), 12000)
        n_excerpts = golden["frames_per_clip"][clip]
        scores = tuned(waveform[: n_excerpts * N_SAMPLES].reshape(n_excerpts, N_SAMPLES)).numpy()
        frames = golden["frame_scores"][ends[clip] - n_excerpts : ends[clip]]
        np.testing.assert_allclose(scores, frames, rtol=0, atol=2e-3)
        song = (scores / scores.sum(axis=1, keepdims=True)).mean(axis=0)
        np.testing.assert_allclose(song, golden["song_scores"][clip], rtol=0, atol=2e-3)


def test_gate_is_not_that_of_keras_3():
    x = np.linspace(-4, 4, 81, dtype=np.float32)
    gate = np.asarray(keras1_hard_sigmoid(x))
    np.testing.assert_allclose(gate, np.clip(0.2 * x + 0.5, 0, 1), atol=1e-6)
    assert np.abs(gate - np.asarray(keras.activations.hard_sigmoid(x))).max() > 0.08


def test_features_are_the_same_network_without_its_head(shared_data, theano):
    features = mgc_keras.load_model(shared_data / TAGGERS["theano"], output="features")
    assert features.output_shape == (None, 32)
    old, new = tensors_of(theano), tensors_of(features)
    assert set(old) - set(new) == {"tags/kernel", "tags/bias"}
    for name, value in new.items():
        np.testing.assert_array_equal(value, old[name])


@pytest.mark.parametrize(
    ("file", "option", "message"),
    [
        (TUNED, {"output": "tags"}, "scores 10 genres, not 50 tags"),
        (TAGGERS["theano"], {"output": "genres"}, "scores 50 tags, not 10 genres"),
        (TAGGERS["theano"], {"framing": "theano"}, "no such choice"),
    ],
)
def test_wrong_option_for_the_file(shared_data, file, option, message):
    with pytest.raises(WeightsError, match=message) as error:
        mgc_keras.load_model(shared_data / file, **option)
    assert file.split("/")[-1] in str(error.value) and error.value.cure


def _without_a_gate(file):
    del file["gru1/gru1_W_z"]


def _with_a_tensor_more(file):
    file["gru1/gru1_W_q"] = np.zeros((128, 32), np.float32)


def _without_its_head(file):
    del file["preds"]


def _with_a_kernel_of_5(file):
    del file["conv3/conv3_W"]
    file["conv3/conv3_W"] = np.zeros((128, 128, 5, 5), np.float32)


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (_without_a_gate, "gru1/gru1_W_z"),
        (_with_a_tensor_more, "gru1/gru1_W_q"),
        (_without_its_head, "output"),
        (_with_a_kernel_of_5, "conv3/conv3_W"),
    ],
)
def test_a_spoilt_file_is_refused_by_name(shared_data, tmp_path, spoil, field):
    path = tmp_path / "spoilt.h5"
    shutil.copyfile(shared_data / TUNED, path)
    with h5py.File(path, "r+") as file:
        spoil(file)
    with pytest.raises(WeightsError, match=field):
        mgc_keras.load_model(path)
