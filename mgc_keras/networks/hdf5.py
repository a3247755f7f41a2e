"""Reads single tensors from HDF5 files, checked."""

from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from mgc_keras.errors import WeightsError


def text(value: str | bytes) -> str:
    """Return a name stored in an HDF5 attribute, which old files hold as bytes."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def read_tensor(group: h5py.Group, name: str, shape: tuple[int | None, ...], path: Path) -> np.ndarray:
    """Read one tensor of a group, of the shape that the network needs (None fits any length), as float32.

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
        problem = f"has shape {dataset.shape}, the network needs {shape}"
        raise WeightsError(problem, path=path, field=field, cure="take a file of this network")
    tensor = np.asarray(dataset, dtype=np.float32)
    if not np.isfinite(tensor).all():
        raise WeightsError("holds NaN or infinite numbers", path=path, field=field, cure="take another copy")
    return tensor


def check_all_read(group: h5py.Group, read: Iterable[str], path: Path) -> None:
    """Raise a `WeightsError` that names the first member of `group` that is not among `read`."""
    unread = sorted(set(group) - set(read))
    if unread:
        field = f"{group.name}/{unread[0]}".strip("/")
        raise WeightsError(
            "the network has no place for this", path=path, field=field, cure="take a file of this network"
        )
