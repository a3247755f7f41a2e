"""Which columns of a table are features, and which tell the label, the file or the order of the rows."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.judging.tables import ClipTable, bare

# Of the file, not of its sound: copies of a collection differ in them from class to class.
_OF_THE_FILE = set("length duration nsamples numsamples samples filesize size bytes bitrate samplerate sr".split())
_ROW_NUMBERS = re.compile(r"unnamed\d*|index|idx|row|rownumber|number|no|")
# So many rows in rising order are no chance.
_LEAST_ROWS = 12


@dataclass(frozen=True)
class Remark:
    """Something found in a table: its kind, what it is about (a column or a clip, and another clip), and details."""

    kind: str
    subject: str
    other: str
    detail: str


@dataclass(frozen=True, eq=False)
class Features:
    """The features of a table.

    Attributes
    ----------
    values : np.ndarray [shape=(n_rows, n_columns), dtype=float64]
        Finite, without constant columns.
    columns : tuple of str
    remarks : tuple of Remark
        The columns that were left out, and why.
    """

    values: np.ndarray
    columns: tuple[str, ...]
    remarks: tuple[Remark, ...]


def features_of(
    table: ClipTable,
    rows: np.ndarray,
    labels: np.ndarray,
    used: Sequence[str] = (),
    drop: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> Features:
    """Take the columns of numbers; leave out what leaks, and say so.

    Parameters
    ----------
    table : ClipTable
    rows : np.ndarray [dtype=int]
        The rows to take.
    labels : np.ndarray [shape=(n_rows,), dtype=str]
    used, drop, keep : sequence of str
        Columns that describe the clips; to leave out; to keep whatever they look like.

    Raises
    ------
    OptionError
        `drop` or `keep` names no column.
    ManifestError
        A cell that is no finite number, or no feature is left.
    """
    for option, names in (("--drop", drop), ("--keep", keep)):
        for name in set(names) - set(map(str, table.frame.columns)):
            raise OptionError(f"{table.path.name} has no column {name!r}", field=option, cure="see its first line")
    remarks, left_out = [], {*used, *drop}
    remarks += [Remark("dropped column", name, "", "as asked") for name in drop]
    remarks += [Remark("column of the clip", name, "", "labels or describes it and is no feature") for name in used]
    frame = table.frame.iloc[rows]
    columns = [name for name in frame.columns.tolist() if str(name) not in left_out]
    numeric = frame[columns].select_dtypes(include=["number"]).columns.tolist()
    texts = [name for name, is_number in zip(columns, np.isin(columns, numeric)) if not is_number]
    numbers = [frame[numeric].to_numpy(np.float64)]
    names = list(map(str, numeric))
    for name in texts:
        column = _numbers_or_text(frame[name], table, rows)
        if column is None:
            remarks.append(Remark("text column", str(name), "", "holds no numbers and is left out"))
        else:
            numbers.append(column[:, None])
            names.append(str(name))
    values = np.hstack(numbers)
    _check_finite(values, names, table, rows)
    constant = values.max(axis=0) == values.min(axis=0) if len(values) else np.ones(len(names), bool)
    leaks = _leaks(values, names, labels, constant)
    for name in keep:
        leaks.pop(name, None)
    remarks += [
        Remark("leaking column", name, "", f"{why}; left out (--keep {shlex.quote(name)} keeps it)")
        for name, why in leaks.items()
    ]
    remarks += [Remark("constant column", names[place], "", "tells nothing") for place in np.flatnonzero(constant)]
    kept = [place for place, name in enumerate(names) if not constant[place] and name not in leaks]
    if not kept:
        problem = f"no column of features is left of {len(table.frame.columns)}"
        cure = "give columns of numbers that vary from clip to clip"
        raise ManifestError(problem, path=table.path, cure=cure)
    return Features(values[:, kept], tuple(names[place] for place in kept), tuple(remarks))


def _numbers_or_text(cells: pd.Series, table: ClipTable, rows: np.ndarray) -> np.ndarray | None:
    """Return a column of text as numbers if most of it is; None for words. One odd cell is an error."""
    if cells.dtype == bool:
        return cells.to_numpy(np.float64)
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    if np.isfinite(numbers).mean() < 0.5:
        return None
    for place in np.flatnonzero(np.isnan(numbers))[:1]:
        _refuse(table, str(cells.name), table.names[rows[place]], repr(cells.iloc[place]), int(np.isnan(numbers).sum()))
    return numbers


def _check_finite(values: np.ndarray, names: list[str], table: ClipTable, rows: np.ndarray) -> None:
    wrong = ~np.isfinite(values)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        _refuse(table, names[column], table.names[rows[row]], str(values[row, column]), int(wrong.sum()))


def _refuse(table: ClipTable, column: str, name: str, cell: str, count: int) -> None:
    problem = f"{cell} for {name!r} is no finite number; {count} such cell(s) in all"
    cure = f"mend or remove these rows, or leave the column out with --drop {shlex.quote(column)}"
    raise ManifestError(problem, path=table.path, field=column, cure=cure)


def _leaks(values: np.ndarray, names: list[str], labels: np.ndarray, constant: np.ndarray) -> dict[str, str]:
    """Return the columns that tell the row's number, the file or the label, and why they are thought to."""
    found = {}
    classes = np.unique(labels, return_inverse=True)[1]
    steps = np.diff(values, axis=0)
    rising = np.asarray((steps > 0).all(axis=0) | (steps < 0).all(axis=0))
    for place, name in enumerate(names):
        if constant[place]:
            continue
        if bare(name) in _OF_THE_FILE:
            found[name] = "tells of the file, not of its sound: copies of a collection differ in it from class to class"
        elif len(values) >= _LEAST_ROWS and rising[place]:
            found[name] = "rises or falls from row to row: it is the number of the row, and rows are sorted by class"
        elif _ROW_NUMBERS.fullmatch(bare(name)) and (values[:, place] == np.round(values[:, place])).all():
            found[name] = "looks like the number of the row"
        elif _is_label(values[:, place], classes):
            found[name] = "is the label in other words: each class has one value"
    return found


def _is_label(column: np.ndarray, classes: np.ndarray) -> bool:
    firsts = np.full(classes.max() + 1, np.nan)
    firsts[classes] = column
    counts = np.bincount(classes)
    return bool((firsts[classes] == column).all() and len(set(firsts)) == len(firsts) and counts.max() > 2)
