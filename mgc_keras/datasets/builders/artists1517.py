"""1517-Artists (Seyerlehner et al.): whole songs in a folder for each of nineteen genres.

The archive itself was not at hand, so this builder assumes little. A song lies at any depth below the folder of its
genre; a folder belongs to the class whose name has the same letters and digits ("hip_hop" to Hip-Hop). The artist is
what stands before the first " - " (or "_-_") of the file's name, behind a track number if there is one; a list
``artists.csv`` (`filepath`, `artist`) beside the genres' folders takes its place where it is there. An artist that
neither tells stays empty, and a remark says how many.

Row order: classes in the card's order, then by path. The study (Asgharivaskasi et al. 2019) cuts the songs into 30-s
clips: ``mgc-keras manifest cut artists1517.csv --seconds 30`` (`mgc_keras.datasets.cutting.cut_manifest`).
"""

import re
from pathlib import Path

import pandas as pd

from mgc_keras.datasets.builders._common import Built, find_root, prefix_of, read_list
from mgc_keras.datasets.cards import read_card
from mgc_keras.datasets.manifest import clips_in
from mgc_keras.errors import ManifestError

NAME = "artists1517"
ARTISTS = "artists.csv"


def build(folder: Path) -> Built:
    """Build from ``<Genre>/<artist> - <title>.mp3``; see `build_manifest`."""
    classes = {_key(name): name for name in read_card(NAME).classes or []}
    root = _root(folder, classes)
    names = [clip.relative_to(root).as_posix() for clip in clips_in(root)]
    genre_of = {name: name.partition("/")[0] for name in names}
    strangers = sorted({genre for genre in genre_of.values() if _key(genre) not in classes})
    if strangers:
        cure = f"rename it to one of {', '.join(classes.values())}, or move it away"
        raise ManifestError(f"{strangers[0]!r} is no genre of this dataset", path=root, field="label", cure=cure)
    order = list(classes)
    names.sort(key=lambda name: (order.index(_key(genre_of[name])), name))
    songs = pd.DataFrame({"clip_id": [name.rpartition(".")[0] for name in names]})
    songs["filepath"] = [prefix_of(root, folder) + name for name in names]
    songs["label"] = [classes[_key(genre_of[name])] for name in names]
    songs["artist"] = _artists(root, names)
    twice = songs["filepath"][songs["clip_id"].duplicated(keep=False)]
    if len(twice):
        problem = f"two files for one clip: {' and '.join(twice.iloc[:2])}"
        raise ManifestError(problem, path=folder, field="clip_id", cure="keep one of them")
    return Built(songs, remarks=_remarks(songs))


def artist_of(stem: str) -> str:
    """Return the artist that a file's name (without suffix) tells, or empty text where it does not tell one.

    Example
    -------
    >>> artist_of("Ann Bee - Sea"), artist_of("07 - Ann_Bee_-_Sea"), artist_of("07 - Sea"), artist_of("ann_sea")
    ('Ann Bee', 'Ann Bee', '', '')
    """
    parts = [part.replace("_", " ").strip() for part in re.split("[ _]-[ _]", stem)]
    # Digits alone are a track number, or an artist's name that cannot be told from one.
    parts = parts[1:] if parts[0].isdigit() else parts
    return parts[0] if len(parts) > 1 else ""


def _key(name: str) -> str:
    return "".join(word for word in re.findall("[a-z0-9]+", name.lower()) if word != "and")


def _root(folder: Path, classes: dict[str, str]) -> Path:
    """Return the folder that holds the genres' folders: `folder` or one below it."""
    if folder.is_dir() and _genre_folders(folder, classes):
        return folder
    inner = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    found = sorted({name for path in inner for name in _genre_folders(path, classes)})
    return find_root(NAME, folder, found or classes.values())


def _genre_folders(folder: Path, classes: dict[str, str]) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_dir() and _key(path.name) in classes]


def _artists(root: Path, names: list[str]) -> list[str]:
    if not (root / ARTISTS).exists():
        return [artist_of(Path(name).stem) for name in names]
    listed = read_list(root / ARTISTS, ("filepath", "artist"))
    artists = dict(zip(listed["filepath"], listed["artist"]))
    return [artists.get(name, "") for name in names]


def _remarks(songs: pd.DataFrame) -> list[str]:
    known = songs["artist"][songs["artist"] != ""]
    remarks = [f"{known.nunique()} artists are told by the songs' names or by {ARTISTS}; the whole dataset has 1517"]
    unknown = songs["filepath"][songs["artist"] == ""]
    if len(unknown):
        remarks.append(
            f"the artist of {len(unknown)} of {len(songs)} songs cannot be told (first {unknown.iloc[0]}), so no split "
            f"can keep artists apart: list them in {ARTISTS} (filepath, artist) beside the genres' folders"
        )
    return remarks
