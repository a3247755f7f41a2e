"""Opens every weight and model file that this package understands."""

from pathlib import Path

import h5py
import keras

from mgc_keras.errors import WeightsError
from mgc_keras.models.choi2017 import convnet
from mgc_keras.weights.keras1 import read_keras1


def load_model(
    path: str | Path,
    *,
    output: str | None = None,
    normalization: str | None = None,
    framing: str | None = None,
    decibel_reference: str | None = None,
) -> keras.Model:
    """Load the convnet (thin path: Keras-1.2 files)."""
    with h5py.File(path) as file:
        tensors = read_keras1(file, Path(path))
    model = convnet(
        output=output or "features",
        normalization=normalization or "batch",
        framing=framing or "theano",
        decibel_reference=decibel_reference or "batch",
    )
    for layer in model.layers:
        for variable in layer.weights:
            name = f"{layer.name}/{variable.name}"
            if name not in tensors:
                raise WeightsError("missing", path=path, field=name)
            variable.assign(tensors[name])
    return model
