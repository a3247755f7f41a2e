"""The rules a manifest's table must keep. Each breach is one error that names the file, the column and the cure."""

import math
import os
import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from mgc_keras.datasets.cards import Card
from mgc_keras.errors import ManifestError
from mgc_keras.work import logger

SPLITS = ("train", "valid", "test", "")
TEXT_COLUMNS = ("clip_id", "filepath", "label", "split", "artist")
_KNOWN_COLUMNS = (*TEXT_COLUMNS, "fold", "cut_from")

# With empty parts, "." or "..".
_ODD_PATH = r"(?:^|/)\.{0,2}(?:/|$)"
# Rows at a time.
_PART = 1 << 14


def checked_table(
    table: pd.DataFrame, path: Path, card: Card | None, data_home: Path | None, *, labelled: bool = True
) -> pd.DataFrame:
    """Check a table whose cells are all text, and return it with `fold` as int and `label_<name>` as float.

    Labels that the `card` does not know are refused; what is only odd is a warning in the log. Links are followed from
    `data_home`; without one, the spelling of the paths alone is checked. `path` is for the errors, which are
    `ManifestError`. `labelled`: a table without labels is one of these.
    """
    _check_spelling(table.columns, path)
    label_columns = [column for column in table.columns if column.startswith("label_")]
    missing = [column for column in ("clip_id", "filepath") if column not in table]
    if labelled and "label" not in table and not label_columns:
        missing.append("label (or label_<name>)")
    if missing:
        has = ", ".join(map(str, table.columns[:6]))
        raise ManifestError(f"the column is missing (found: {has})", path=path, field=", ".join(missing), cure="add it")
    if table.empty:
        cure = "make the manifest again from its folder"
        raise ManifestError("there are no rows", path=path, field="clip_id", cure=cure)
    refuse = partial(_refuse, table, path)  # quotes the cells as they are in the file
    table = table.assign(filepath=_with_slashes(table["filepath"], data_home))
    refuse("clip_id", table["clip_id"].str.strip() == "", "empty id", "give each clip an id")
    refuse("clip_id", _duplicated(table["clip_id"]), "duplicate id", "make the ids unique")
    _check_filepaths(table["filepath"], refuse, data_home)
    _check_labels(table, label_columns, path, card)
    _check_files(table, path)
    if "split" in table:
        cure = "use train, valid, test or leave empty"
        refuse("split", ~table["split"].isin(SPLITS), "unknown split", cure)
    checked = table.reset_index(drop=True).copy()
    for column in checked.columns:
        if column in label_columns:
            numbers = _floats(checked[column])
            cure = "give each clip a number here, or leave the clip out"
            refuse(column, ~np.isfinite(numbers), "not a finite number", cure)
            checked[column] = numbers
        elif column == "fold":
            integer = checked[column].str.fullmatch(r"[+-]?\d{1,18}")
            refuse(column, ~integer, "not an integer", "write each fold as a whole number")
            checked[column] = checked[column].astype(np.int64)
        elif column not in TEXT_COLUMNS:
            checked[column] = _as_numbers_if_all_are(checked[column])
    return checked


def _refuse(table: pd.DataFrame, path: Path, column: str, wrong: pd.Series, problem: str, cure: str) -> None:
    """Raise if any row is `wrong`, quoting the first value and its line in the file."""
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        where = f"{problem}: {table[column].iloc[row]!r} in row {row + 1}, {int(wrong.sum())} row(s) in all"
        raise ManifestError(where, path=path, field=column, cure=cure)


def _check_spelling(columns: pd.Index, path: Path) -> None:
    """Refuse columns that differ from a known one in capitals, spaces and dashes alone: they would be left unread."""
    bare = {re.sub(r"[\W_]", "", name): name for name in _KNOWN_COLUMNS}
    wrong = {}
    for column in columns:
        meant = bare.get(re.sub(r"[\W_]", "", column.casefold()))
        if column.strip().casefold().startswith("label_"):
            meant = f"label_{column.strip()[6:]}"
        if meant is not None and meant not in columns:
            wrong[column] = meant
    if wrong:
        cure = f"rename: {', '.join(f'{column!r} to {meant!r}' for column, meant in wrong.items())}"
        raise ManifestError("the column is not spelt as it should be", path=path, field=next(iter(wrong)), cure=cure)


def _with_slashes(filepaths: pd.Series, data_home: Path | None) -> pd.Series:
    """Read backslashes, as Windows writes them, as slashes; a file below `data_home` may have one in its name."""

    def slashes(name: str) -> str:
        is_name = data_home is not None and os.path.lexists(os.path.join(data_home, name))
        return name if is_name else name.replace("\\", "/")

    return _mapped(filepaths, r"\\", slashes)


def _texts(cells: pd.Series) -> Iterator[str]:
    """Yield cells part by part: all of a quarter of a million as Python's own texts take a lot of memory."""
    for first in range(0, len(cells), _PART):
        yield from cells.iloc[first : first + _PART].tolist()


def _duplicated(cells: pd.Series, keep: Literal["first", False] = "first") -> pd.Series:
    """Return what `pd.Series.duplicated` does, in little memory where there are none: equal texts have equal hashes."""
    hashes = np.fromiter(map(hash, _texts(cells)), np.int64, len(cells))
    return cells.duplicated(keep) if len(np.unique(hashes)) < len(cells) else pd.Series(False, cells.index)


def _mapped(cells: pd.Series, pattern: str, change: Callable[[str], str]) -> pd.Series:
    """Return the cells with `change` done to those that hold a pattern: few of a quarter of a million do."""
    held = cells.str.contains(pattern).to_numpy(bool)
    if not held.any():
        return cells
    changed = cells.copy()
    changed[held] = [change(cell) for cell in cells[held]]
    return changed


def _check_filepaths(filepaths: pd.Series, refuse: Callable[..., None], data_home: Path | None) -> None:
    refuse("filepath", filepaths.str.strip() == "", "empty path", "name each clip's file")
    cure = "write paths relative to the data folder, without leaving it"
    # A drive letter makes a path absolute on Windows alone.
    refuse("filepath", filepaths.str.match(r"/|[A-Za-z]:[/\\]"), "absolute path", cure)
    normal = _mapped(filepaths, _ODD_PATH, posixpath.normpath)
    leaves = normal.isin([".", ".."]) | normal.str.startswith("../")
    refuse("filepath", leaves, "the path leaves the data folder", cure)
    if data_home is None:
        return
    home = os.path.realpath(data_home)
    start = os.path.join(home, "")

    # Folders are few and clips many: resolve each folder once, and a clip only if it is itself a link.
    @cache
    def inside(folder: str) -> bool:
        return _is_inside(os.path.join(home, folder), home)

    def escapes(name: str) -> bool:
        clip = start + name
        return not inside(name.rpartition("/")[0]) or (os.path.islink(clip) and not _is_inside(clip, home))

    cure = "copy the linked clips into the data folder, or name their real folder as data_home"
    refuse("filepath", pd.Series(map(escapes, _texts(filepaths))), "a link leaves the data folder", cure)


def _is_inside(name: str, home: str) -> bool:
    return os.path.commonpath([os.path.realpath(name), home]) == home


def _check_labels(table: pd.DataFrame, label_columns: list[str], path: Path, card: Card | None) -> None:
    cure = "{} knows: {}; rename the file if it is another dataset"
    if "label" in table:
        _refuse(table, path, "label", table["label"].str.strip() == "", "empty label", "name each clip's class")
        if card is not None and card.classes is not None:
            known = cure.format(card.name, ", ".join(card.classes))
            _refuse(table, path, "label", ~table["label"].isin(card.classes), "unknown label", known)
        check_alike(table["label"], path)
    if card is not None and card.label_columns is not None:
        unknown = [column for column in label_columns if column.removeprefix("label_") not in card.label_columns]
        if unknown:
            known = cure.format(card.name, ", ".join(card.label_columns))
            raise ManifestError("unknown label column", path=path, field=unknown[0], cure=known)


def check_alike(labels: pd.Series, path: Path) -> None:
    """Refuse labels that nobody can tell apart; warn of those that differ in capitals.

    Raises
    ------
    ManifestError
        Two labels differ in spaces or Unicode form alone.
    """
    alike: dict[str, list[str]] = {}
    for label in labels.unique():
        alike.setdefault(" ".join(unicodedata.normalize("NFC", label).split()), []).append(label)
    for group in alike.values():
        if len(group) > 1:
            # Forms of one letter look the same: their codes are shown.
            show = repr if len({" ".join(label.split()) for label in group}) == 1 else ascii
            problem = f"labels differ in spaces or Unicode form alone: {', '.join(map(show, group))}"
            raise ManifestError(problem, path=path, field="label", cure="write them alike in all rows")
    capitals: dict[str, list[str]] = {}
    for label in alike:
        capitals.setdefault(label.casefold(), []).append(label)
    for group in capitals.values():
        if len(group) > 1:
            names = " and ".join(map(repr, group))
            logger.warning("%s: label: %s are classes of their own; write them alike if they are one", path, names)


def _check_files(table: pd.DataFrame, path: Path) -> None:
    """Refuse a file with two labels; warn of one that stands in several rows."""
    files = _mapped(table["filepath"], _ODD_PATH, posixpath.normpath)
    for name, rows in table[_duplicated(files, keep=False)].groupby(files, sort=False):
        labels = rows["label"].unique() if "label" in table else ()
        if len(labels) > 1:
            problem = f"the same file has the labels {', '.join(map(repr, labels))}: {name!r}"
            cure = "keep one row a file; several labels of a clip go into columns label_<name>"
            raise ManifestError(problem, path=path, field="filepath", cure=cure)
        logger.warning("%s: filepath: %r stands in %d rows, which folds may part", path, name, len(rows))


def _as_numbers_if_all_are(cells: pd.Series) -> pd.Series:
    # "007" and numbers too long for an int64 are names.
    if cells.str.fullmatch(r"-?(0|[1-9]\d{0,17})").all():
        return cells.astype(np.int64)
    numbers = _floats(cells)
    return cells if numbers.isna().any() else numbers


def _floats(cells: pd.Series) -> pd.Series:
    return cells.map(_as_float).astype(np.float64)


def _as_float(cell: str) -> float:
    # Python's own reading is exact; pandas.to_numeric can be one unit off in the last place.
    # It also takes 1_000, which nobody writes into a table as a number.
    try:
        return math.nan if "_" in cell else float(cell)
    except ValueError:
        return math.nan
