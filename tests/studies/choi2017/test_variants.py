"""Variants of the convnet carry the same weights, and say what they cannot become."""

import keras
import numpy as np
import pytest

from mgc_keras.errors import OptionError
from mgc_keras.networks.tensors import set_tensors, tensors_of
from mgc_keras.studies.choi2017.network import convnet, options_of, with_variant

SHORTEST = 327425


@pytest.mark.parametrize(
    "options",
    [
        {},
        {
            "output": "tags",
            "n_tags": 7,
            "input": "melspectrogram",
            "framing": "tensorflow",
            "decibel_reference": "clip",
        },
        {"normalization": "population", "standardize_clips": True, "n_samples": 400_000},
    ],
    ids=["default", "tagger", "successor"],
)
def test_options_are_read_off_the_layers(options):
    read = vars(options_of(convnet(**options)))
    assert read == vars(options_of(convnet())) | options


def test_a_tagger_for_melspectrograms_becomes_a_feature_model_for_waveforms():
    tagger = convnet(SHORTEST, output="tags", input="melspectrogram", framing="tensorflow", seed=3)
    model = with_variant(tagger, output="features", input="waveform")
    assert options_of(model).framing == "tensorflow"
    waveform = np.random.default_rng(0).standard_normal((2, SHORTEST)).astype(np.float32)
    maps = model.get_layer("melspectrogram")(waveform)
    fifth = keras.Model(tagger.input, tagger.get_layer("elu5").output)(maps).numpy()
    np.testing.assert_allclose(model(waveform).numpy()[:, 128:], fifth[:, 0, 0], atol=1e-5)
    ours, theirs = tensors_of(model), tensors_of(tagger)
    assert set(theirs) - set(ours) == {"tags/kernel", "tags/bias"}
    for name, tensor in ours.items():
        np.testing.assert_array_equal(tensor, theirs[name])


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"output": "tags"}, "output"), ({"normalization": "population"}, "normalization"), ({"hop": 1}, "hop")],
)
def test_what_a_model_cannot_become(changes, field):
    with pytest.raises(OptionError, match=field):
        with_variant(convnet(SHORTEST), **changes)


def test_another_network_is_refused():
    with pytest.raises(OptionError, match="not the Choi 2017 convnet"):
        options_of(keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]))


def test_every_tensor_is_set_or_named():
    model = convnet(SHORTEST)
    tensors = tensors_of(model)
    missing = {name: tensor for name, tensor in tensors.items() if name != "bn2/beta"}
    with pytest.raises(OptionError, match="bn2/beta"):
        set_tensors(model, missing)
    with pytest.raises(OptionError, match="conv1/kernel.*shape"):
        set_tensors(model, tensors | {"conv1/kernel": np.zeros((3, 3, 2, 32), np.float32)})
