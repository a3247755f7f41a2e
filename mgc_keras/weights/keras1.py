"""Reads the Keras-1.2 weight files of Choi et al. (2017): Theano and TensorFlow order."""

from pathlib import Path

import h5py
import numpy as np

from mgc_keras.errors import WeightsError
from mgc_keras.models.choi2017 import LAYERS, N_CHANNELS

_GROUP = "ConvBNEluDr"
_NORMALIZATION = {"gamma": "gamma", "beta": "beta", "moving_mean": "running_mean", "moving_variance": "running_std"}


def is_keras1_convnet(file: h5py.File) -> bool:
    """Tell whether this is a weight file of the convnet as Keras 1.2 saved it."""
    return "layer_names" in file.attrs and _GROUP in file and "melgram" in file


def read_keras1(file: h5py.File, path: Path) -> dict[str, np.ndarray]:
    """Read every tensor of the network from a Keras-1.2 weight file.

    Parameters
    ----------
    file : h5py.File
        The open file.
    path : Path
        Its name, for messages.

    Returns
    -------
    dict
        ``conv1/kernel`` (3, 3, in, 32), ``conv1/bias``, ``bn1/gamma``, …; ``tags/kernel`` (32, n_tags) and ``tags/bias``
        where the file has the tagging head. All float32. Theano applies kernels flipped: they are flipped back.

    Raises
    ------
    WeightsError
        A tensor is missing, has another shape, or is one too many.
    """
    group = file[_GROUP]
    # Names of TensorFlow's variables end in ":0". Its files hold the kernels unflipped, in Theano's axis order.
    ending = ":0" if "convolution2d_1_W:0" in group else ""
    unread = set(group)
    tensors: dict[str, np.ndarray] = {}

    def take(name: str, source: str, shape: tuple[int, ...]) -> None:
        if source not in unread:
            raise WeightsError(
                "this tensor is missing: the file does not hold all five layers",
                path=path,
                field=f"{_GROUP}/{source}",
                cure="take weights_layer4, which holds the whole network",
            )
        unread.remove(source)
        tensors[name] = checked_tensor(group[source], shape, path)

    for layer in LAYERS:
        n_inputs = 1 if layer == 1 else N_CHANNELS
        take(f"conv{layer}/kernel", f"convolution2d_{layer}_W{ending}", (N_CHANNELS, n_inputs, 3, 3))
        take(f"conv{layer}/bias", f"convolution2d_{layer}_b{ending}", (N_CHANNELS,))
        kernel = tensors[f"conv{layer}/kernel"]
        kernel = kernel if ending else kernel[:, :, ::-1, ::-1]
        tensors[f"conv{layer}/kernel"] = np.ascontiguousarray(kernel.transpose(2, 3, 1, 0))
        for name, source in _NORMALIZATION.items():
            take(f"bn{layer}/{name}", f"batchnormalization_{layer}_{source}{ending}", (N_CHANNELS,))
    if unread:
        raise WeightsError(
            "the network has no such tensor", path=path, field=f"{_GROUP}/{sorted(unread)[0]}", cure="take another file"
        )
    if "dense_1" in file:
        kernel = file["dense_1"][f"dense_1_W{ending}"]
        tensors["tags/kernel"] = checked_tensor(kernel, (N_CHANNELS, kernel.shape[-1]), path)
        tensors["tags/bias"] = checked_tensor(file["dense_1"][f"dense_1_b{ending}"], (kernel.shape[-1],), path)
    return tensors


def checked_tensor(dataset: h5py.Dataset, shape: tuple[int, ...], path: Path) -> np.ndarray:
    """Return `dataset` as float32 if it has this shape, all of it finite; else raise a `WeightsError`."""
    if dataset.shape != shape:
        raise WeightsError(
            f"has shape {dataset.shape}, the network needs {shape}",
            path=path,
            field=dataset.name.strip("/"),
            cure="take a file of this network",
        )
    tensor = np.asarray(dataset, dtype=np.float32)
    if not np.isfinite(tensor).all():
        raise WeightsError("holds NaN or infinite numbers", path=path, field=dataset.name.strip("/"))
    return tensor
