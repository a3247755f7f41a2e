"""Reads tensors of TensorFlow's checkpoints, each checked; nothing of a checkpoint's graph is read, let alone run."""

import math
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, TypeVar

import numpy as np

from mgc_keras.errors import WeightsError
from mgc_keras.networks.hdf5 import faults_named

# How the table that names a checkpoint's tensors ends.
_MAGIC = bytes.fromhex("57fb808b247547db")
_SUFFIX = ".index"
_LONGEST_INDEX = 16 * 2**20
PathKind = TypeVar("PathKind", bound=PurePath)


@dataclass(frozen=True)
class Checkpoint:
    """An open checkpoint.

    Parameters
    ----------
    path : Path
        Its ``.index``.
    shapes : mapping of str to tuple of int
        Of its tensors, by name, those of optimisers and counters among them.
    """

    path: Path
    shapes: dict[str, tuple[int, ...]]
    _reader: Any

    def tensor(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Read one tensor, of the shape that the network needs, float32.

        Raises
        ------
        WeightsError
            It is missing, of another shape or type, damaged, or not finite throughout.
        """
        if name not in self.shapes:
            cure = "take a whole file of this network"
            raise WeightsError("this tensor is missing", path=self.path, field=name, cure=cure)
        cure = "take a file of this network"
        if self.shapes[name] != shape:
            problem = f"has shape {self.shapes[name]}, the network needs {shape}"
            raise WeightsError(problem, path=self.path, field=name, cure=cure)
        dtype = self._reader.get_variable_to_dtype_map()[name].as_numpy_dtype
        if dtype != np.float32:
            raise WeightsError(f"holds {np.dtype(dtype)}, not float32", path=self.path, field=name, cure=cure)
        with faults_named(self.path, f"{name}: is damaged"):
            values = self._reader.get_tensor(name)
        if not np.isfinite(values).all():
            raise WeightsError("holds NaN or infinite numbers", path=self.path, field=name, cure="take another copy")
        return values


def is_checkpoint(path: Path) -> bool:
    """Tell whether a file is the ``.index`` of a checkpoint, by its name and end."""
    if not path.name.endswith(_SUFFIX):
        return False
    with open(path, "rb") as stream:
        stream.seek(max(0, stream.seek(0, 2) - len(_MAGIC)))
        return stream.read() == _MAGIC


def data_file(index: PathKind) -> PathKind:
    """Return where the tensors of a checkpoint lie: beside its ``.index``.

    Example
    -------
    >>> data_file(Path("MTT_musicnn.index")).name
    'MTT_musicnn.data-00000-of-00001'
    """
    return index.with_name(index.name.removesuffix(_SUFFIX) + ".data-00000-of-00001")


def open_checkpoint(path: Path) -> Checkpoint:
    """Open a checkpoint by its ``.index``.

    Raises
    ------
    WeightsError
        It is damaged, or its tensors do not lie beside it in one file.
    """
    import tensorflow as tf

    data = data_file(path)
    if not data.is_file():
        raise WeightsError(f"its tensors are missing: there is no {data.name} beside it", path=path, cure="copy both")
    if path.stat().st_size > _LONGEST_INDEX:
        raise WeightsError("is damaged: it is far too long", path=path, cure="take another copy")
    with faults_named(path):
        # By the prefix of both files; a folder would be taken for the last checkpoint that its notes name.
        reader = tf.compat.v1.train.NewCheckpointReader(str(path).removesuffix(_SUFFIX))
        shapes = {name: tuple(shape) for name, shape in reader.get_variable_to_shape_map().items()}
    if sum(4 * math.prod(shape) for shape in shapes.values()) > 16 * data.stat().st_size:
        problem = f"asks for more memory than a file of {data.stat().st_size} bytes can fill"
        raise WeightsError(problem, path=path, cure="take another copy")
    return Checkpoint(path, shapes, reader)
