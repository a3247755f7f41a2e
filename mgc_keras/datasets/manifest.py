"""Manifests: one CSV a dataset, one row a clip.

Columns: ``clip_id`` (unique), ``filepath`` (relative to the data folder), then ``label`` (a
class name) or several ``label_<name>`` (numbers: 0/1 for tags, a score for regression) or both; optional ``split``
(train, valid, test, or empty: in none of them), ``fold`` (an integer), ``artist``. Further columns are kept as they
are.
"""

import csv
import io
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.audio.ffmpeg import warn_left_out
from mgc_keras.audio.files import find_audio
from mgc_keras.datasets.cards import Card, card_names, read_card
from mgc_keras.datasets.manifest_checks import checked_table
from mgc_keras.errors import AudioError, ManifestError
from mgc_keras.files import csv_lines, readable_name, why_no_file, write_text
from mgc_keras.work import logger, read_record

LABEL_PREFIX = "label_"
_SAVE = "save it as comma-separated UTF-8 text"
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True, eq=False)
class Manifest:
    """A dataset's clips, checked.

    The table's index is 0 to n - 1; text columns hold str (empty text where nothing is known), `fold` int,
    `label_<name>` float.
    """

    name: str  # the CSV's, without suffix
    table: pd.DataFrame
    data_home: Path  # the folder that `filepath` is relative to

    def __len__(self) -> int:
        return len(self.table)

    @property
    def clip_ids(self) -> list[str]:
        """The clips' ids, in manifest order."""
        return self.table["clip_id"].tolist()

    @property
    def filepaths(self) -> list[Path]:
        """The clips' absolute paths, in manifest order."""
        home = self.data_home.absolute()
        return [home / filepath for filepath in self.table["filepath"]]

    @property
    def label_columns(self) -> list[str]:
        """The names of the `label_<name>` columns, prefix included."""
        return [column for column in self.table.columns if column.startswith(LABEL_PREFIX)]

    @property
    def class_names(self) -> list[str]:
        """The values of `label`, sorted; empty where there is no such column."""
        return sorted(set(self.table["label"])) if "label" in self.table else []

    @property
    def label_indices(self) -> np.ndarray:
        """Each clip's position in `class_names`, (n_clips,) int64. Raises `ManifestError` without `label`."""
        if "label" not in self.table:
            raise ManifestError("there is no such column", path=self.name, field="label", cure="use targets(column)")
        return np.unique(self.table["label"].to_numpy(str), return_inverse=True)[1]

    def targets(self, column: str) -> np.ndarray:
        """Return a `label_<name>` column, (n_clips,) float64; `column` with or without the prefix.

        Raises `ManifestError` if there is no such column.
        """
        full = column if column.startswith(LABEL_PREFIX) else LABEL_PREFIX + column
        if full not in self.table:
            cure = f"choose one of: {', '.join(self.label_columns) or 'none here'}"
            raise ManifestError("there is no such column", path=self.name, field=full, cure=cure)
        return self.table[full].to_numpy(np.float64)

    def select(self, rows: np.ndarray) -> "Manifest":
        """Return the manifest of some rows: a boolean mask (n_clips,), or integer positions in the wanted order."""
        rows = np.asarray(rows)
        picked = self.table[rows] if rows.dtype == bool else self.table.iloc[rows]
        return Manifest(self.name, picked.reset_index(drop=True), self.data_home)


def read_manifest(path: str | Path, data_home: str | Path | None = None, *, labelled: bool = True) -> Manifest:
    """Read and check a manifest.

    The clips themselves need not exist: a clip that cannot be read later becomes a row of ``errors.csv``. Where a card
    carries the manifest's name, labels the card does not know are refused.

    Backslashes in a path are read as slashes, unless a file of just that name is there. Labels that differ in spaces or
    Unicode form alone look like one class and are refused; those that differ in capitals ("C" and "c" may be two keys)
    are two classes, with a warning in the log. A file that stands under two labels is refused; one that stands in
    several rows otherwise is kept, with a warning, since folds may part them.

    Parameters
    ----------
    path, data_home : str or Path
        The CSV; the folder that `filepath` is relative to, by default the CSV's own.
    labelled : bool
        Whether there must be labels. A list of clips for what learns nothing, such as features, needs none.

    Raises
    ------
    ManifestError
        The file is missing, no CSV or without rows; a row has more or fewer fields than the header; columns are
        missing, misspelt or there twice; ids are empty or occur twice; labels are empty, unknown, not numbers or not
        to be told apart; a fold is not an integer; a split has an unknown name; a path is absolute or leaves
        `data_home` (through links too), a file has two labels, or `data_home` is no folder.

    Example
    -------
    >>> manifest = read_manifest("gtzan_genre.csv", data_home="/data/gtzan")    # doctest: +SKIP
    >>> manifest.class_names[:2]                                               # doctest: +SKIP
    ['blues', 'classical']
    """
    path = Path(path)
    home = path.parent if data_home is None else Path(data_home)
    if not home.is_dir():
        cure = "name the folder of the clips"
        raise ManifestError("there is no such folder", path=home, field="data_home", cure=cure)
    table = checked_table(_read_text_table(path), path, _card_of(path.stem), home, labelled=labelled)
    return Manifest(path.stem, table, home)


def write_manifest(table: pd.DataFrame, path: str | Path) -> Path:
    """Check a table as `read_manifest` does, and write it whole or not at all. Return the path.

    Raises
    ------
    ManifestError
        The table breaks the schema, or `path` is an existing file that is no manifest (a dataset's own list, say).
    """
    path = Path(path)
    check_no_other_file(path)
    cells = table.astype(object).where(table.notna(), "").astype(str)
    checked_table(cells, path, _card_of(path.stem), None)
    return write_text(path, csv_lines([cells.columns, *cells.to_numpy().tolist()]))


def check_no_other_file(path: Path) -> None:
    """Raise a `ManifestError` if a file is there that is no manifest, and would be lost."""
    if path.is_file() and path.stat().st_size and not _is_a_manifest(path):
        cure = f"choose another name, for example {path.with_name(path.stem + '_manifest.csv')}"
        raise ManifestError("is there already and is no manifest; it was left as it is", path=path, cure=cure)


def folder_manifest(folder: str | Path) -> pd.DataFrame:
    """Make a manifest's table from a folder with one sub-folder a class.

    Parameters
    ----------
    folder : str or Path
        ``folder/<class>/…/<clip>``; hidden files (``._*`` among them) are skipped. Where all clips lie in one
        sub-folder, as in ``genres/<class>/<clip>`` of GTZAN, the classes are the folders in that one; where they lie
        side by side in it, it is the only class, with a warning in the log.

    Returns
    -------
    pd.DataFrame
        Columns `clip_id` (the path below `folder` without suffix; with suffix where another file has that name),
        `filepath` and `label`, sorted by path.

    Raises
    ------
    ManifestError
        No such folder, no clips in it, or clips that lie in no class folder.

    Example
    -------
    >>> folder_manifest("my_music")         # doctest: +SKIP
              clip_id          filepath label
    0       jazz/solo     jazz/solo.wav  jazz
    1     rock/riff_1  rock/riff_1.flac  rock
    """
    folder = Path(folder)
    clips, others = _audio_in(folder)
    relative = [clip.relative_to(folder) for clip in clips]
    warn_left_out(folder, [path.relative_to(folder).as_posix() for path in others])
    if not relative:
        raise ManifestError("no audio files found", path=folder, cure="put the clips into one sub-folder a class")
    loose = [path.name for path in relative if len(path.parts) == 1]
    if loose:
        problem = f"{len(loose)} clip(s) lie in no class folder, first {loose[0]}"
        raise ManifestError(problem, path=folder, field="label", cure="move each into the sub-folder of its class")
    depth = _class_depth(relative)
    filepaths = pd.Series([path.as_posix() for path in relative])
    stems = filepaths.map(lambda filepath: os.path.splitext(filepath)[0])
    clip_ids = stems.where(~(stems.duplicated(keep=False) | stems.isin(filepaths)), filepaths)
    return pd.DataFrame({"clip_id": clip_ids, "filepath": filepaths, "label": [path.parts[depth] for path in relative]})


def _class_depth(clips: list[Path]) -> int:
    """Return which part of the clips' paths is their class: the first in which they differ, if that is a folder."""
    shared = os.path.commonpath([clip.parent for clip in clips])
    depth = len(Path(shared).parts)
    if all(len(clip.parts) > depth + 1 for clip in clips):
        if depth:
            logger.warning("%s: holds all clips: the folders in it are taken as classes", shared)
        return depth
    logger.warning("%s: holds all clips, so there is one class", shared)
    return depth - 1


def clips_in(folder: Path) -> list[Path]:
    """Return all clips below `folder`, sorted, without hidden files. Raises `ManifestError` without such a folder."""
    return _audio_in(folder)[0]


def _audio_in(folder: Path) -> tuple[list[Path], list[Path]]:
    try:
        clips, others = find_audio(folder)
    except AudioError as error:
        raise ManifestError(error.problem, path=folder, cure=error.cure) from error
    for clip in clips:
        name = str(clip.relative_to(folder))
        if (shown := readable_name(name)) != name:
            problem = f"this name is no UTF-8, which a manifest must be: {shown}"
            raise ManifestError(problem, path=folder, cure="rename the file or its folder")
    return clips, others


def _card_of(name: str) -> Card | None:
    return read_card(name) if name in card_names() else None


def _is_a_manifest(path: Path) -> bool:
    """Tell a manifest from other tables of clips: it has labels, and no JSON beside it that tells of its features."""
    with open(path, encoding="utf-8-sig", errors="replace") as stream:
        columns = stream.readline(1 << 20).rstrip("\r\n").split(",")
    is_labelled = any(name.strip('"').startswith("label") for name in columns[1:])
    return columns[0] == "clip_id" and is_labelled and "csv_sha256" not in read_record(path.with_suffix(".json"))


def _read_text_table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        problem = "is a folder, not a manifest" if path.is_dir() else why_no_file(path)
        raise ManifestError(problem, path=path, cure="make one with: mgc-keras manifest folder DIR -o FILE")
    try:
        content = path.read_bytes()
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError("is not a CSV file", path=path, cure=_SAVE) from error
    if b"\0" in content:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        raise ManifestError(
            "is not a CSV file: a NUL character", path=path, field=f"line {line}", cure=f"remove it, or {_SAVE}"
        )
    rows = _Rows()
    # From bytes: as text in memory, what is read takes four times as much.
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline=""), strict=True)
    try:
        for cells in reader:
            if len(cells) > 1 or "".join(cells).strip():
                rows.add(cells, reader.line_num)
    except csv.Error as error:
        field = f"line {reader.line_num}"
        raise ManifestError(f"is not a CSV file: {error}", path=path, field=field, cure=_SAVE) from error
    if not rows.header:
        raise ManifestError("is empty", path=path, cure="make it again")
    _check_fields(rows, path)
    return rows.table()


class _Rows:
    """The rows of a CSV, as a table of text: in parts, since cells in lists take ten times as much."""

    _PART = 1 << 14

    def __init__(self) -> None:
        self.header: list[str] = []
        self.first_wrong: tuple[int, int, int] | None = None  # row, line, fields
        self.n_rows = self.n_wrong = 0
        self._parts: list[pd.DataFrame] = []
        self._cells: list[list[str]] = []

    def add(self, cells: list[str], line: int) -> None:
        """Add the header, or a row, which is only counted if its length is not the header's."""
        if not self.header:
            self.header = cells
            return
        self.n_rows += 1
        if len(cells) == len(self.header):
            self._cells.append(cells)
        else:
            self.n_wrong += 1
            self.first_wrong = self.first_wrong or (self.n_rows, line, len(cells))
        if len(self._cells) == self._PART:
            self._keep()

    def table(self) -> pd.DataFrame:
        """Return the rows. Everything is text: "007" stays "007", and a class named "None" stays a class."""
        if self._cells or not self._parts:
            self._keep()
        return pd.concat(self._parts, ignore_index=True)

    def _keep(self) -> None:
        names = [name or f"Unnamed: {place}" for place, name in enumerate(self.header)]
        self._parts.append(pd.DataFrame(self._cells, columns=names, dtype=str))
        self._cells = []


def _check_fields(rows: _Rows, path: Path) -> None:
    """Raise unless commas separate, and every row has as many fields as the header."""
    header = rows.header
    if header[0].lower().startswith("sep="):
        problem = f"begins with {','.join(header)!r}, a line for spreadsheets alone"
        raise ManifestError(problem, path=path, cure="remove that line; commas separate the fields")
    for mark, name in _SEPARATORS.items():
        if len(header) == 1 and mark in header[0]:
            raise ManifestError(f"its fields are separated by {name}, not by commas", path=path, cure=_SAVE)
    for name, count in Counter(filter(None, header)).items():
        if count > 1:
            raise ManifestError(f"{count} columns have this name", path=path, field=name, cure="keep one of them")
    if rows.first_wrong is not None:
        row, line, count = rows.first_wrong
        problem = f"has {count} fields, the header {len(header)}; {rows.n_wrong} row(s) in all"
        cure = "put a cell that holds a comma into double quotes, and nothing behind the last cell"
        raise ManifestError(problem, path=path, field=f"row {row} (line {line})", cure=cure)


def some_are_there(manifest: Manifest) -> bool:
    """Tell whether any of a manifest's files is there."""
    return any(path.exists() for path in manifest.filepaths)


def check_some_there(manifest: Manifest) -> None:
    """Raise `ManifestError` where none of a manifest's files is there: the folder that they start from is another."""
    if not some_are_there(manifest):
        problem = f"none of {len(manifest)} files is below {manifest.data_home}"
        cure = f"is --data-home right? The first is {manifest.table['filepath'].iloc[0]!r}"
        raise ManifestError(problem, path=manifest.name, field="filepath", cure=cure)


def check_source_manifest(manifest: Manifest) -> None:
    """Raise `ManifestError` if a manifest has no tags, no split into "train" and "valid", or no tag to score there."""
    name = manifest.name
    if not manifest.label_columns:
        raise ManifestError("holds no tags", path=name, field="label_<tag>", cure="give a multi-label manifest")
    if not {"train", "valid"} <= set(manifest.table.get("split", ())):
        problem = "needs clips marked train and clips marked valid"
        raise ManifestError(problem, path=name, field="split", cure="add the column")
    check_held_out_tags(manifest, (manifest.table["split"] == "valid").to_numpy())


def check_held_out_tags(manifest: Manifest, held_out: np.ndarray) -> None:
    """Raise `ManifestError` unless some tag tells the clips apart that choose the epoch, a mask (n_clips,)."""
    truth = manifest.table.loc[held_out, manifest.label_columns].to_numpy(np.float64)
    if not (truth.max(axis=0) > truth.min(axis=0)).any():
        problem = f"no tag has both positive and negative clips among the {len(truth)} that choose the epoch"
        raise ManifestError(problem, path=manifest.name, field="split", cure="hold more clips out")
