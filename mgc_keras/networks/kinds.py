"""What the package must know of a network to open its files, rebuild it and use it.

A study declares its networks in ``mgc_keras/studies/<paper>/network_kinds.py``: ``KINDS``, a tuple of `NetworkKind`. So
does a folder of ``mgc_keras/published``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import keras
import numpy as np

from mgc_keras.discovery import modules_named
from mgc_keras.networks.checkpoints import Checkpoint

INPUTS = ("waveform", "melspectrogram")


@dataclass(frozen=True)
class FileReader:
    """Reads a network from an HDF5 file in a form other than Keras 3's; no file is recognised by two readers.

    It reads from an open file, its path and the options of `load_model` that were given. `published` are the names of
    `weight_files` that have this form.
    """

    recognises: Callable[[h5py.File], bool]
    read: Callable[[h5py.File, Path, dict[str, str]], keras.Model]
    published: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckpointReader:
    """Reads a network from a checkpoint of TensorFlow 1; else as `FileReader`."""

    recognises: Callable[[Checkpoint], bool]
    read: Callable[[Checkpoint, dict[str, str]], keras.Model]
    published: tuple[str, ...] = ()


@dataclass(frozen=True)
class NetworkKind:
    """A network that the package recognises, rebuilds in another variant, and reads from its authors' files.

    It is recognised by its layers, and its options are read off them: these alone survive in every file format, those
    of older versions included.

    Parameters
    ----------
    name : str
        For messages: "MusicTaggerCRNN".
    recognises : callable
        From a model to whether it is such a network.
    choices : mapping of str to tuple of str
        The options of `load_model` that it knows, each with its values.
    variant : callable
        From a model and some of these options (by name) to a network with the same weights.
    readers : tuple of FileReader
        Of its authors' files.
    checkpoints : tuple of CheckpointReader
        Of its authors' checkpoints.
    fit : {"repeat", "zero_pad", "crop"}
        How its authors bring short clips to the network's length.
    for_single_clips : callable
        From a model and the wanted output to the options with which a clip's scores depend on that clip alone.
    columns : callable
        From a model to the names of its outputs, or () where it has none of its own.
    whole_batch : callable or None
        Runs a batch of any size, normalised by its own statistics, in little memory: (model, waveforms) to outputs.
    resampler : {"soxr", "kaiser_best"}
        By which its authors brought clips to its sampling rate: see `mgc_keras.audio.files.read_waveform`.
    """

    name: str
    recognises: Callable[[keras.Model], bool]
    choices: Mapping[str, tuple[str, ...]]
    variant: Callable[..., keras.Model]
    readers: tuple[FileReader, ...] = ()
    checkpoints: tuple[CheckpointReader, ...] = ()
    fit: str = "repeat"
    for_single_clips: Callable[[keras.Model, str], dict[str, str]] = field(default=lambda model, output: {})
    columns: Callable[[keras.Model], tuple[str, ...]] = field(default=lambda model: ())
    whole_batch: Callable[[keras.Model, np.ndarray], np.ndarray] | None = None
    resampler: str = "soxr"


def network_kinds() -> list[NetworkKind]:
    """Return all kinds that studies and published networks declare."""
    return [kind for module in modules_named("network_kinds") for kind in module.KINDS]


def kind_of(model: keras.Model) -> NetworkKind | None:
    """Return the kind of a network, or None where nobody declares it."""
    return next((kind for kind in network_kinds() if kind.recognises(model)), None)
