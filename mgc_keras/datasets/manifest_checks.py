"""The rules a manifest's table must keep. Each breach is one error that names the file, the column and the cure."""

import math
import os
import posixpath
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from mgc_keras.datasets.cards import Card
from mgc_keras.errors import ManifestError

SPLITS = ("train", "valid", "test", "")
TEXT_COLUMNS = ("clip_id", "filepath", "label", "split", "artist")


def checked_table(table: pd.DataFrame, path: Path, card: Card | None, data_home: Path | None) -> pd.DataFrame:
    """Check a table whose cells are all text, and return it with `fold` as int and `label_<name>` as float.

    Parameters
    ----------
    table : pd.DataFrame
        The rows as read, every cell a str.
    path : Path
        The file, for the errors.
    card : Card or None
        The dataset's card: labels it does not know are refused.
    data_home : Path or None
        Folder of the clips, to follow links; None checks the spelling of the paths alone.

    Raises
    ------
    ManifestError
        The table breaks the schema.
    """
    label_columns = [column for column in table.columns if column.startswith("label_")]
    missing = [column for column in ("clip_id", "filepath") if column not in table]
    if "label" not in table and not label_columns:
        missing.append("label (or label_<name>)")
    if missing:
        has = ", ".join(map(str, table.columns[:6]))
        raise ManifestError(f"the column is missing (found: {has})", path=path, field=", ".join(missing), cure="add it")
    if table.empty:
        raise ManifestError(
            "there are no rows", path=path, field="clip_id", cure="make the manifest again from its folder"
        )
    _check_ids(table["clip_id"], path)
    _check_filepaths(table["filepath"], path, data_home)
    _check_labels(table, label_columns, path, card)
    if "split" in table:
        _refuse(
            table, "split", ~table["split"].isin(SPLITS), path, "unknown split", "use train, valid, test or leave empty"
        )
    checked = table.reset_index(drop=True).copy()
    for column in checked.columns:
        if column in label_columns:
            checked[column] = _numbers(checked, column, path)
        elif column == "fold":
            integer = checked[column].str.fullmatch(r"[+-]?\d{1,18}")
            _refuse(checked, column, ~integer, path, "not an integer", "write each fold as a whole number")
            checked[column] = checked[column].astype(np.int64)
        elif column not in TEXT_COLUMNS:
            checked[column] = _as_numbers_if_all_are(checked[column])
    return checked


def _refuse(table: pd.DataFrame, column: str, wrong: pd.Series, path: Path, problem: str, cure: str) -> None:
    """Raise if any row is `wrong`, quoting the first value and its line in the file."""
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        where = f"{problem}: {table[column].iloc[row]!r} in row {row + 1}, {int(wrong.sum())} row(s) in all"
        raise ManifestError(where, path=path, field=column, cure=cure)


def _check_ids(ids: pd.Series, path: Path) -> None:
    table = ids.to_frame("clip_id")
    _refuse(table, "clip_id", ids.str.strip() == "", path, "empty id", "give each clip an id")
    _refuse(table, "clip_id", ids.duplicated(), path, "duplicate id", "make the ids unique")


def _check_filepaths(filepaths: pd.Series, path: Path, data_home: Path | None) -> None:
    table = filepaths.to_frame("filepath")
    _refuse(table, "filepath", filepaths.str.strip() == "", path, "empty path", "name each clip's file")
    cure = "write paths relative to the data folder, without leaving it"
    absolute = filepaths.map(lambda name: PurePosixPath(name).is_absolute())
    _refuse(table, "filepath", absolute, path, "absolute path", cure)
    leaves = filepaths.map(lambda name: posixpath.normpath(name).split("/")[0] in ("..", "."))
    _refuse(table, "filepath", leaves, path, "the path leaves the data folder", cure)
    if data_home is None:
        return
    home = os.path.realpath(data_home)
    # Folders are few and clips many: resolve each folder once, and a clip only if it is itself a link.
    inside: dict[str, bool] = {}

    def escapes(name: str) -> bool:
        folder = posixpath.dirname(name)
        if folder not in inside:
            inside[folder] = _is_inside(os.path.join(home, folder), home)
        clip = os.path.join(home, name)
        return not inside[folder] or (os.path.islink(clip) and not _is_inside(clip, home))

    cure = "copy the linked clips into the data folder, or name their real folder as data_home"
    _refuse(table, "filepath", filepaths.map(escapes), path, "a link leaves the data folder", cure)


def _is_inside(name: str, home: str) -> bool:
    return os.path.commonpath([os.path.realpath(name), home]) == home


def _check_labels(table: pd.DataFrame, label_columns: list[str], path: Path, card: Card | None) -> None:
    if "label" in table:
        _refuse(table, "label", table["label"].str.strip() == "", path, "empty label", "name each clip's class")
        if card is not None and card.classes is not None:
            unknown = ~table["label"].isin(card.classes)
            cure = f"{card.name} knows: {', '.join(card.classes)}; rename the file if it is another dataset"
            _refuse(table, "label", unknown, path, "unknown label", cure)
    if card is not None and card.label_columns is not None:
        unknown = [column for column in label_columns if column.removeprefix("label_") not in card.label_columns]
        if unknown:
            cure = f"{card.name} knows: {', '.join(card.label_columns)}; rename the file if it is another dataset"
            raise ManifestError("unknown label column", path=path, field=unknown[0], cure=cure)


def _numbers(table: pd.DataFrame, column: str, path: Path) -> pd.Series:
    numbers = table[column].map(_as_float).astype(np.float64)
    wrong = ~np.isfinite(numbers)
    _refuse(table, column, wrong, path, "not a finite number", "give each clip a number here, or leave the clip out")
    return numbers


def _as_numbers_if_all_are(cells: pd.Series) -> pd.Series:
    # "007" and numbers too long for an int64 are names.
    if cells.str.fullmatch(r"-?(0|[1-9]\d{0,17})").all():
        return cells.astype(np.int64)
    numbers = cells.map(_as_float).astype(np.float64)
    return cells if numbers.isna().any() else numbers


def _as_float(cell: str) -> float:
    # Python's own reading is exact; pandas.to_numeric can be one unit off in the last place.
    try:
        return float(cell)
    except ValueError:
        return math.nan
