"""Feature tables on disk: exact numbers as text, and back."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mgc_keras.audio.spans import Windows
from mgc_keras.errors import ManifestError
from mgc_keras.features.extractor import Columns
from mgc_keras.features.pipeline import ClipFeatures
from mgc_keras.files import csv_lines, sha256_of, why_no_file

KEY_COLUMNS = ("clip_id", "filepath")
SPAN_COLUMNS = ("start_s", "end_s")


class TableWriter:
    """Writes a row of numbers a clip, or a window, as CSV."""

    n_axes = 1

    def __init__(self, features: Columns, windows: Windows | None) -> None:
        self.features, self.windows = features, windows

    def about(self) -> dict[str, Any]:
        """Return the precision, the number of features, and the windows."""
        return {
            "dtype": self.features.dtype,
            "n_features": len(self.features.columns),
            "window_s": self.windows and self.windows.length,
            "hop_s": self.windows and self.windows.hop,
        }

    def entry(self, result: ClipFeatures, clip_id: str, filepath: str) -> dict[str, Any]:
        """Return the clip's lines of the table."""
        spans: Sequence[tuple[float, ...]] = result.spans or [()] * len(result.rows)
        # The shortest decimal numbers that read back as exactly these floats, for their precision.
        rows = [map(str, np.asarray(row, self.features.dtype)) for row in result.rows]
        cells = ([clip_id, filepath, *map(repr, map(float, span)), *row] for span, row in zip(spans, rows, strict=True))
        return {"n_rows": len(rows), "lines": csv_lines(cells)}

    def write(self, path: Path, clip_ids: list[str], entries: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """Write the table; return the number of its rows and its hash."""
        n_rows = 0
        with open(path, "w", encoding="utf-8", newline="") as table:
            table.write(csv_lines([[*KEY_COLUMNS, *(SPAN_COLUMNS if self.windows else ()), *self.features.columns]]))
            for entry in entries:
                table.write(entry["lines"])
                n_rows += entry["n_rows"]
        return {"n_rows": n_rows, "csv_sha256": sha256_of(path)}


def read_features(path: str | Path) -> pd.DataFrame:
    """Read a feature table that `export_features` wrote.

    Parameters
    ----------
    path : str or Path
        The CSV. The JSON beside it tells the precision; without it the numbers are read as float64.

    Returns
    -------
    pd.DataFrame
        Indexed by `clip_id`, in the order of the file: the feature columns, float32 for a network's and float64 for
        MFCCs, with exactly the values that were computed. Tables of sliding windows have `start_s` and `end_s`
        (float64) first.

    Raises
    ------
    ManifestError
        The file is missing, no feature table, or holds cells that are not numbers.
    """
    path = Path(path)
    cure = "make it with: mgc-keras features"
    if not path.is_file():
        raise ManifestError(why_no_file(path), path=path, cure=cure)
    description = path.with_suffix(".json")
    try:
        about = dict(json.loads(description.read_text("utf-8"))) if description.is_file() else {}
        dtype = about.get("dtype", "float64")
        header = pd.read_csv(path, nrows=0).columns
        texts = {column: str for column in KEY_COLUMNS}
        numbers = {column: dtype for column in header if column not in KEY_COLUMNS}
        spans = {column: "float64" for column in SPAN_COLUMNS if column in header}
        # "round_trip": the default parser is off by one bit now and then.
        table = pd.read_csv(path, dtype=texts | numbers | spans, keep_default_na=False, float_precision="round_trip")
    except (ValueError, TypeError, RecursionError) as error:
        raise ManifestError(f"is no feature table: {error}", path=path, cure=cure) from error
    if tuple(header[: len(KEY_COLUMNS)]) != KEY_COLUMNS:
        raise ManifestError("is no feature table", path=path, field="clip_id, filepath", cure=cure)
    return table.set_index("clip_id").drop(columns="filepath")
