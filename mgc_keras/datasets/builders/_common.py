"""What the builders share: finding the dataset's root, reading its lists, sorting out what is missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from mgc_keras.audio.files import find_clips
from mgc_keras.datasets.cards import read_card
from mgc_keras.errors import AudioError, ManifestError


@dataclass(frozen=True, eq=False)
class Built:
    """What a builder returns.

    Parameters
    ----------
    table : pd.DataFrame
        The manifest's rows.
    missing : list of str
        Clips that the dataset's own lists name but that are not there (or cannot be cut).
    remarks : list of str
        What a user should be told, for example how many clips were left out by rule.
    """

    table: pd.DataFrame
    missing: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def clips_in(folder: Path) -> list[Path]:
    """Return all clips below `folder`, sorted, without hidden files. Raises `ManifestError` without such a folder."""
    try:
        return find_clips(folder)
    except AudioError as error:
        raise ManifestError(error.problem, path=folder, cure=error.cure) from error


def clips_by_stem(folder: Path, clips: Iterable[Path]) -> dict[str, Path]:
    """Return clips by their name without suffix. Raises `ManifestError` if two share one."""
    found: dict[str, Path] = {}
    for clip in clips:
        first = found.setdefault(clip.stem, clip)
        if first is not clip:
            pair = " and ".join(path.relative_to(folder).as_posix() for path in (first, clip))
            raise ManifestError(
                f"two files for one clip: {pair}", path=folder, field="clip_id", cure="keep one of them"
            )
    return found


def find_root(name: str, folder: Path, entries: Iterable[str]) -> Path:
    """Return `folder`, or its one sub-folder, that holds at least one of `entries` (archives often add a folder).

    Raises
    ------
    ManifestError
        None does, or several do.
    """
    entries = list(entries)
    if not folder.is_dir():
        raise ManifestError("there is no such folder", path=folder, cure=f"expected: {read_card(name).layout}")
    inner = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    roots = [place for place in (folder, *inner) if any((place / entry).exists() for entry in entries)]
    if not roots:
        problem = f"{entries[0]} is neither here nor one folder below"
        raise ManifestError(problem, path=folder, field=name, cure=f"expected: {read_card(name).layout}")
    if len(roots) > 1:
        copies = ", ".join(str(root) for root in roots)
        raise ManifestError(
            f"holds several copies: {copies}", path=folder, field=name, cure="name the folder of one of them"
        )
    return roots[0]


def class_table(folder: Path, class_folders: Mapping[str, Path]) -> pd.DataFrame:
    """List the clips of class folders: classes as given, clips sorted, `clip_id` the name without suffix.

    Raises
    ------
    ManifestError
        Two clips share a name.
    """
    labelled = [
        (clip, label)
        for label, class_folder in class_folders.items()
        if class_folder.is_dir()
        for clip in clips_in(class_folder)
    ]
    clips_by_stem(folder, (clip for clip, _ in labelled))
    rows = [(clip.stem, clip.relative_to(folder).as_posix(), label) for clip, label in labelled]
    return pd.DataFrame(rows, columns=["clip_id", "filepath", "label"])


def read_list(path: Path, columns: Iterable[str], separator: str = ",") -> pd.DataFrame:
    """Read a dataset's own list, every cell as text without surrounding blanks.

    Raises
    ------
    ManifestError
        The file is missing, not such a list, or lacks one of `columns`.
    """
    if not path.is_file():
        raise ManifestError("there is no such file", path=path, cure="fetch the dataset's lists too")
    try:
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig").fillna("")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ManifestError("cannot be read as a list", path=path, cure="fetch the file again") from error
    table.columns = table.columns.str.strip()
    absent = [column for column in columns if column not in table]
    if absent:
        raise ManifestError("the column is missing", path=path, field=", ".join(absent), cure="fetch the file again")
    return table.apply(lambda cells: cells.str.strip())


def numbers(table: pd.DataFrame, column: str, path: Path) -> pd.Series:
    """Return a column of a list as float64. Raises `ManifestError` at the first cell that is no finite number."""
    finite = table[column].str.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
    if not finite.all():
        raise ManifestError(
            f"{table[column][~finite].iloc[0]!r} is no number", path=path, field=column, cure="fetch the file again"
        )
    return table[column].map(float)


def split_off_missing(table: pd.DataFrame, folder: Path, remarks: Iterable[str] = ()) -> Built:
    """Keep the rows whose `filepath` exists below `folder` and name the others."""
    present = {clip.relative_to(folder).as_posix() for clip in clips_in(folder)}
    there = table["filepath"].isin(present)
    return Built(table[there].reset_index(drop=True), table.loc[~there, "filepath"].tolist(), list(remarks))
