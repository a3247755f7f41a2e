"""Whole models of Keras 2: what their layers' settings were, and layers that Keras 3 does not have.

The files are made here as Keras 2 wrote them: by Keras 3, with the settings of Keras 2 put in. tf-keras's own files of
these layers were opened, too, and gave its outputs to 3e-8.
"""

import json

import h5py
import keras
import numpy as np
import pytest

from mgc_keras.errors import WeightsError
from mgc_keras.networks.load import load_model


def as_keras2(path, change):
    """Let a file say that Keras 2 wrote it, after a change of each layer's entry."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            change(layer)
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.15.0"
    return path


def saved(path, *layers):
    model = keras.Sequential([keras.Input((6, 3)), *layers])
    model.save(path)
    return model


def test_settings_that_are_gone_are_dropped_where_they_say_nothing(tmp_path):
    path = tmp_path / "rnn.h5"
    inner = keras.layers.LSTM(4, return_sequences=True)
    model = saved(path, keras.layers.Bidirectional(inner, name="both"), keras.layers.GRU(2, name="gru"))

    def change(layer, time_major=False):
        if layer["class_name"] == "GRU":
            layer["config"]["time_major"] = time_major
        if layer["class_name"] == "Bidirectional":
            for key in ("layer", "backward_layer"):
                layer["config"][key]["config"]["time_major"] = False

    values = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    np.testing.assert_allclose(load_model(as_keras2(path, change))(values), model(values), atol=1e-6)
    as_keras2(path, lambda layer: change(layer, time_major=True))
    with pytest.raises(WeightsError, match="rnn.h5: gru: this GRU layer of Keras 2 cannot be built: .*time_major"):
        load_model(path)


def test_the_hard_sigmoid_is_that_of_keras2(tmp_path):
    path = tmp_path / "gates.h5"
    saved(path, keras.layers.Activation("hard_sigmoid"))
    values = np.linspace(-4, 4, 18).astype(np.float32).reshape(1, 6, 3)
    expected = np.clip(0.2 * values + 0.5, 0, 1)
    np.testing.assert_allclose(load_model(as_keras2(path, lambda layer: None))(values), expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["TensorFlowOpLayer", "TFOpLambda", "ThresholdedReLU", "Mine"])
def test_layers_that_keras3_does_not_have_are_named(tmp_path, kind):
    path = tmp_path / "odd.h5"
    saved(path, keras.layers.ReLU(name="odd_one"))

    def change(layer):
        if layer["class_name"] == "ReLU":
            layer["class_name"] = kind

    as_keras2(path, change)
    with pytest.raises(WeightsError, match=f"odd.h5: odd_one: a {kind} layer is not one of Keras 3"):
        load_model(path)
