"""Sequences of features, a matrix a clip, in one NPZ file: memory-mapped when read.

The file is an uncompressed NPZ that `numpy.load` opens: `values` (n_clips, n_frames, n_columns), `clip_ids`, `columns`.
"""

import base64
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from mgc_keras.audio.spans import Windows
from mgc_keras.errors import OptionError
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.pipeline import ClipFeatures
from mgc_keras.files import DAMAGES, sha256_of

# Of every member: the same numbers give the same bytes whenever they are written.
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Sequences:
    """What `mgc_keras.features.export.export_features` wrote to an ``.npz``.

    Attributes
    ----------
    values : np.ndarray [shape=(n_clips, n_frames, n_columns), dtype=float32]
        Memory-mapped: clips are read when they are asked for.
    clip_ids : list of str
        Clips that failed are not among them.
    columns : list of str
    about : dict
        The extractor's description, versions and counts.
    """

    values: np.ndarray
    clip_ids: list[str]
    columns: list[str]
    about: dict[str, Any]


class SequenceWriter:
    """Writes a matrix a clip, all of one shape, as NPZ."""

    n_axes = 2

    def __init__(self, extractor: Extractor, windows: Windows | None) -> None:
        if windows is not None:
            raise OptionError("sequences have no sliding windows", field="window", cure="leave it out, or write a .csv")
        self.columns = list(extractor.columns)

    def about(self) -> dict[str, Any]:
        """Return the columns."""
        return {"columns": self.columns}

    def entry(self, result: ClipFeatures, clip_id: str, filepath: str) -> dict[str, Any]:
        """Return the clip's shape and numbers."""
        (matrix,) = result.rows
        values = np.ascontiguousarray(matrix, "<f4")
        return {"shape": values.shape, "values": base64.b64encode(values.tobytes()).decode()}

    def write(
        self, path: Path, clip_ids: list[str], entries: Iterable[dict[str, Any]], about: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write the file; return the number of its clips."""
        entries = iter(entries)
        first: dict[str, Any] = next(entries, {"shape": [0, len(self.columns)], "values": ""})
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name, strings in (("clip_ids", clip_ids), ("columns", self.columns)):
                buffer = io.BytesIO()
                np.save(buffer, np.array(strings, dtype=str), allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{name}.npy", _TIME), buffer.getvalue())
            with archive.open(zipfile.ZipInfo("values.npy", _TIME), "w", force_zip64=True) as member:
                shape = (len(clip_ids), *first["shape"])
                np.lib.format.write_array_header_1_0(member, {"descr": "<f4", "fortran_order": False, "shape": shape})
                for number, entry in enumerate(chain([first], entries)):
                    if entry["shape"] != first["shape"]:
                        problem = f"gives a matrix {entry['shape']}, the clips before it {first['shape']}"
                        raise OptionError(problem, path=clip_ids[number], cure="bring all clips to one length")
                    member.write(base64.b64decode(entry["values"]))
        return {"n_clips": len(clip_ids), "npz_sha256": sha256_of(path)}


def read_sequences(path: str | Path, *, check: bool = True) -> Sequences:
    """Open what `mgc_keras.features.export.export_features` wrote to an ``.npz``: the sequences stay on disk.

    Parameters
    ----------
    path : str or Path
        The ``.npz``, beside its JSON.
    check : bool
        Read the file once, to compare it with its checksums.

    Raises
    ------
    OptionError
        The file or its JSON is missing, damaged, or of another kind.
    """
    path = Path(path)
    description = path.with_suffix(".json")
    for needed in (path, description):
        if not needed.is_file():
            raise OptionError("is missing", path=needed, cure="export the sequences first")
    try:
        about = dict(json.loads(description.read_text("utf-8")))
    except (ValueError, TypeError, RecursionError) as error:
        raise OptionError("is damaged", path=description, cure="export the sequences again") from error
    try:
        with np.load(path, allow_pickle=False) as archive:
            clip_ids, columns = archive["clip_ids"].tolist(), archive["columns"].tolist()
            if check and (damaged := archive.zip.testzip()):
                raise ValueError(f"{damaged} is damaged")
        values = _mapped(path)
        if (len(clip_ids), len(columns)) != (values.shape[0], values.shape[2]):
            raise ValueError("another number of clips or columns")
    except DAMAGES as error:
        cure = "export the sequences again, or name an .npz that export_features wrote"
        raise OptionError("holds no sequences, or damaged ones", path=path, cure=cure) from error
    return Sequences(values, clip_ids, columns, about)


def _mapped(path: Path) -> np.ndarray:
    """Map the member of an uncompressed archive where it lies."""
    with zipfile.ZipFile(path) as archive, open(path, "rb") as stream:
        info = archive.getinfo("values.npy")
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError("compressed")
        stream.seek(info.header_offset + 26)
        name_length, extra_length = np.frombuffer(stream.read(4), "<u2")
        stream.seek(info.header_offset + 30 + int(name_length) + int(extra_length))
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("another version")
        shape, in_columns, dtype = np.lib.format.read_array_header_1_0(stream)
        if in_columns or dtype != np.dtype("<f4") or len(shape) != 3:
            raise ValueError("no sequences")
        if not np.prod(shape):
            return np.zeros(shape, dtype)
        return np.memmap(path, dtype, "r", stream.tell(), shape)
