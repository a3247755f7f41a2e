"""Reads the Keras-1 weight files of MusicTaggerCRNN: Theano's, TensorFlow's, and the one tuned to ten genres."""

import re
from pathlib import Path

import h5py
import keras
import numpy as np

from mgc_keras.errors import WeightsError
from mgc_keras.networks.hdf5 import check_all_read, read_tensor, text
from mgc_keras.networks.keras_weights import KERAS1_NORMALIZATION, keras1_kernel, written_on_theano
from mgc_keras.networks.lastfm import TAGS
from mgc_keras.networks.tensors import set_tensors
from mgc_keras.studies.jimenez2017.network import (
    BLOCKS,
    CHANNELS,
    GENRES,
    GRU_UNITS,
    N_FRAMES,
    PADDING,
    music_tagger_crnn,
)

# What each head is called in the files, and here.
_HEADS = {"output": "tags", "preds": "genres"}
_GATES = ("z", "r", "h")
_CURE = "take a whole file of this network"
_LAYERS_WITHOUT_WEIGHTS = re.compile(r"(input|zeropadding2d|elu|pool|dropout|permute|reshape|final_drop)_?\d*")


def is_crnn_weights(file: h5py.File) -> bool:
    """Tell whether `file` holds Keras-1 weights of MusicTaggerCRNN."""
    return "layer_names" in file.attrs and "bn_0_freq" in file and "model_config" not in file.attrs


def crnn_from_file(file: h5py.File, path: Path, *, output: str | None = None, input: str = "waveform") -> keras.Model:
    """Rebuild the network of an open weight file.

    Parameters
    ----------
    file : h5py.File
    path : Path
        Its name, for messages.
    output : {"tags", "genres", "features"}, optional
        Default: what the file's head was trained for.
    input : {"waveform", "melspectrogram"}

    Raises
    ------
    WeightsError
        The file is of another network or has another head than was asked for; a tensor is missing, of another shape,
        or one too many.
    """
    reader = _Reader(file, path)
    tensors = reader.normalization("bn_0_freq", "time_norm", N_FRAMES + 2 * PADDING)
    for block, n_inputs, n_channels in zip(BLOCKS, (1, *CHANNELS), CHANNELS):
        tensors |= reader.convolution(f"conv{block}", n_inputs, n_channels)
        tensors |= reader.normalization(f"bn{block}", f"bn{block}", n_channels)
    tensors |= reader.gru("gru1", CHANNELS[-1]) | reader.gru("gru2", GRU_UNITS)
    stored = next((name for name in _HEADS if name in file), None)
    if stored is None:
        raise WeightsError("this layer is missing", path=path, field="output", cure=_CURE)
    found, kernel = _HEADS[stored], reader.tensor(stored, "W", (GRU_UNITS, None))
    n_outputs = kernel.shape[1]
    tensors |= {f"{found}/kernel": kernel, f"{found}/bias": reader.tensor(stored, "b", (n_outputs,))}
    reader.check_nothing_left()
    if output not in (None, found, "features"):
        wanted = f"{len(TAGS)} tags" if output == "tags" else f"{len(GENRES)} genres"
        cure = f"ask it for {found}, or take a file that was trained for {output}"
        raise WeightsError(f"scores {n_outputs} {found}, not {wanted}", path=path, field="output", cure=cure)
    return set_tensors(music_tagger_crnn(n_outputs, output=output or found, input=input), tensors)


class _Reader:
    """Reads tensors by their plain names; TensorFlow's files add ``_1`` and ``:0`` to some of them."""

    def __init__(self, file: h5py.File, path: Path) -> None:
        self.file, self.path = file, path
        self.is_theano = written_on_theano(file["bn_0_freq"])
        self.read: dict[str, list[str]] = {}

    def tensor(self, layer: str, name: str, shape: tuple[int | None, ...]) -> np.ndarray:
        group = self.file.get(layer)
        if not isinstance(group, h5py.Group):
            raise WeightsError("this layer is missing", path=self.path, field=layer, cure=_CURE)
        plain = f"{layer}_{name}"
        stored = next((key for key in group if re.fullmatch(rf"{plain}(_1)?(:0)?", key)), plain)
        self.read.setdefault(layer, []).append(stored)
        return read_tensor(group, stored, shape, self.path)

    def normalization(self, stored: str, name: str, size: int) -> dict[str, np.ndarray]:
        return {f"{name}/{ours}": self.tensor(stored, theirs, (size,)) for ours, theirs in KERAS1_NORMALIZATION.items()}

    def convolution(self, name: str, n_inputs: int, n_channels: int) -> dict[str, np.ndarray]:
        kernel = keras1_kernel(self.tensor(name, "W", (n_channels, n_inputs, 3, 3)), self.is_theano)
        return {f"{name}/kernel": kernel, f"{name}/bias": self.tensor(name, "b", (n_channels,))}

    def gru(self, name: str, n_inputs: int) -> dict[str, np.ndarray]:
        shapes = {
            "kernel": ("W", (n_inputs, GRU_UNITS)),
            "recurrent_kernel": ("U", (GRU_UNITS, GRU_UNITS)),
            "bias": ("b", (GRU_UNITS,)),
        }
        return {
            f"{name}/{ours}": np.concatenate([self.tensor(name, f"{theirs}_{gate}", shape) for gate in _GATES], axis=-1)
            for ours, (theirs, shape) in shapes.items()
        }

    def check_nothing_left(self) -> None:
        for layer in (text(name) for name in self.file.attrs["layer_names"]):
            if layer in self.read:
                check_all_read(self.file[layer], self.read[layer], self.path)
            elif not _LAYERS_WITHOUT_WEIGHTS.fullmatch(layer) or len(self.file.get(layer, ())):
                cure = "take a file of this network"
                raise WeightsError("MusicTaggerCRNN has no such layer", path=self.path, field=layer, cure=cure)
