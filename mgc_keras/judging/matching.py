"""Which clip of a manifest each row of a table is, its label, and what is known of it: artist, song, fold, split."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.datasets.cards import card_names, manifest_folder
from mgc_keras.datasets.gtzan import committed, gtzan_ids
from mgc_keras.datasets.manifest import read_manifest
from mgc_keras.datasets.manifest_checks import check_alike
from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.judging.in_common import GROUP_COLUMNS, completed
from mgc_keras.judging.names import Names, parents
from mgc_keras.judging.tables import ClipTable, bare, read_table

LABEL_COLUMNS = ("label", "genre", "class", "truth", "target", "category")
_SOURCES = ("artist", "song", "recording")
# As other collections name these columns.
_ALSO = {
    "artist": ("artist_name", "artists", "artist_id", "performer", "band", "singer", "interpret"),
    "album": ("album_name", "album_title", "album_id"),
    "song": ("song_id", "work_id"),
    "recording": ("recording_id", "video_id", "youtube_id", "ytid"),
}
_KEPT = (*GROUP_COLUMNS, "fold", "split")
_SHOWN = 3
_BY_PATH = "name the clips by the manifest's clip_id or filepath"


@dataclass(frozen=True, eq=False)
class LabelledClips:
    """The rows of a table that can be judged; arrays have the shape (n_rows,).

    Attributes
    ----------
    rows : np.ndarray [dtype=int]
        Their positions in the table.
    row_ids, clips : np.ndarray [dtype=str]
        What names the row, and the clip that it is of, or was cut from.
    labels : np.ndarray [dtype=str]
    known : pd.DataFrame
        Those of artist, album, song, recording, cut_from, fold and split that are known of every clip; text.
    fault_filtered : np.ndarray [dtype=str] or None
        train, valid, test or "" (left out), where the dataset is one whose faults are known.
    copies : tuple of str
        What can be said of the copy of a known dataset.
    used : tuple of str
        Columns of the table that label or describe its clips, and are no features.
    notes : tuple of str
        What was left out, and why.
    n_unmatched : int
        Rows without a clip in the manifest.
    source : str
        Where the labels are from, for errors.
    guesses : tuple of str
        Rows that are taken for clips by the name of the file alone, though their folders differ.
    incomplete : dict of str to int
        Those columns of `known` that are empty for some clips, which count as an artist (…) each, and for how many.
    contradictory : dict of str to str
        Clips of a known dataset that are labelled otherwise than there, and their labels here.
    """

    rows: np.ndarray
    row_ids: np.ndarray
    clips: np.ndarray
    labels: np.ndarray
    known: pd.DataFrame
    fault_filtered: np.ndarray | None = None
    used: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    n_unmatched: int = 0
    source: str = ""
    guesses: tuple[str, ...] = ()
    incomplete: dict[str, int] = field(default_factory=dict)
    contradictory: dict[str, str] = field(default_factory=dict)

    @property
    def classes(self) -> list[str]:
        """The different labels, sorted."""
        return sorted(set(self.labels.tolist()))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def knows_artists(self) -> bool:
        """Whether artists, songs or recordings are known."""
        return any(name in self.known for name in _SOURCES)

    def bonds(self) -> list[np.ndarray]:
        """Return what makes clips one piece of evidence: a column each, (n_rows,) str.

        An album counts where no artist is known: those of several artists join what is apart.
        """
        names = [*_SOURCES, "cut_from", *([] if "artist" in self.known else ["album"])]
        return [self.known[name].to_numpy(str) for name in names if name in self.known]

    def in_common(self) -> dict[str, np.ndarray]:
        """Return all that rows may have in common by name, albums, too, and the clip itself where it has several."""
        found = {name: self.known[name].to_numpy(str) for name in GROUP_COLUMNS if name in self.known}
        return found | ({"clip": self.clips} if len(set(self.clips.tolist())) < len(self) else {})

    def subset(self, places: np.ndarray) -> "LabelledClips":
        """Return some of the rows, by position."""
        arrays = {name: getattr(self, name)[places] for name in ("rows", "row_ids", "clips", "labels")}
        faults = None if self.fault_filtered is None else self.fault_filtered[places]
        return replace(self, **arrays, known=self.known.iloc[places].reset_index(drop=True), fault_filtered=faults)


def labelled(table: ClipTable, labels: str | None) -> LabelledClips:
    """Find label and clip of each row.

    Parameters
    ----------
    table : ClipTable
    labels : str or None
        A manifest (or any CSV with a column that names the clip and one of labels), the name of a dataset whose
        manifest comes with the package, or a column of the table. None: the table's own column label, genre, class …

    Raises
    ------
    ManifestError
        No such file or column, no row is a clip of the manifest, a row might be several, an empty label.
    """
    own = own_columns(table)
    if labels is None or (not Path(labels).is_file() and table.column(labels) is not None):
        return _by_own_column(table, labels, own)
    source = _source(labels, table)
    matched, clips, guesses = _matched(table, source, labels)
    rows = np.flatnonzero(matched >= 0)
    if not len(rows):
        problem = f"none of its {len(table)} rows is a clip of {labels}, the first is {table.names[0]!r}"
        cure = "give the manifest of these clips; ids, paths and names of files are compared"
        ids = source["clip_id"].astype(str)
        if not {name.lstrip("0") for name in table.names}.isdisjoint(ids.str.lstrip("0")):
            cure = f"they differ in leading zeros alone ({ids.iloc[0]!r}): write this column as text"
        raise ManifestError(problem, path=table.path, field=table.name_column, cure=cure)
    picked = _named_as_ours(source.iloc[matched[rows]].reset_index(drop=True))
    notes = _coverage(table, matched, source, labels)
    if own.label is not None:
        notes += _contradictions(table.texts(own.label)[rows], picked["label"].to_numpy(str), own.label)
    known = picked[[name for name in _KEPT if name in picked]].copy()
    for name, column in own.known.items():
        if name not in known:
            known[name] = table.texts(column)[rows]
    found = _checked(table, rows, clips[rows], picked["label"].to_numpy(str), known, own, notes, labels)
    return replace(found, guesses=guesses)


@dataclass(frozen=True)
class OwnColumns:
    """The columns of a table that describe its clips."""

    label: str | None
    known: dict[str, str]
    used: tuple[str, ...]


def own_columns(table: ClipTable) -> OwnColumns:
    """Find the columns of a table that label its clips, say what they have in common, or where a window begins."""
    labels = [column for name in LABEL_COLUMNS if (column := table.column(name)) is not None]
    known = {name: column for name in _KEPT if (column := table.column(name, *_ALSO.get(name, ()))) is not None}
    others = [column for names in _ALSO.values() for name in names if (column := table.column(name)) is not None]
    spans = [name for name in ("start_s", "end_s") if name in table.frame]
    used = dict.fromkeys((*labels, *known.values(), *others, *spans))
    return OwnColumns(labels[0] if labels else None, known, tuple(used))


def _by_own_column(table: ClipTable, wanted: str | None, own: OwnColumns) -> LabelledClips:
    column = own.label if wanted is None else table.column(wanted)
    if column is None:
        cure = "give --labels MANIFEST, or --labels COLUMN"
        raise ManifestError("no column of labels", path=table.path, field="label", cure=cure)
    own = replace(own, used=tuple(dict.fromkeys((column, *own.used))))
    known = pd.DataFrame({name: table.texts(there) for name, there in own.known.items()}, index=range(len(table)))
    rows = np.arange(len(table))
    texts = table.texts(column)
    check_alike(pd.Series(texts), table.path)
    return _checked(table, rows, np.array(table.names, str), texts, known, own, [], str(table.path))


def _checked(
    table: ClipTable,
    rows: np.ndarray,
    clips: np.ndarray,
    labels: np.ndarray,
    known: pd.DataFrame,
    own: OwnColumns,
    notes: list[str],
    source: str,
) -> LabelledClips:
    """Check labels, leave columns out that not every clip has, and look the dataset up."""
    for row in np.flatnonzero(np.char.strip(labels) == "")[:1]:
        problem = f"no label for {table.names[rows[row]]!r}"
        raise ManifestError(problem, path=source, field="label", cure="fill it in, or leave the clip out")
    if len(set(labels)) < 2:
        n_others = len(table) - len(rows)
        left_out = f"; {n_others} more rows are no clips of {source}" if n_others else ""
        problem = f"all {len(labels)} clips have one label, {str(labels[0])!r}{left_out}"
        raise ManifestError(problem, path=source, field="label", cure="give clips of two classes or more")
    known, incomplete, more = completed(known.astype(str))
    notes = [*notes, *more]
    names = [table.names[row] for row in rows]
    if len(set(clips.tolist())) == len(clips) and "cut_from" not in known:
        songs = parents(clips.tolist(), labels.tolist())
        if songs != clips.tolist():
            piece, song = next(pair for pair in zip(clips.tolist(), songs) if pair[0] != pair[1])
            text = f"By their names the rows are pieces of {len(set(songs))} songs ({piece} of {song}), and count so."
            notes = [*notes, text]
            clips = np.array(songs, str)
    found = gtzan_ids(names)
    faults, contradictory = None, {}
    if found is not None:
        of_dataset = dict(zip(committed().clip_ids, committed().table["label"].str.casefold()))
        here = [(clip_id, label) for (clip_id, _), label in zip(found, labels.tolist()) if clip_id]
        if set(of_dataset.values()) & {label.casefold() for _, label in here}:
            # Class numbers are no contradiction.
            contradictory = {clip: label for clip, label in here if label.casefold() != of_dataset[clip]}
        split = dict(zip(committed().clip_ids, committed().table["split"]))
        faults = np.array([split.get(clip_id, "") for clip_id, _ in found], str)
        clips = np.array([clip_id or clip for (clip_id, _), clip in zip(found, clips)], str)
        if "split" in known and (known["split"].to_numpy(str) == faults).all():
            # The same partition is judged once.
            known = known.drop(columns="split")
    ids = np.array([table.row_ids[row] for row in rows], str)
    return LabelledClips(
        rows,
        ids,
        clips,
        labels,
        known,
        faults,
        own.used,
        tuple(notes),
        len(table) - len(rows),
        source,
        incomplete=incomplete,
        contradictory=contradictory,
    )


def labels_file(labels: str) -> Path | None:
    """Return the file that `labels` names: a path, or a dataset whose manifest comes with the package."""
    if Path(labels).is_file():
        return Path(labels)
    known = manifest_folder() / f"{labels}.csv"
    return known if labels in card_names() and known.is_file() else None


def _source(labels: str, table: ClipTable) -> pd.DataFrame:
    """Read where the labels are: clip_id, filepath, label and more, all text."""
    if not Path(labels).is_file():
        if path := labels_file(labels):
            return read_manifest(path).table
        with_tables = [name for name in card_names() if (manifest_folder() / f"{name}.csv").is_file()]
        problem = f"{labels!r} is no file, no column of {table.path.name} and no dataset whose manifest is here"
        cure = f"give a manifest, the name of a column, or one of: {', '.join(with_tables)}"
        raise OptionError(problem, field="--labels", cure=cure)
    with open(labels, encoding="utf-8-sig", errors="replace") as stream:
        header = {name.strip().strip('"') for name in stream.readline(1 << 20).split(",")}
    if {"clip_id", "filepath"} <= header:
        manifest = read_manifest(labels)
        if "label" not in manifest.table:
            problem = "classes alone are judged, and there is no such column"
            raise ManifestError(problem, path=labels, field="label", cure="add one with each clip's class")
        # As those of tables: a space before or behind a name is no part of it.
        return manifest.table.assign(label=manifest.table["label"].str.strip())
    other = read_table(labels)
    own = own_columns(other)
    if own.label is None:
        raise ManifestError("no column of labels", path=labels, field="label", cure="add one with each clip's class")
    known = {name: other.texts(column) for name, column in own.known.items()}
    return pd.DataFrame({"clip_id": other.names, "filepath": other.names, "label": other.texts(own.label), **known})


def _matched(table: ClipTable, source: pd.DataFrame, labels: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return each row's place in the source (-1 for none), its clip's id, and the rows that are a guess."""
    ids, paths, classes = (source[name].astype(str).tolist() for name in ("clip_id", "filepath", "label"))
    names = Names(ids, paths, classes)
    matched, cut, guessed = names.match(table.names)
    for row in np.flatnonzero(matched == Names.SEVERAL)[:1]:
        two = " and ".join(repr(paths[place]) for place in names.places(table.names[row])[0][:2])
        problem = f"{table.names[row]!r} may be {two} of {labels}"
        raise ManifestError(problem, path=table.path, field=table.name_column, cure=_BY_PATH)
    whole = pd.Series(matched[(matched >= 0) & ~cut])
    if len(set(table.names)) == len(table) and whole.duplicated().any():
        place = whole[whole.duplicated()].iloc[0]
        first, second = [table.names[row] for row in np.flatnonzero((matched == place) & ~cut)[:2]]
        problem = f"{first!r} and {second!r} are both the clip {ids[place]!r} of {labels}"
        raise ManifestError(
            problem, path=table.path, field=table.name_column, cure=f"keep one row a clip, or {_BY_PATH}"
        )
    guesses = tuple(f"{table.names[row]} is taken for {paths[matched[row]]}" for row in np.flatnonzero(guessed))
    return matched, np.where(matched >= 0, np.array(ids, str)[matched], ""), guesses


def _coverage(table: ClipTable, matched: np.ndarray, source: pd.DataFrame, labels: str) -> list[str]:
    """Say which rows have no clip, and which clips have no row."""
    notes = []
    strangers = [name for name, place in zip(table.names, matched) if place < 0]
    if strangers:
        notes.append(f"{len(strangers)} rows are no clips of {labels} and are left out: {_some(strangers)}.")
    absent = source["clip_id"].drop(index=list(set(matched.tolist()) - {-1})).astype(str).tolist()
    if absent:
        notes.append(
            f"{len(absent)} of {len(source)} clips of {labels} have no row in {table.path.name}: {_some(absent)}."
        )
    return notes


def _named_as_ours(table: pd.DataFrame) -> pd.DataFrame:
    """Give a manifest's columns of artists and albums the names that they have here."""
    by_bare = {bare(str(name)): name for name in reversed(table.columns.tolist())}
    for name, others in _ALSO.items():
        found = next((by_bare[bare(other)] for other in (name, *others) if bare(other) in by_bare), name)
        if name not in table and found in table:
            table = table.rename(columns={found: name})
    return table


def _contradictions(own: np.ndarray, given: np.ndarray, column: str) -> list[str]:
    if len(set(own) | set(given)) > 2 * len(set(given)) or set(own).isdisjoint(given):
        return []  # Another kind of label, such as class numbers.
    n_other = int((own != given).sum())
    return (
        [f"{n_other} rows have another label in the table's own column {column}; the manifest's count."]
        if n_other
        else []
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
