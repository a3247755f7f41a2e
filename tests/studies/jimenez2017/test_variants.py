"""MusicTaggerCRNN taken apart: the parts are the whole, and what is frozen stays."""

import keras
import numpy as np
import pytest

from mgc_keras.corpus import write_corpus
from mgc_keras.datasets.manifest import read_manifest
from mgc_keras.errors import OptionError, WeightsError
from mgc_keras.layers.named_outputs import output_names
from mgc_keras.networks.load import load_model
from mgc_keras.networks.tensors import tensors_of
from mgc_keras.studies.jimenez2017.network import N_SAMPLES, music_tagger_crnn
from mgc_keras.studies.jimenez2017.trainer import train_source_crnn
from mgc_keras.studies.jimenez2017.variants import (
    freeze_all_but_head,
    from_short,
    short_crnn,
    split_at,
    with_head,
)
from mgc_keras.training.tagger import TaggerSettings


@pytest.fixture(scope="module")
def tagger() -> keras.Model:
    return music_tagger_crnn(4, names=list("abcd"))


def test_a_new_head_leaves_all_else(tagger: keras.Model) -> None:
    model = with_head(tagger, ("jazz", "rock", "pop"), seed=3)
    assert output_names(model) == ("jazz", "rock", "pop") and model.output_shape == (None, 3)
    old, new = tensors_of(tagger), tensors_of(model)
    assert set(new) - set(old) == {"genres/kernel", "genres/bias"}
    for name in set(new) & set(old):
        np.testing.assert_array_equal(new[name], old[name])
    freeze_all_but_head(model)
    assert [variable.path.split("/")[-2] for variable in model.trainable_variables] == ["genres", "genres"]


def test_below_and_above_are_the_whole(tagger: keras.Model) -> None:
    waveform = (0.1 * np.random.default_rng(0).standard_normal((1, N_SAMPLES))).astype(np.float32)
    below, above = split_at(tagger, "conv4")
    np.testing.assert_allclose(np.asarray(above(below([waveform]))), np.asarray(tagger(waveform)), atol=1e-6)
    with pytest.raises(OptionError, match="conv9"):
        split_at(tagger, "conv9")


def test_other_input_and_no_head(tagger: keras.Model, tmp_path) -> None:
    tagger.save(tmp_path / "tagger.keras")
    features = load_model(tmp_path / "tagger.keras", output="features", input="melspectrogram")
    assert (features.input_shape, features.output_shape) == ((None, 96, 1366, 1), (None, 32))
    old, new = tensors_of(tagger), tensors_of(features)
    assert set(old) - set(new) == {"tags/kernel", "tags/bias"}
    for name, value in new.items():
        np.testing.assert_array_equal(value, old[name])
    with pytest.raises(WeightsError, match="the model has no genres"):
        load_model(tmp_path / "tagger.keras", output="genres")


def test_other_networks_have_no_such_head() -> None:
    with pytest.raises(OptionError, match="no MusicTaggerCRNN"):
        with_head(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]), ("a", "b"))


def test_whole_network_of_a_short_one() -> None:
    short = short_crnn(3, n_frames=96, seed=1)
    random = np.random.default_rng(2)
    short.get_layer("time_norm").set_weights([random.random(96).astype(np.float32) for _ in range(4)])
    whole = from_short(short, ("a", "b", "c"))
    ours, theirs = tensors_of(short), tensors_of(whole)
    for name, value in theirs.items():
        if not name.startswith("time_norm"):
            np.testing.assert_array_equal(value, ours[name])
    gamma = theirs["time_norm/gamma"]
    np.testing.assert_allclose(gamma[37:-37], ours["time_norm/gamma"].mean(), rtol=1e-6)
    # Padding is zeros, which pass through as zeros.
    np.testing.assert_array_equal(theirs["time_norm/beta"][[0, 36, -37, -1]], 0)


def test_a_short_training_on_tags(tmp_path) -> None:
    manifest = read_manifest(
        write_corpus("tagging", tmp_path / "corpus", 20, 0, sampling_rate=12000, duration=1.0, jobs=1)
    )
    settings = TaggerSettings(epochs=1, batch_size=18, excerpt_frames=96)
    path = train_source_crnn(manifest, tmp_path / "source", settings, 1)
    model = load_model(path)
    assert output_names(model) == tuple(column.removeprefix("label_") for column in manifest.label_columns)
    trained, fresh = tensors_of(model), tensors_of(short_crnn(len(manifest.label_columns), n_frames=96))
    assert np.abs(trained["conv1/kernel"] - fresh["conv1/kernel"]).max() > 1e-4
    before = path.read_bytes()
    assert train_source_crnn(manifest, tmp_path / "source", settings, 1) == path and path.read_bytes() == before
