"""The rules a manifest's table must keep. Each breach is one error that names the file, the column and the cure."""

import math
import os
import posixpath
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.datasets.cards import Card
from mgc_keras.errors import ManifestError

SPLITS = ("train", "valid", "test", "")
TEXT_COLUMNS = ("clip_id", "filepath", "label", "split", "artist")


def checked_table(table: pd.DataFrame, path: Path, card: Card | None, data_home: Path | None) -> pd.DataFrame:
    """Check a table whose cells are all text, and return it with `fold` as int and `label_<name>` as float.

    Labels that the `card` does not know are refused. Links are followed from `data_home`; without one, the spelling of
    the paths alone is checked. `path` is for the errors, which are `ManifestError`.
    """
    label_columns = [column for column in table.columns if column.startswith("label_")]
    missing = [column for column in ("clip_id", "filepath") if column not in table]
    if "label" not in table and not label_columns:
        missing.append("label (or label_<name>)")
    if missing:
        has = ", ".join(map(str, table.columns[:6]))
        raise ManifestError(f"the column is missing (found: {has})", path=path, field=", ".join(missing), cure="add it")
    if table.empty:
        cure = "make the manifest again from its folder"
        raise ManifestError("there are no rows", path=path, field="clip_id", cure=cure)
    refuse = partial(_refuse, table, path)
    refuse("clip_id", table["clip_id"].str.strip() == "", "empty id", "give each clip an id")
    refuse("clip_id", table["clip_id"].duplicated(), "duplicate id", "make the ids unique")
    _check_filepaths(table["filepath"], refuse, data_home)
    _check_labels(table, label_columns, path, card)
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


def _check_filepaths(filepaths: pd.Series, refuse: Callable[..., None], data_home: Path | None) -> None:
    refuse("filepath", filepaths.str.strip() == "", "empty path", "name each clip's file")
    cure = "write paths relative to the data folder, without leaving it"
    refuse("filepath", filepaths.str.startswith("/"), "absolute path", cure)
    leaves = filepaths.map(lambda name: posixpath.normpath(name).split("/")[0] in ("..", "."))
    refuse("filepath", leaves, "the path leaves the data folder", cure)
    if data_home is None:
        return
    home = os.path.realpath(data_home)

    # Folders are few and clips many: resolve each folder once, and a clip only if it is itself a link.
    @cache
    def inside(folder: str) -> bool:
        return _is_inside(os.path.join(home, folder), home)

    def escapes(name: str) -> bool:
        clip = os.path.join(home, name)
        return not inside(posixpath.dirname(name)) or (os.path.islink(clip) and not _is_inside(clip, home))

    cure = "copy the linked clips into the data folder, or name their real folder as data_home"
    refuse("filepath", filepaths.map(escapes), "a link leaves the data folder", cure)


def _is_inside(name: str, home: str) -> bool:
    return os.path.commonpath([os.path.realpath(name), home]) == home


def _check_labels(table: pd.DataFrame, label_columns: list[str], path: Path, card: Card | None) -> None:
    cure = "{} knows: {}; rename the file if it is another dataset"
    if "label" in table:
        _refuse(table, path, "label", table["label"].str.strip() == "", "empty label", "name each clip's class")
        if card is not None and card.classes is not None:
            known = cure.format(card.name, ", ".join(card.classes))
            _refuse(table, path, "label", ~table["label"].isin(card.classes), "unknown label", known)
    if card is not None and card.label_columns is not None:
        unknown = [column for column in label_columns if column.removeprefix("label_") not in card.label_columns]
        if unknown:
            known = cure.format(card.name, ", ".join(card.label_columns))
            raise ManifestError("unknown label column", path=path, field=unknown[0], cure=known)


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
    try:
        return float(cell)
    except ValueError:
        return math.nan
