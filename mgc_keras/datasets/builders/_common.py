"""What the builders share: finding the dataset's root, reading its lists, sorting out what is missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from mgc_keras.datasets.cards import read_card
from mgc_keras.datasets.manifest import clips_in
from mgc_keras.errors import ManifestError


@dataclass(frozen=True, eq=False)
class Built:
    """What a builder returns: the manifest's rows, and what a user should know of them."""

    table: pd.DataFrame
    missing: list[str] = field(default_factory=list)  # clips that the dataset's lists name, not there or not to be cut
    remarks: list[str] = field(default_factory=list)  # for example, how many clips were left out by rule


def clips_by_stem(folder: Path, clips: Iterable[Path]) -> dict[str, Path]:
    """Return clips by their name without suffix. Raises `ManifestError` if two share one."""
    found: dict[str, Path] = {}
    for clip in clips:
        first = found.setdefault(clip.stem, clip)
        if first is not clip:
            pair = " and ".join(path.relative_to(folder).as_posix() for path in (first, clip))
            problem = f"two files for one clip: {pair}"
            raise ManifestError(problem, path=folder, field="clip_id", cure="keep one of them")
    return found


def paths_by_stem(folder: Path) -> dict[str, str]:
    """Return the paths, relative to `folder`, of all clips below it by name. Raises as `clips_by_stem` does."""
    clips = clips_by_stem(folder, clips_in(folder))
    return {stem: clip.relative_to(folder).as_posix() for stem, clip in clips.items()}


def prefix_of(root: Path, folder: Path) -> str:
    """Return what stands before paths relative to `root` to make them relative to `folder`, which holds it."""
    return "" if root == folder else f"{root.relative_to(folder).as_posix()}/"


def find_root(name: str, folder: Path, entries: Iterable[str]) -> Path:
    """Return `folder`, or the one folder up to two below it, that holds at least one of `entries`.

    Archives often add a folder, and copies (GTZAN's on Kaggle: ``Data/genres_original``) another.

    Raises `ManifestError` if none does, or several do.
    """
    entries = list(entries)
    cure = f"expected: {read_card(name).layout}"
    if not folder.is_dir():
        raise ManifestError("there is no such folder", path=folder, cure=cure)

    def folders(places: Iterable[Path]) -> list[Path]:
        inner = (path for place in places for path in place.iterdir())
        return sorted(path for path in inner if path.is_dir() and not path.name.startswith("."))

    def holding(places: Iterable[Path]) -> list[Path]:
        return [place for place in places if any((place / entry).exists() for entry in entries)]

    below = folders([folder])
    roots = holding([folder, *below]) or holding(folders(below))
    if not roots:
        problem = f"{entries[0]} is neither here nor up to two folders below"
        raise ManifestError(problem, path=folder, field=name, cure=cure)
    if len(roots) > 1:
        # Copies of GTZAN come with a folder of images a genre.
        roots = [root for root in roots if clips_in(root)] or roots
    if len(roots) > 1:
        problem = f"holds several copies: {', '.join(map(str, roots))}"
        raise ManifestError(problem, path=folder, field=name, cure="name the folder of one of them")
    return roots[0]


def class_table(folder: Path, class_folders: Mapping[str, Path]) -> pd.DataFrame:
    """List the clips of class folders: classes as given, clips sorted, `clip_id` the name without suffix.

    Raises `ManifestError` if two clips share a name.
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

    Raises `ManifestError` if the file is missing, is no such list, or lacks one of `columns`.
    """
    if not path.is_file():
        raise ManifestError("there is no such file", path=path, cure="fetch the dataset's lists too")
    try:
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig").fillna("")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ManifestError("cannot be read as a list", path=path, cure="fetch the file again") from error
    if len(table) and not isinstance(table.index, pd.RangeIndex):
        raise ManifestError("its rows have more fields than its header", path=path, cure="fetch the file again")
    table.columns = table.columns.str.strip()
    absent = [column for column in columns if column not in table]
    if absent:
        raise ManifestError("the column is missing", path=path, field=", ".join(absent), cure="fetch the file again")
    return table.apply(lambda cells: cells.str.strip())


def numbers(table: pd.DataFrame, column: str, path: Path) -> pd.Series:
    """Return a column of a list as float64. Raises `ManifestError` at the first cell that is no finite number."""
    finite = table[column].str.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
    if not finite.all():
        problem = f"{table[column][~finite].iloc[0]!r} is no number"
        raise ManifestError(problem, path=path, field=column, cure="fetch the file again")
    return table[column].map(float)


def split_off_missing(table: pd.DataFrame, folder: Path, remarks: Iterable[str] = ()) -> Built:
    """Keep the rows whose `filepath` exists below `folder` and name the others."""
    present = {clip.relative_to(folder).as_posix() for clip in clips_in(folder)}
    there = table["filepath"].isin(present)
    return Built(table[there].reset_index(drop=True), table.loc[~there, "filepath"].tolist(), list(remarks))
