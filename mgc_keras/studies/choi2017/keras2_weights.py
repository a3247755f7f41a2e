"""Reads the whole Keras-2.1.1 model of Choi's batch-independent successor network (`model_best.hdf5`)."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mgc_keras.errors import WeightsError
from mgc_keras.networks.hdf5 import check_all_read, read_tensor, text
from mgc_keras.studies.choi2017.keras1_weights import check_front_end
from mgc_keras.studies.choi2017.network import BN_EPSILON, LAYERS, N_CHANNELS, POOLS

_FRONT_END = ("real_kernels:0", "imag_kernels:0", "Variable:0")


def is_keras2_convnet(config: dict[str, Any]) -> bool:
    """Tell whether a model's configuration begins with Kapre's old front end."""
    layers = config.get("config")
    return isinstance(layers, list) and bool(layers) and layers[0].get("class_name") == "Melspectrogram"


def read_keras2(file: h5py.File, path: Path) -> dict[str, np.ndarray]:
    """Read every tensor of the batch-independent convnet from an open, whole Keras-2.1.1 model.

    Returns
    -------
    dict
        As from `read_keras1`, with the tagging head. The optimizer's state is left alone.

    Raises
    ------
    WeightsError
        A layer is not what the network needs, or a tensor is missing, of another shape, or one too many.
    """
    layers = json.loads(text(file.attrs["model_config"]))["config"]
    _check_layers(layers, path)
    groups = file["model_weights"]
    check_all_read(groups, [layer["config"]["name"] for layer in layers], path)
    check_front_end(_inner(groups, "melgram", path), _FRONT_END, path)
    vector = (N_CHANNELS,)
    wanted: dict[tuple[str, str], dict[str, tuple[int | None, ...]]] = {}
    for layer in LAYERS:
        kernel = (3, 3, 1 if layer == 1 else N_CHANNELS, N_CHANNELS)
        wanted[f"conv{layer}", f"conv2d_{layer}"] = {"kernel": kernel, "bias": vector}
        weights = ("gamma", "beta", "moving_mean", "moving_variance")
        wanted[f"bn{layer}", f"batch_normalization_{layer}"] = dict.fromkeys(weights, vector)
    wanted["tags", "dense_1"] = {"kernel": (N_CHANNELS, None), "bias": (None,)}
    tensors = {}
    for (name, source), shapes in wanted.items():
        group = _inner(groups, source, path)
        for weight, shape in shapes.items():
            tensors[f"{name}/{weight}"] = read_tensor(group, f"{weight}:0", shape, path)
        check_all_read(group, [f"{weight}:0" for weight in shapes], path)
    return tensors


def _inner(groups: h5py.Group, name: str, path: Path) -> h5py.Group:
    """Keras 2 stores a layer's tensors in a group of its name inside a group of its name."""
    group = groups.get(f"{name}/{name}")
    if not isinstance(group, h5py.Group):
        raise WeightsError("this layer is missing", path=path, field=name, cure="take a whole file of this network")
    return group


def _check_layers(layers: list[dict[str, Any]], path: Path) -> None:
    """Compare the stored configuration with the network that is rebuilt, option by option."""
    front_end = {"sr": 12000, "n_dft": 512, "n_hop": 256, "n_mels": 96, "fmin": 0.0, "fmax": 6000, "padding": "same"}
    front_end |= {"power_spectrogram": 2.0, "power_melgram": 2.0, "return_decibel_melgram": True}
    expected: list[tuple[str, dict[str, Any]]]
    expected = [("Melspectrogram", front_end), ("Normalization2D", {"str_axis": "data_sample"})]
    for pool in POOLS:
        convolution = {"filters": N_CHANNELS, "kernel_size": [3, 3], "strides": [1, 1], "dilation_rate": [1, 1]}
        convolution |= {"padding": "same", "activation": "linear", "use_bias": True}
        expected += [
            ("Conv2D", convolution),
            ("BatchNormalization", {"epsilon": BN_EPSILON, "axis": 3, "scale": True, "center": True}),
            ("ELU", {"alpha": 1.0}),
            ("MaxPooling2D", {"pool_size": list(pool), "strides": list(pool), "padding": "valid"}),
        ]
    expected += [("GlobalMaxPooling2D", {}), ("Dense", {"activation": "sigmoid"})]
    for index, layer in enumerate(layers):
        kind, options = expected[index] if index < len(expected) else ("nothing", {})
        found, name = layer["config"], layer["config"].get("name", f"layer {index}")
        if layer["class_name"] != kind:
            problem = f"is a {layer['class_name']} where the network has {kind}"
            raise WeightsError(problem, path=path, field=name, cure="take another file")
        for option, value in options.items():
            if found.get(option) != value:
                problem = f"{option} is {found.get(option)!r}, the network needs {value!r}"
                raise WeightsError(problem, path=path, field=name, cure="take a file of this network")
    if len(layers) < len(expected):
        problem, missing = f"holds {len(layers)} of {len(expected)} layers", expected[len(layers)][0]
        raise WeightsError(problem, path=path, field=missing, cure="take a whole file")
