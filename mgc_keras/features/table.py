"""Feature tables on disk: exact numbers as text, and back."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mgc_keras.errors import ManifestError

KEY_COLUMNS = ("clip_id", "filepath")
SPAN_COLUMNS = ("start_s", "end_s")
ERROR_COLUMNS = ("clip_id", "filepath", "cause", "what_to_do")


def csv_line(cells: Sequence[Any]) -> str:
    """Return one line of a CSV, quoted where needed, with its end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def exact_texts(row: np.ndarray) -> list[str]:
    """Return the shortest decimal numbers that read back as exactly these floats, for their precision.

    Example
    -------
    >>> exact_texts(np.float32([0.1, 1 / 3])), exact_texts(np.float64([1 / 3]))
    (['0.1', '0.33333334'], ['0.3333333333333333'])
    """
    return [str(value) for value in row]


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

    Example
    -------
    >>> features = read_features("features.csv")                         # doctest: +SKIP
    >>> features[["layer5_00", "layer5_01"]].to_numpy().dtype            # doctest: +SKIP
    dtype('float32')
    """
    path = Path(path)
    cure = "make it with: mgc-keras features"
    if not path.is_file():
        raise ManifestError("there is no such file", path=path, cure=cure)
    description = path.with_suffix(".json")
    dtype = json.loads(description.read_text("utf-8")).get("dtype", "float64") if description.is_file() else "float64"
    try:
        header = pd.read_csv(path, nrows=0).columns
        texts = {column: str for column in KEY_COLUMNS}
        numbers = {column: dtype for column in header if column not in KEY_COLUMNS}
        spans = {column: "float64" for column in SPAN_COLUMNS if column in header}
        # "round_trip": the default parser is off by one bit now and then.
        table = pd.read_csv(path, dtype=texts | numbers | spans, keep_default_na=False, float_precision="round_trip")
    except (ValueError, UnicodeDecodeError) as error:
        raise ManifestError(f"is no feature table: {error}", path=path, cure=cure) from error
    if tuple(header[: len(KEY_COLUMNS)]) != KEY_COLUMNS:
        raise ManifestError("is no feature table", path=path, field="clip_id, filepath", cure=cure)
    return table.set_index("clip_id").drop(columns="filepath")
