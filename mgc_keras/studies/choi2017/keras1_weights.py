"""Reads the Keras-1.2 weight files of Choi et al. (2017), in Theano's and in TensorFlow's order."""

from pathlib import Path

import h5py
import librosa
import numpy as np

from mgc_keras.errors import WeightsError
from mgc_keras.networks.hdf5 import check_all_read, read_tensor, text
from mgc_keras.networks.keras_weights import KERAS1_NORMALIZATION, keras1_kernel, written_on_theano
from mgc_keras.studies.choi2017.network import LAYERS, N_CHANNELS

_GROUP, _CURE = "ConvBNEluDr", "take a file of this network"
# The front end's cosine kernels, sine kernels and mel filterbank, by the ending of tensors' names.
_FRONT_END = {"": ("param_0", "param_1", "param_2"), ":0": ("Variable:0", "Variable_1:0", "Variable_2:0")}


def is_keras1_weights(file: h5py.File) -> bool:
    """Tell whether `file` holds Keras-1 weights of the convnet, whole or in part."""
    names = {text(name) for name in file.attrs.get("layer_names", ())}
    return bool(names & {"melgram", _GROUP}) and "model_config" not in file.attrs


def is_theano(file: h5py.File) -> bool:
    """Tell whether a weight file was written on Theano."""
    return written_on_theano(file[_GROUP])


def read_keras1(file: h5py.File, path: Path) -> dict[str, np.ndarray]:
    """Read every tensor of the convnet from an open Keras-1.2 weight file.

    Both backends store kernels as (out, in, rows, columns); Theano's are applied flipped.

    Returns
    -------
    dict
        ``conv1/kernel`` (3, 3, in, 32), ``conv1/bias``, ``bn1/gamma``, ``bn1/beta``, ``bn1/moving_mean``,
        ``bn1/moving_variance`` (32,), …; ``tags/kernel`` (32, n_tags) and ``tags/bias`` where the file has the tagging
        head. All float32.

    Raises
    ------
    WeightsError
        The file is of another network, or a tensor is missing, of another shape, or one too many.
    """
    names = [text(name) for name in file.attrs["layer_names"]]
    for name in names:
        if name not in ("melgram", _GROUP, "flatten_1", "dense_1"):
            raise WeightsError("the Choi 2017 convnet has no such layer", path=path, field=name, cure=_CURE)
    for name in ("melgram", _GROUP):
        if name not in file:
            raise WeightsError("this layer is missing", path=path, field=name, cure=_CURE)
    group, ending = file[_GROUP], "" if is_theano(file) else ":0"
    check_front_end(file["melgram"], _FRONT_END[ending], path)
    depth = sum(f"convolution2d_{layer}_W{ending}" in group for layer in LAYERS)
    if depth < len(LAYERS):
        raise WeightsError(
            f"holds {depth} of the {len(LAYERS)} layers",
            path=path,
            field=f"{_GROUP}/convolution2d_{depth + 1}_W{ending}",
            cure="take the file weights_layer4, which holds these and the others",
        )
    wanted: dict[str, tuple[str, tuple[int, ...]]] = {}
    for layer in LAYERS:
        shape = (N_CHANNELS, 1 if layer == 1 else N_CHANNELS, 3, 3)
        wanted[f"conv{layer}/kernel"] = (f"convolution2d_{layer}_W{ending}", shape)
        wanted[f"conv{layer}/bias"] = (f"convolution2d_{layer}_b{ending}", (N_CHANNELS,))
        for name, source in KERAS1_NORMALIZATION.items():
            wanted[f"bn{layer}/{name}"] = (f"batchnormalization_{layer}_{source}{ending}", (N_CHANNELS,))
    tensors = {name: read_tensor(group, source, shape, path) for name, (source, shape) in wanted.items()}
    check_all_read(group, [source for source, _ in wanted.values()], path)
    for name in [name for name in tensors if name.endswith("kernel")]:
        tensors[name] = keras1_kernel(tensors[name], on_theano=not ending)
    if "dense_1" in names:
        head, (kernel, bias) = file["dense_1"], (f"dense_1_W{ending}", f"dense_1_b{ending}")
        tensors["tags/kernel"] = read_tensor(head, kernel, (N_CHANNELS, None), path)
        tensors["tags/bias"] = read_tensor(head, bias, tensors["tags/kernel"].shape[1:], path)
        check_all_read(head, (kernel, bias), path)
    return tensors


def check_front_end(group: h5py.Group, names: tuple[str, str, str], path: Path) -> None:
    """Check that a stored old Kapre front end is the one that `MelSpectrogram` computes.

    `names` are those of the cosine kernels, sine kernels (512, 1, 1, 257) and mel filterbank (257, 96) in the layer
    ``melgram``, which is `group`.

    Raises
    ------
    WeightsError
        A tensor is missing, one too many, or not what the front end computes (1e-5 apart).
    """
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    waves = window[:, None] * np.exp(2j * np.pi * np.outer(np.arange(512), np.arange(257)) / 512)
    mel = librosa.filters.mel(sr=12000, n_fft=512, n_mels=96, fmin=0.0, fmax=6000.0).T
    expected = (waves.real[:, None, None], waves.imag[:, None, None], mel)
    check_all_read(group, names, path)
    for name, values in zip(names, expected, strict=True):
        stored = read_tensor(group, name, values.shape, path)
        if np.abs(stored - values).max() > 1e-5:
            problem = "is another front end than the network's (12 kHz, DFT of 512, 96 mel bands to 6 kHz)"
            raise WeightsError(problem, path=path, field=f"{group.name}/{name}".strip("/"), cure=_CURE)
