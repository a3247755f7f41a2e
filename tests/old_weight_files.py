"""Writes weight files as old versions of Keras did."""

from pathlib import Path

import h5py
import keras
import numpy as np

KERAS1_NAMES = {"kernel": "W", "bias": "b"}


def write_by_layer_names(model: keras.Model, path: Path, old: bool) -> None:
    """Write the weights as Keras 1 (`old`) or Keras 2 did, by which keras.applications ships them."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([layer.name.encode() for layer in model.layers])
        for layer in model.layers:
            group, names = file.create_group(layer.name), []
            for weight in layer.weights:
                keras1 = f"{layer.name}_{KERAS1_NAMES.get(weight.name, weight.name)}_1:0"
                names.append(keras1 if old else f"{layer.name}/{weight.name}:0")
                group[names[-1]] = np.asarray(weight)
            group.attrs["weight_names"] = np.array([stored.encode() for stored in names], "S")
