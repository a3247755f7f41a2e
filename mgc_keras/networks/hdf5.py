"""Reads single tensors from HDF5 files, checked, and compares stored front ends with this package's."""

from collections.abc import Iterable
from pathlib import Path

import h5py
import librosa
import numpy as np

from mgc_keras.errors import WeightsError


def text(value: str | bytes) -> str:
    """Return a name stored in an HDF5 attribute, which old files hold as bytes."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def read_tensor(group: h5py.Group, name: str, shape: tuple[int | None, ...], path: Path) -> np.ndarray:
    """Read one float32 tensor.

    Parameters
    ----------
    group : h5py.Group
        Where it lies.
    name : str
        Its name in the group.
    shape : tuple
        The shape that the network needs; None fits any length.
    path : Path
        The file, for messages.

    Raises
    ------
    WeightsError
        It is missing, no array of numbers, of another shape, or not finite throughout.
    """
    field = f"{group.name}/{name}".strip("/")
    dataset = group.get(name)
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu":
        raise WeightsError("this tensor is missing", path=path, field=field, cure="take a whole file of this network")
    fits = len(shape) == dataset.ndim and all(need in (None, n) for need, n in zip(shape, dataset.shape, strict=True))
    if not fits:
        raise WeightsError(
            f"has shape {dataset.shape}, the network needs {shape}",
            path=path,
            field=field,
            cure="take a file of this network",
        )
    tensor = np.asarray(dataset, dtype=np.float32)
    if not np.isfinite(tensor).all():
        raise WeightsError("holds NaN or infinite numbers", path=path, field=field, cure="take another copy")
    return tensor


def check_all_read(group: h5py.Group, read: Iterable[str], path: Path) -> None:
    """Raise a `WeightsError` that names the first member of `group` that is not among `read`."""
    unread = sorted(set(group) - set(read))
    if unread:
        raise WeightsError(
            "the Choi 2017 convnet has no place for this",
            path=path,
            field=f"{group.name}/{unread[0]}".strip("/"),
            cure="take a file of this network",
        )


def check_front_end(group: h5py.Group, names: tuple[str, str, str], path: Path) -> None:
    """Check that a stored old Kapre front end is the one that `MelSpectrogram` computes.

    Parameters
    ----------
    group : h5py.Group
        The layer ``melgram``.
    names : tuple of str
        The names of its cosine kernels, sine kernels (512, 1, 1, 257) and mel filterbank (257, 96).

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
            raise WeightsError(
                "is another front end than the network's (12 kHz, DFT of 512, 96 mel bands to 6 kHz)",
                path=path,
                field=f"{group.name}/{name}".strip("/"),
                cure="take a file of this network",
            )
