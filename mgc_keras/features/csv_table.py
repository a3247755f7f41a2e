"""Feature tables as CSV: exact numbers as text, and back."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mgc_keras.audio.spans import Windows
from mgc_keras.errors import ManifestError
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.pipeline import ClipFeatures
from mgc_keras.files import csv_lines, sha256_of

KEY_COLUMNS = ("clip_id", "filepath")
SPAN_COLUMNS = ("start_s", "end_s")
MAKE_IT = "make it with: mgc-keras features"


class TableWriter:
    """Writes a row of numbers a clip, or a window, as CSV."""

    n_axes = 1

    def __init__(self, extractor: Extractor, windows: Windows | None) -> None:
        self.extractor, self.windows = extractor, windows

    def about(self) -> dict[str, Any]:
        """Return the precision, the number of features, and the windows."""
        return {
            "dtype": self.extractor.dtype,
            "n_features": len(self.extractor.columns),
            "window_s": self.windows and self.windows.length,
            "hop_s": self.windows and self.windows.hop,
        }

    def entry(self, result: ClipFeatures, clip_id: str, filepath: str) -> dict[str, Any]:
        """Return the clip's lines of the table."""
        spans: Sequence[tuple[float, ...]] = result.spans or [()] * len(result.rows)
        # The shortest decimal numbers that read back as exactly these floats, for their precision.
        rows = [map(str, np.asarray(row, self.extractor.dtype)) for row in result.rows]
        cells = ([clip_id, filepath, *map(repr, map(float, span)), *row] for span, row in zip(spans, rows, strict=True))
        return {"n_rows": len(rows), "lines": csv_lines(cells)}

    def write(
        self, path: Path, clip_ids: list[str], entries: Iterable[dict[str, Any]], about: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write the table; return the number of its rows and its hash."""
        n_rows = 0
        with open(path, "w", encoding="utf-8", newline="") as table:
            table.write(csv_lines([[*KEY_COLUMNS, *(SPAN_COLUMNS if self.windows else ()), *self.extractor.columns]]))
            for entry in entries:
                table.write(entry["lines"])
                n_rows += entry["n_rows"]
        return {"n_rows": n_rows, "csv_sha256": sha256_of(path)}


def read_csv(path: Path) -> pd.DataFrame:
    """Read what `TableWriter` wrote: see `mgc_keras.features.table.read_features`."""
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
        raise ManifestError(f"is no feature table: {error}", path=path, cure=MAKE_IT) from error
    if tuple(header[: len(KEY_COLUMNS)]) != KEY_COLUMNS:
        raise ManifestError("is no feature table", path=path, field="clip_id, filepath", cure=MAKE_IT)
    return table.set_index("clip_id").drop(columns="filepath")
