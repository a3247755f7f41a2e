"""Reads a network's weights from the files that Keras 1, 2 and 3 write, every tensor checked."""

import re
from collections.abc import Iterable, Mapping
from itertools import count, groupby
from operator import itemgetter
from pathlib import Path

import h5py
import numpy as np

from mgc_keras.errors import WeightsError
from mgc_keras.networks.hdf5 import open_hdf5, read_tensor, text
from mgc_keras.networks.tensors import check_same_names

# What a tensor is by its name in old files: ".../kernel:0", or "block1_conv1_W_1:0" of Keras 1.
_WEIGHT = re.compile(r"(?:^|_)(kernel|W|bias|b|gamma|beta|moving_mean|moving_variance)(?:_\d+)?(?::0)?$")
# Layers that Keras numbers in the order in which a process builds them.
_COUNTED = re.compile(
    r"^(conv2d|batch_normalization|activation|max_pooling2d|average_pooling2d|concatenate)(?:_(\d+))?$"
)
_KERAS1_NAMES = {"W": "kernel", "b": "bias"}
# What the tensors of a batch normalisation were called in Keras 1: its "running_std" is a variance.
KERAS1_NORMALIZATION = {
    "gamma": "gamma",
    "beta": "beta",
    "moving_mean": "running_mean",
    "moving_variance": "running_std",
}


def read_keras_weights(
    path: str | Path,
    shapes: Mapping[str, tuple[int, ...]],
    network: str,
    is_counted: bool = False,
) -> dict[str, np.ndarray]:
    """Read every tensor of a network from an HDF5 file of weights: as Keras 1 and 2 wrote it, or a ``.weights.h5``.

    Parameters
    ----------
    path : str or Path
        Its layers must have the names in `shapes`. A ``.weights.h5`` that lacks layers' names is refused.
    shapes : mapping of str to tuple of int
        What the network needs, in its order: ``{"block1_conv1/kernel": (3, 3, 3, 64), …}``.
    network : str
        Its name, for messages.
    is_counted : bool
        The names in `shapes` are the `counted_names` of the file's.

    Returns
    -------
    dict
        The tensors under the names in `shapes`, float32.

    Raises
    ------
    WeightsError
        The file is damaged, or a tensor is missing, one too many, of another shape, or not finite.
    """
    path = Path(path)
    cure = f"take a file of {network} without its top (_notop.h5)"
    with open_hdf5(path) as file:
        places = places_by_layer_names(file) if "layer_names" in file.attrs else _places_of_keras3(file, shapes)
        names = counted_names({layer for layer, _ in places}) if is_counted else {}
        found = {f"{names.get(layer, layer)}/{weight}": place for (layer, weight), place in places.items()}
        if not found:
            raise WeightsError("holds no weights of layers", path=path, cure=cure)
        check_same_names(found, shapes, path, cure)
        return {name: read_tensor(*found[name], shape, path) for name, shape in shapes.items()}


def written_on_theano(group: h5py.Group) -> bool:
    """Tell whether Keras 1 wrote a group of tensors on Theano: names of TensorFlow's variables end in ":0"."""
    return not any(name.endswith(":0") for name in group)


def keras1_kernel(kernel: np.ndarray, on_theano: bool) -> np.ndarray:
    """Return a kernel of Keras 1, (out, in, rows, columns), in the order of Keras 3: (rows, columns, in, out).

    Theano flips kernels when it applies them. Files for TensorFlow hold them flipped already, in the same order.
    """
    kernel = kernel[:, :, ::-1, ::-1] if on_theano else kernel
    return np.ascontiguousarray(kernel.transpose(2, 3, 1, 0))


def counted_names(names: Iterable[str]) -> dict[str, str]:
    """Return a name for every layer of one network that does not depend on what a process built before.

    Example
    -------
    >>> counted_names(["conv2d_7", "mixed0", "conv2d_12"])
    {'conv2d_7': 'conv2d_01', 'mixed0': 'mixed0', 'conv2d_12': 'conv2d_02'}
    """
    names = list(names)
    counted = [(match[1], int(match[2] or 0), match[0]) for match in map(_COUNTED.match, names) if match]
    ranks = {
        name: f"{kind}_{rank:02d}"
        for kind, group in groupby(sorted(counted), key=itemgetter(0))
        for rank, (_, _, name) in enumerate(group, 1)
    }
    return {name: ranks.get(name, name) for name in names}


def places_by_layer_names(file: h5py.File) -> dict[tuple[str, str], tuple[h5py.Group, str]]:
    """Find every tensor of a file as Keras 1 and 2 wrote it, by layer and weight: its group, and its name there."""
    places = {}
    for layer in (text(name) for name in file.attrs["layer_names"]):
        for stored in (text(name) for name in file[layer].attrs["weight_names"]):
            kind = _WEIGHT.search(stored.rsplit("/", 1)[-1])
            weight = _KERAS1_NAMES.get(kind[1], kind[1]) if kind else stored
            places[layer, weight] = (file[layer], stored)
    return places


def _places_of_keras3(file: h5py.File, needed: Iterable[str]) -> dict[tuple[str, str], tuple[h5py.Group, str]]:
    """Find every tensor of a ``.weights.h5``, which has layers' names as attributes and numbers their tensors."""
    weights: dict[str, list[str]] = {}
    for name in needed:
        layer, weight = name.rsplit("/", 1)
        weights.setdefault(layer, []).append(weight)
    places: dict[tuple[str, str], tuple[h5py.Group, str]] = {}
    layers = file.get("layers")
    for group in layers.values() if isinstance(layers, h5py.Group) else ():
        if not isinstance(group, h5py.Group) or "vars" not in group:
            continue
        tensors = group["vars"]
        layer = text(tensors.attrs.get("name", group.name))
        names = dict(zip(map(str, count()), weights.get(layer, [])))
        places |= {(layer, names.get(number, number)): (tensors, number) for number in tensors}
    return places
