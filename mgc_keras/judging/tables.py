"""Tables of features or predictions as anybody writes them: one column names the clip, the others are anything."""

import csv
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.errors import ManifestError
from mgc_keras.features.csv_table import KEY_COLUMNS
from mgc_keras.features.table import read_features
from mgc_keras.files import why_no_file

# What names the clip, in the order of preference; capitals, spaces and dashes do not count.
NAME_COLUMNS = (
    "clip_id clipid filepath file_path filename file_name file path track_id track song_id audio uri name id"
).split()
# Before the name of a class, in that of its scores.
_SCORE_MARKS = ("", "p", "prob", "proba", "probability", "score")
_MAKE = "give a CSV with a row a clip: a column clip_id or filename, and columns of numbers"
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True, eq=False)
class ClipTable:
    """A table as it was read.

    Attributes
    ----------
    path : Path
    name_column : str
        The column that names the clip.
    names : list of str
        What it says, row by row; a clip that was cut into windows stands in several rows.
    row_ids : list of str
        What names the row: the clip and, of windows, where they start. No two are equal.
    frame : pd.DataFrame
        The other columns: numbers, or text (empty cells are empty text).
    """

    path: Path
    name_column: str
    names: list[str]
    row_ids: list[str]
    frame: pd.DataFrame

    def __len__(self) -> int:
        return len(self.names)

    def column(self, *wanted: str) -> str | None:
        """Return the first of these columns that is there, however it is spelt."""
        return next((self._by_bare[bare(name)] for name in wanted if bare(name) in self._by_bare), None)

    def score_column(self, label: str) -> str | None:
        """Return the column that holds the scores of a class, by its name."""
        return self.column(*(mark + label for mark in _SCORE_MARKS))

    @cached_property
    def _by_bare(self) -> dict[str, str]:
        return {bare(name): name for name in reversed(self.frame.columns.astype(str).tolist())}

    def texts(self, column: str) -> np.ndarray:
        """Return a column as text, (n_rows,) str: 3.0 as "3"."""
        cells = self.frame[column]
        if cells.dtype.kind == "f" and np.isfinite(cells).all() and (cells == cells.round()).all():
            cells = cells.astype(np.int64)
        return cells.astype(str).str.strip().to_numpy(str)


def bare(name: str) -> str:
    """Return a column's name without capitals and marks.

    Example
    -------
    >>> bare("Track ID"), bare("clip_id")
    ('trackid', 'clipid')
    """
    return re.sub(r"[\W_]", "", name.casefold())


def read_table(path: str | Path) -> ClipTable:
    """Read a table: one of this package's (CSV or Parquet), or any CSV with a column that names the clip.

    Raises
    ------
    ManifestError
        No file, no CSV, no rows, no column that names the clip, two columns of one name, an id that is empty or stands
        in two rows.
    OptionError
        A Parquet, and pyarrow is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise ManifestError(why_no_file(path), path=path, cure=_MAKE)
    if path.suffix.lower() == ".npz":
        raise ManifestError("holds sequences, not a row a clip", path=path, cure="export a table: .csv or .parquet")
    if path.suffix.lower() == ".parquet" or _is_own(path):
        # In one piece: a column more would else be a warning of pandas.
        frame = read_features(path).copy().reset_index()
        frame["clip_id"] = frame["clip_id"].astype(str)
    else:
        frame = _read_any(path)
    if frame.empty:
        raise ManifestError("there are no rows", path=path, cure=_MAKE)
    name_column = _name_column(frame, path)
    names = frame[name_column].astype(str).str.strip().tolist()
    frame = frame.drop(columns=name_column)
    return ClipTable(path, name_column, names, _row_ids(names, frame, path, name_column), frame)


def _is_own(path: Path) -> bool:
    """Tell a CSV of this package: the JSON beside it says how exact its numbers are."""
    with open(path, encoding="utf-8-sig", errors="replace") as stream:
        head = stream.readline(1 << 16)
    return head.startswith(",".join(KEY_COLUMNS) + ",") and path.with_suffix(".json").is_file()


def _read_any(path: Path) -> pd.DataFrame:
    header = _header(path)
    names = {name: str for name in header if bare(name) in set(map(bare, NAME_COLUMNS))}
    try:
        # Nothing stands for "missing": a class may be called None, and an empty cell is found by its clip and column.
        frame = pd.read_csv(
            path,
            dtype=names,  # type: ignore[arg-type]
            keep_default_na=False,
            index_col=False,
            float_precision="round_trip",
            encoding="utf-8-sig",
            low_memory=False,
            on_bad_lines="error",
        )
        # In one piece: of 10^5 columns, each would be a piece of its own, and all that follows would take minutes.
        return frame.copy()
    except (ValueError, OverflowError) as error:
        problem = " ".join(str(error).split()).removeprefix("Error tokenizing data. ")
        raise ManifestError(f"is no table of clips: {problem}", path=path, cure=_MAKE) from error


def _header(path: Path) -> list[str]:
    """Return the names of the columns; raise where what separates them is no comma, or two are alike."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            header = next(csv.reader(stream), [])
            n_fields = len(next(csv.reader(stream), header))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ManifestError("is not a CSV file", path=path, cure="save it as comma-separated UTF-8 text") from error
    if not header:
        raise ManifestError("is empty", path=path, cure=_MAKE)
    for mark, name in _SEPARATORS.items():
        if len(header) == 1 and mark in header[0]:
            cure = "save it as comma-separated UTF-8 text, with decimal points"
            raise ManifestError(f"its fields are separated by {name}, not by commas", path=path, cure=cure)
    if n_fields > len(header):
        cure = "give every column a name, and quote cells that hold a comma"
        raise ManifestError(
            f"its first row has {n_fields} fields, the header {len(header)}", path=path, field="line 2", cure=cure
        )
    seen: set[str] = set()
    for name in filter(None, header):
        if name in seen:
            raise ManifestError("two columns have this name", path=path, field=name, cure="keep one of them")
        seen.add(name)
    return header


def _name_column(frame: pd.DataFrame, path: Path) -> str:
    by_bare = {bare(str(name)): str(name) for name in reversed(frame.columns)}
    for wanted in NAME_COLUMNS:
        if bare(wanted) in by_bare:
            return by_bare[bare(wanted)]
    shown = ", ".join(map(str, frame.columns[:6])) + (", …" if len(frame.columns) > 6 else "")
    cure = f"name that column clip_id or filename (found: {shown})"
    raise ManifestError("no column names the clip", path=path, field="clip_id", cure=cure)


def _row_ids(names: list[str], frame: pd.DataFrame, path: Path, column: str) -> list[str]:
    """Return what tells rows apart: the clip's name, and of windows where they start."""
    if "" in names:
        row = names.index("") + 1
        raise ManifestError(f"empty in row {row}", path=path, field=column, cure="name each clip")
    windows = {"start_s", "end_s"} <= set(frame.columns)
    ids = [f"{name}@{start:g}" for name, start in zip(names, frame["start_s"])] if windows else names
    twice = pd.Series(ids)[pd.Series(ids).duplicated()]
    if len(twice):
        problem = f"{twice.iloc[0]!r} stands in two rows; {len(twice)} row(s) too many in all"
        raise ManifestError(problem, path=path, field=column, cure="keep one row a clip, or give windows a start_s")
    return list(ids)
