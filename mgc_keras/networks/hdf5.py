"""Opens HDF5 files of weights, whose tensors must all lie in them, and reads single tensors, checked."""

import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np

from mgc_keras.errors import MgcKerasError, WeightsError

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def text(value: str | bytes) -> str:
    """Return a name stored in an HDF5 attribute, which old files hold as bytes."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def begins_as_hdf5(path: str | Path) -> bool:
    """Tell whether a file begins with HDF5's signature; one that has it further inside does not."""
    with open(path, "rb") as stream:
        return stream.read(len(_SIGNATURE)) == _SIGNATURE


def most_bytes(stored: int) -> int:
    """Return how much memory the content of so many stored bytes may ask for: honest files stay far below."""
    return 64 * 2**20 + 16 * stored


@contextmanager
def faults_named(path: Path, problem: str = "is damaged", cure: str = "take another copy") -> Iterator[None]:
    """Raise a `WeightsError` for whatever reading a file raises: HDF5, zip, JSON and Keras fail in many ways."""
    try:
        yield
    except MgcKerasError:
        raise
    except RecursionError as error:
        raise WeightsError(f"{problem}: it is nested too deeply", path=path, cure=cure) from error
    except MemoryError as error:
        raise WeightsError(f"{problem}: it asks for more memory than there is", path=path, cure=cure) from error
    except Exception as error:
        # Keras puts bold letters around a cause, and the whole configuration before it.
        reason = re.sub(r"\x1b\[\d*m", "", str(error)).rsplit("Exception encountered: ", 1)[-1]
        reason = " ".join(reason.split())[:300] or type(error).__name__
        raise WeightsError(f"{problem}: {reason}", path=path, cure=cure) from error


@contextmanager
def open_hdf5(
    path: Path, content: BinaryIO | None = None, problem: str = "is damaged: it holds no whole HDF5 file"
) -> Iterator[h5py.File]:
    """Open a file (or its `content`, where it lies in another) whose tensors all lie in it and fit in memory.

    `problem` is what an error says of a file that is none, or that is cut off.

    Raises
    ------
    WeightsError
        No HDF5 file begins here, or a link leads out of it; a tensor lies elsewhere, was never written, asks for more
        memory than so small a file holds, or has no floating-point numbers. Or whatever goes wrong in the block.
    """
    with faults_named(path), content or open(path, "rb") as stream:
        try:
            if stream.read(len(_SIGNATURE)) != _SIGNATURE:
                raise OSError("another signature")
            file = h5py.File(path if content is None else content, "r")
        except OSError as error:
            raise WeightsError(problem, path=path, cure="take another copy") from error
        with file:
            _check_tensors(file, path)
            yield file


def _check_tensors(file: h5py.File, path: Path) -> None:
    room, groups, seen = most_bytes(file.id.get_filesize()), [file], set()
    while groups:
        group = groups.pop()
        for name in group:
            field = f"{group.name}/{name}".strip("/")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                problem = "is a link to another place, and links are not followed"
                raise WeightsError(problem, path=path, field=field, cure="take a file that holds its tensors itself")
            member = group[name]
            if isinstance(member, h5py.Group):
                address = h5py.h5o.get_info(member.id).addr
                if address not in seen:
                    seen.add(address)
                    groups.append(member)
                continue
            if not isinstance(member, h5py.Dataset):
                raise WeightsError("is no tensor", path=path, field=field, cure="take another copy")
            room -= _size_of(member, path, field)
            if room < 0:
                problem = f"asks for more memory than a file of {file.id.get_filesize()} bytes can hold"
                raise WeightsError(problem, path=path, field=field, cure="take another copy")


def _size_of(tensor: h5py.Dataset, path: Path, field: str) -> int:
    """Return how many bytes a tensor needs, once it is known to lie in its own file and to hold numbers."""
    if tensor.external or tensor.is_virtual:
        problem = "lies in another file, and other files are not read"
        raise WeightsError(problem, path=path, field=field, cure="take a file that holds its tensors itself")
    # Keras counts and seeds with integers, and says so where it stores bfloat16, which HDF5 has no word for.
    is_number = tensor.dtype.kind == "f" and tensor.id.get_type() == h5py.h5t.py_create(tensor.dtype)
    is_counter = tensor.dtype.kind in "iu" and (tensor.shape == () or "seed_generator" in field)
    if not is_number and not is_counter and tensor.attrs.get("dtype") != "bfloat16":
        problem = f"holds {tensor.dtype}, not common floating-point numbers"
        raise WeightsError(problem, path=path, field=field, cure="save it in float32")
    size = max(math.prod(tensor.shape), math.prod(tensor.chunks or (1,))) * tensor.dtype.itemsize
    if math.prod(tensor.shape) and not tensor.id.get_storage_size():
        raise WeightsError("was never written", path=path, field=field, cure="take a whole copy")
    return size


def read_tensor(group: h5py.Group, name: str, shape: tuple[int | None, ...], path: Path) -> np.ndarray:
    """Read one tensor of a group, of the shape that the network needs (None fits any length), as float32.

    Raises
    ------
    WeightsError
        It is missing, of another shape, not of floating-point numbers, or not finite throughout.
    """
    field = f"{group.name}/{name}".strip("/")
    dataset = group.get(name)
    if not isinstance(dataset, h5py.Dataset):
        raise WeightsError("this tensor is missing", path=path, field=field, cure="take a whole file of this network")
    if dataset.dtype.kind != "f":
        problem = f"holds {dataset.dtype}, not floating-point numbers"
        raise WeightsError(problem, path=path, field=field, cure="take a file of this network")
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
