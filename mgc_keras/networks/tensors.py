"""Every weight of a network: by name, to be moved to another one, and hashed, to be told from others."""

import hashlib

import keras
import numpy as np

from mgc_keras.errors import OptionError
from mgc_keras.layers.melspectrogram import MelSpectrogram


def tensors_of(model: keras.Model) -> dict[str, np.ndarray]:
    """Return every weight of a model as ``{"<layer>/<weight>": array}``: ``conv1/kernel``, ``bn1/gamma``, …"""
    return {
        f"{layer.name}/{variable.name}": keras.ops.convert_to_numpy(variable)
        for layer in model.layers
        for variable in layer.weights
        if not isinstance(layer, MelSpectrogram)
    }


def set_tensors(model: keras.Model, tensors: dict[str, np.ndarray]) -> None:
    """Set every weight of `model` from `tensors`, by name; more tensors than the model has are left over.

    Raises
    ------
    OptionError
        A weight of the model is not among `tensors`, or has another shape there. The model may be partly set.
    """
    for layer in model.layers:
        for variable in () if isinstance(layer, MelSpectrogram) else layer.weights:
            name = f"{layer.name}/{variable.name}"
            if name not in tensors:
                raise OptionError("no tensor for this weight", field=name, cure="take the weights of the same network")
            if tuple(tensors[name].shape) != tuple(variable.shape):
                raise OptionError(
                    f"has shape {tuple(tensors[name].shape)}, the network needs {tuple(variable.shape)}", field=name
                )
            variable.assign(tensors[name])


def weights_sha256(model: keras.Model) -> str:
    """Return a SHA-256 over a model's tensors (types, shapes, values, in order), whatever file they came from."""
    digest = hashlib.sha256()
    for variable in model.weights:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(variable))
        digest.update(f"{values.dtype.str}{values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
