"""Every weight of a network: by name, to be moved to another one, and hashed, to be told from others."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import keras
import numpy as np

from mgc_keras.errors import OptionError, WeightsError
from mgc_keras.files import why_no_file
from mgc_keras.layers.melspectrogram import MelSpectrogram
from mgc_keras.work import fingerprint


def tensors_of(model: keras.Model) -> dict[str, np.ndarray]:
    """Return every weight of a model by name: ``{"conv1/kernel": array, "bn1/gamma": array, …}``."""
    return {
        f"{layer.name}/{variable.name}": keras.ops.convert_to_numpy(variable)
        for layer in model.layers
        for variable in layer.weights
        if not isinstance(layer, MelSpectrogram)
    }


def set_tensors(
    model: keras.Model, tensors: Mapping[str, np.ndarray], *, except_layers: Collection[str] = ()
) -> keras.Model:
    """Set every weight of a model by name, and return the model; more tensors than it has are left over.

    A network with another head, input or length is built anew, and given the weights of the old one by this function.

    `tensors` are as `tensors_of` gives them. `except_layers` keep their weights: a new head.

    Raises
    ------
    OptionError
        A weight of the model is not among `tensors`, or has another shape there. The model may be partly set.
    """
    for layer in model.layers:
        if isinstance(layer, MelSpectrogram) or layer.name in except_layers:
            continue
        for variable in layer.weights:
            name = f"{layer.name}/{variable.name}"
            if name not in tensors:
                raise OptionError("no tensor for this weight", field=name, cure="take the weights of the same network")
            if tuple(tensors[name].shape) != tuple(variable.shape):
                problem = f"has shape {tuple(tensors[name].shape)}, the network needs {tuple(variable.shape)}"
                raise OptionError(problem, field=name)
            variable.assign(tensors[name])
    return model


def check_is_file(path: str | Path, cure: str) -> None:
    """Raise a `WeightsError` unless there is a file."""
    if not Path(path).is_file():
        raise WeightsError(why_no_file(path), path=path, cure=cure)


def check_same_names(found: Iterable[str], needed: Iterable[str], path: Path, cure: str) -> None:
    """Raise a `WeightsError` that names the first tensor that a file lacks, or for which the network has no place."""
    found, needed = set(found), list(needed)
    missing = [name for name in needed if name not in found]
    if missing:
        problem = f"this tensor is missing, and so are {len(missing) - 1} of the other {len(needed) - 1}"
        raise WeightsError(problem, path=path, field=missing[0], cure=cure)
    unexpected = sorted(found - set(needed))
    if unexpected:
        raise WeightsError("the network has no place for this tensor", path=path, field=unexpected[0], cure=cure)


def weights_sha256(model: keras.Model) -> str:
    """Return a SHA-256 over a model's tensors (types, shapes, values, in order), whatever file they came from."""
    digest = hashlib.sha256()
    for variable in model.weights:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(variable))
        digest.update(f"{values.dtype.str}{values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def network_sha256(model: keras.Model) -> str:
    """Return a SHA-256 over a model's layers and tensors: what it computes, whatever file it came from."""
    config = json.loads(json.dumps(model.get_config(), default=str))
    return fingerprint({**config, "name": None}, weights_sha256(model))
