"""Feature tables as Parquet: the columns of the CSV with their types, and what made the numbers in the file itself.

Its key-value metadata has the key ``mgc_keras``: as JSON, what the JSON beside the file says of extractor, source and
versions. Pages carry checksums, so that a damaged file is known when it is read.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.features.csv_table import KEY_COLUMNS, MAKE_IT, SPAN_COLUMNS, TableWriter
from mgc_keras.features.pipeline import ClipFeatures
from mgc_keras.files import sha256_of

if TYPE_CHECKING:
    import pyarrow

_METADATA = b"mgc_keras"
# Of numbers, in a row group: what is held while a table is written, and read by those who take it group by group.
_GROUP_BYTES = 1 << 23


def check_pyarrow(path: str | Path) -> None:
    """Raise an `OptionError` that names a Parquet file, if pyarrow is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        cure = "pip install 'mgc_keras[cluster]', or end its name in .csv"
        raise OptionError("Parquet needs pyarrow, which is not installed", path=path, cure=cure) from error


class ParquetWriter(TableWriter):
    """Writes a row of numbers a clip, or a window, as Parquet."""

    def entry(self, result: ClipFeatures, clip_id: str, filepath: str) -> dict[str, Any]:
        """Return the clip's numbers, exactly, its windows and its path."""
        values = np.asarray(result.rows, self._dtype).reshape(len(result.rows), len(self.extractor.columns))
        encoded = base64.b64encode(values.tobytes()).decode()
        spans = {"spans": [list(map(float, span)) for span in result.spans]} if self.windows else {}
        return {"n_rows": len(values), "filepath": filepath, **spans, "values": encoded}

    def write(
        self, path: Path, clip_ids: list[str], entries: Iterable[dict[str, Any]], about: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write the table, row group by row group; return the number of its rows and its hash."""
        import pyarrow.parquet as pq

        n_rows, schema = 0, self._schema()
        # Numbers hardly repeat; names do where clips are cut into windows.
        settings = {"use_dictionary": list(KEY_COLUMNS), "write_page_checksum": True}
        with pq.ParquetWriter(path, schema, **settings) as writer:
            for group in self._groups(schema, clip_ids, entries):
                writer.write_table(group, row_group_size=len(group))
                n_rows += len(group)
            writer.add_key_value_metadata({_METADATA: json.dumps({**about, "n_rows": n_rows}).encode()})
        return {"n_rows": n_rows, "parquet_sha256": sha256_of(path)}

    @property
    def _dtype(self) -> np.dtype:
        return np.dtype(self.extractor.dtype).newbyteorder("<")

    def _schema(self) -> "pyarrow.Schema":
        import pyarrow as pa

        numbers = pa.from_numpy_dtype(self._dtype)
        types = {name: pa.string() for name in KEY_COLUMNS}
        types |= {name: pa.float64() for name in (SPAN_COLUMNS if self.windows else ())}
        fields = [*types.items(), *((name, numbers) for name in self.extractor.columns)]
        return pa.schema([pa.field(name, kind, nullable=False) for name, kind in fields])

    def _groups(
        self, schema: "pyarrow.Schema", clip_ids: list[str], entries: Iterable[dict[str, Any]]
    ) -> Iterator["pyarrow.Table"]:
        """Gather rows to tables of one size, which the numbers' bytes say; the last may be smaller."""
        import pyarrow as pa

        n_columns = len(self.extractor.columns)
        size = max(1, _GROUP_BYTES // (n_columns * self._dtype.itemsize))
        names: list[tuple[str, str]] = []
        spans: list[list[float]] = []
        values = np.empty((0, n_columns), self._dtype)
        held: list[np.ndarray] = []

        def table(n_rows: int) -> "pyarrow.Table":
            keys = [pa.array(column, pa.string()) for column in zip(*names[:n_rows], strict=True)]
            times = list(np.asarray(spans[:n_rows]).T) if self.windows else []
            return pa.Table.from_arrays([*keys, *times, *values[:n_rows].T.copy()], schema=schema)

        for clip_id, entry in zip(clip_ids, entries, strict=True):
            names += [(clip_id, entry["filepath"])] * entry["n_rows"]
            spans += entry.get("spans", ())
            held.append(np.frombuffer(base64.b64decode(entry["values"]), self._dtype).reshape(-1, n_columns))
            while len(names) >= size:
                if held:
                    values, held = np.concatenate([values, *held]), []
                yield table(size)
                values, names, spans = values[size:], names[size:], spans[size:]
        if names:
            values = np.concatenate([values, *held])
            yield table(len(names))


def read_parquet(path: Path) -> pd.DataFrame:
    """Read what `ParquetWriter` wrote: see `mgc_keras.features.table.read_features`."""
    check_pyarrow(path)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            schema = file.schema_arrow
            _check_schema(schema, path)
            wanted = [name for name in schema.names if name != "filepath"]
            table = file.read(wanted)
    except (pa.ArrowException, OSError, ValueError) as error:
        words = " ".join(str(error).split())
        raise ManifestError(f"is no Parquet, or a damaged one: {words}", path=path, cure=MAKE_IT) from error
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count:
            problem = f"{column.null_count} cell(s) are empty"
            raise ManifestError(problem, path=path, field=name, cure=f"fill them, or {MAKE_IT}")
    return table.to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True).set_index("clip_id")


def _check_schema(schema: "pyarrow.Schema", path: Path) -> None:
    """Raise a `ManifestError` unless the columns are those of a feature table."""
    from pyarrow import types

    if tuple(schema.names[: len(KEY_COLUMNS)]) != KEY_COLUMNS:
        found = ", ".join(schema.names[:6]) or "none"
        problem = f"is no feature table: these are not its first columns (found: {found})"
        raise ManifestError(problem, path=path, field=", ".join(KEY_COLUMNS), cure=MAKE_IT)
    for field in schema:
        is_key = field.name in KEY_COLUMNS
        is_text = types.is_string(field.type) or types.is_large_string(field.type)
        is_number = types.is_float32(field.type) or types.is_float64(field.type)
        if not (is_text if is_key else is_number):
            needed = "text" if is_key else "float32 or float64, a number a row"
            problem = f"holds {field.type}, where a feature table has {needed}"
            raise ManifestError(problem, path=path, field=field.name, cure=MAKE_IT)
