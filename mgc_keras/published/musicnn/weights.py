"""Reads musicnn's weights: from its TensorFlow-1 checkpoints, and from the whole Keras-2 models made of these.

Such a model holds TensorFlow operations as layers. None is run: the whole architecture is known, operations included,
and of a file that has exactly this one the tensors are read.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from mgc_keras.errors import WeightsError
from mgc_keras.networks.checkpoints import Checkpoint
from mgc_keras.networks.hdf5 import read_tensor
from mgc_keras.networks.keras_weights import places_by_layer_names
from mgc_keras.networks.lastfm import TAGS
from mgc_keras.networks.saved import check_stored_tensors, config_of_h5_file
from mgc_keras.networks.tensors import set_tensors, tensors_of
from mgc_keras.published.musicnn.network import MTT_TAGS, MUSICNN_LAYERS, VGG_LAYERS, WeightLayers, musicnn, vgg

# From type of layer, number among those of the type, weight and shape to a tensor of a file.
Read = Callable[[str, int, str, tuple[int, ...]], np.ndarray]
# `_structure` of the authors' networks.
_STRUCTURES = {
    "musicnn": "132465fc02081560916e200b2f538ff54593d283147929abbb19f330abebf8ac",
    "vgg": "6c9fab0e981189dff1d88b8edcc0fcdfd4c70631f67c4cffb785d54b25c74ac6",
}
# Which tags a training has, by the SHA-256 of its head's kernel: no file says it.
_TAGS_BY_HEAD = {
    "42c830f5a9dcbea2ecf3cd3c1a11b51e626570a7034474315cbb851f5e469d3a": MTT_TAGS,
    "a5ed2da0ab2d906b5020df639b542ccda2b9e57ca55b45cca33d3479ab893734": MTT_TAGS,
    "76f61d44f2b80d28e06eaa94e4049f95f134d2fcb2a51a14f2f07eaf1abf4fcf": TAGS,
    "e556969ea59391b4c987907f0572e366018cf3489a942e6cdf6a1893098e0dd5": TAGS,
}
# Of a layer's configuration, what moves a number.
_TELLING = (
    "batch_input_shape", "axis", "epsilon", "center", "scale", "filters", "kernel_size", "strides", "padding",
    "data_format", "dilation_rate", "activation", "use_bias", "pool_size", "constants", "units",
)  # fmt: skip


def is_musicnn_checkpoint(checkpoint: Checkpoint) -> bool:
    """Tell whether a checkpoint is one of the two networks, of whatever training."""
    return _is_musicnn(checkpoint) or "5CNN/kernel" in checkpoint.shapes


def _is_musicnn(checkpoint: Checkpoint) -> bool:
    return {"conv2d_7/kernel", "batch_normalization_10/gamma", "dense_1/kernel"} <= set(checkpoint.shapes)


def read_checkpoint(checkpoint: Checkpoint, chosen: dict[str, str]) -> keras.Model:
    """Build the network of a checkpoint with its weights, and the options `chosen`; see `load_model` for errors."""
    is_musicnn = _is_musicnn(checkpoint)

    def name_of(kind: str, number: int, weight: str) -> str:
        if kind == "Conv2D" and not is_musicnn:
            return f"{number + 1}CNN/{weight}"
        stem = {"Conv2D": "conv2d", "BatchNormalization": "batch_normalization", "Dense": "dense"}[kind]
        return f"{stem}_{number}/{weight}" if number else f"{stem}/{weight}"

    def read(kind: str, number: int, weight: str, shape: tuple[int, ...]) -> np.ndarray:
        return checkpoint.tensor(name_of(kind, number, weight), shape)

    bias = checkpoint.shapes.get(name_of("Dense", 1 if is_musicnn else 0, "bias"), ())
    return _built(is_musicnn, bias[0] if len(bias) == 1 else 50, read, chosen)


def is_musicnn_model(config: dict[str, Any]) -> bool:
    """Tell whether the configuration of a whole Keras-2 model is exactly that of one of the two networks."""
    return _structure(config) in _STRUCTURES.values()


def read_keras2(file: h5py.File, path: Path, chosen: dict[str, str]) -> keras.Model:
    """Build the network of a whole Keras-2 model with its weights, and the options `chosen`."""
    check_stored_tensors(file, path)
    config = config_of_h5_file(file, path)
    layers: dict[str, list[str]] = {}
    for layer in config["config"]["layers"]:
        layers.setdefault(layer["class_name"], []).append(layer["name"])
    places = places_by_layer_names(file["model_weights"])
    is_musicnn = _structure(config) == _STRUCTURES["musicnn"]

    def read(kind: str, number: int, weight: str, shape: tuple[int, ...]) -> np.ndarray:
        place = layers[kind][number], weight
        if place not in places:
            cure = "take a whole file of this network"
            raise WeightsError("this tensor is missing", path=path, field="/".join(place), cure=cure)
        return read_tensor(*places[place], shape, path)

    n_tags = config["config"]["layers"][-2 if is_musicnn else -1]["config"]["units"]
    return _built(is_musicnn, n_tags, read, chosen)


def _built(is_musicnn: bool, n_tags: int, read: Read, chosen: dict[str, str]) -> keras.Model:
    build = musicnn if is_musicnn else vgg
    whole = build(n_tags, input="melspectrogram")
    shapes = {name: tensor.shape for name, tensor in tensors_of(whole).items()}
    tensors = {}
    for kind, number, layer in _weight_layers(MUSICNN_LAYERS if is_musicnn else VGG_LAYERS):
        for name, shape in shapes.items():
            if name.rpartition("/")[0] == layer:
                # Convolutions along time are stored with a second dimension of 1.
                stored = (shape[0], shape[1], 1, shape[2]) if len(shape) == 3 else shape
                tensors[name] = read(kind, number, name.rpartition("/")[2], stored).reshape(shape)
    head = hashlib.sha256(np.ascontiguousarray(tensors["tags/kernel"]).tobytes()).hexdigest()
    options = {"output": "tags", "input": "waveform"} | chosen
    return set_tensors(build(n_tags, names=_TAGS_BY_HEAD.get(head), **options), tensors)


def _weight_layers(layers: WeightLayers) -> Iterator[tuple[str, int, str]]:
    kinds = {"Conv2D": layers.convolutions, "BatchNormalization": layers.normalizations, "Dense": layers.dense}
    for kind, names in kinds.items():
        yield from ((kind, number, name) for number, name in enumerate(names))


def _structure(config: dict[str, Any]) -> str:
    """Return a SHA-256 of what a functional model computes, its names, weights and number of outputs left aside."""
    try:
        layers = config["config"]["layers"]
        places = {layer["name"]: place for place, layer in enumerate(layers)}
        parts: list[Any] = []
        for layer in layers:
            settings = layer["config"]
            told = {key: settings[key] for key in _TELLING if key in settings}
            node = settings.get("node_def", {})
            operation = [node.get("op"), node.get("attr")]
            inputs = [[places[source[0]], *source[1:3]] for call in layer["inbound_nodes"] for source in call]
            parts.append([layer["class_name"], told, operation, inputs])
        heads = [told for kind, told, _, _ in parts if kind == "Dense"]
        heads[-1]["units"] = None
        ends = [
            [places[name], *rest] for key in ("input_layers", "output_layers") for name, *rest in config["config"][key]
        ]
    except (LookupError, TypeError, ValueError, AttributeError):
        return ""
    return hashlib.sha256(json.dumps([parts, ends], sort_keys=True).encode()).hexdigest()
