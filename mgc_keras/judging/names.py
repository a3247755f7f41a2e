"""Which clip of a manifest a row's name means: its id, its path, or the name of its file where folders say no other."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import ClassVar

import numpy as np

from mgc_keras.datasets.gtzan import gtzan_ids

# One number, or where a piece begins and ends: 3, 3s, 0-3, 0.0_3.0.
_SPAN = r"\d{1,5}(?:\.\d+)?s?(?:[-_]\d{1,5}(?:\.\d+)?s?)?"
_NUMBERS = re.compile(_SPAN)
_PIECE = re.compile(
    rf"(.+?)(?:[\s._-]|(?=[\[(]))[\s._-]*[\[(]?(?:seg|segment|part|chunk|clip|win|window)?_?{_SPAN}[\])]?"
)
_NUMBER_FIRST = re.compile(r"\d{1,3}[\s._-]+(\D.*)")


def stem(name: str) -> str:
    """Return the name of a file without folders and suffix; numbers behind a dot are no suffix.

    Example
    -------
    >>> stem("genres/blues/blues.00000.au"), stem("blues.00000")
    ('blues.00000', 'blues.00000')
    """
    return re.sub(r"\.[A-Za-z][A-Za-z0-9]{0,5}$", "", _path(name).name)


def parents(names: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Return the clips that rows are of: their own names, or those they were cut from, if all names tell.

    They do if they are GTZAN's, or nine of ten are numbered and what is left names songs: each of one class, more of
    them than twice the classes, two rows and more in each on average. Numbered files of one artist or album are such
    names, too, and are better kept together as well.

    Parameters
    ----------
    names, labels : sequence of str [length=n_rows]

    Example
    -------
    >>> parents(["a.0.wav", "a.1.wav", "b.0.wav", "b.1.wav", "c.0.wav", "c.1.wav"], ["pop"] * 6)
    ['a', 'a', 'b', 'b', 'c', 'c']
    >>> parents(["pop.0.wav", "pop.1.wav", "rock.0.wav", "rock.1.wav"], ["pop", "pop", "rock", "rock"])
    ['pop.0.wav', 'pop.1.wav', 'rock.0.wav', 'rock.1.wav']
    """
    if (found := gtzan_ids(names)) is not None:
        return [pair[0] if pair[1] else name for pair, name in zip(found, names)]
    cut_from = [_piece_of(name) for name in names]
    pieces = [(song, label) for song, label in zip(cut_from, labels) if song]
    songs = {song for song, _ in pieces}
    # A name or two may be of other files.
    if len(pieces) < 0.9 * len(names) or not 2 * len(set(labels)) < len(songs) <= len(pieces) / 2:
        return list(names)
    return [song or name for song, name in zip(cut_from, names)] if len(set(pieces)) == len(songs) else list(names)


class Names:
    """The clips of a manifest by all that may name them.

    Parameters
    ----------
    ids, paths, labels : sequence of str [length=n_clips]
    """

    SEVERAL: ClassVar[int] = -2

    def __init__(self, ids: Sequence[str], paths: Sequence[str], labels: Sequence[str]) -> None:
        self._paths, self._labels = paths, labels
        self._by_id = _index([{clip_id} for clip_id in ids])
        self._by_path = _index([{path} for path in paths])
        self._by_stem = _index([{stem(clip_id), stem(path)} for clip_id, path in zip(ids, paths)])
        self._folders = [{_folder(clip_id), _folder(path)} - {""} for clip_id, path in zip(ids, paths)]
        self._classes = {label.casefold(): label for label in labels}

    def match(self, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find the clip of each row.

        Ids and paths come first. The name of a file alone says less: a row whose folder is not its clip's is of
        another clip where folders agree for other rows, or where its folder is the name of another class. Elsewhere
        the files lie in other folders here and there, which is a guess; so is a number without its folder.

        Parameters
        ----------
        names : sequence of str [length=n_rows]

        Returns
        -------
        places : np.ndarray [shape=(n_rows,), dtype=int]
            In the manifest; -1 for none, `SEVERAL` where a name may be two clips.
        cut : np.ndarray [shape=(n_rows,), dtype=bool]
            Whether the row is a segment of the clip.
        guessed : np.ndarray [shape=(n_rows,), dtype=bool]
        """
        found, ways = np.full(len(names), -1), np.zeros(len(names), int)
        agrees, differs, others, vague = (np.zeros(len(names), bool) for _ in range(4))
        for row, name in enumerate(names):
            places, ways[row] = self.places(name)
            if not places:
                continue
            found[row], folder = self._one(places, name), _folder(name)
            meant = [found[row]] if found[row] >= 0 else places
            known = set().union(*(self._folders[place] for place in meant))
            agrees[row] = folder in known
            differs[row] = bool(folder and known) and not agrees[row]
            vague[row] = bool(known and not folder) and self._is_number(name, ways[row])
            classes = {self._labels[place] for place in meant}
            others[row] = not agrees[row] and self._classes.get(folder, min(classes)) not in classes
        found[(ways > 0) & (others | differs & agrees.any())] = -1
        return found, (ways == 2) & (found != -1), (differs | vague) & (ways > 0) & (found >= 0)

    def places(self, name: str) -> tuple[list[int], int]:
        """Return all clips that a name may mean, and how: 0 in full, 1 by the name of the file, 2 as a segment."""
        parent = _segment_of(name)
        ways = [(self._by_id, name, 0), (self._by_path, name.replace("\\", "/"), 0), (self._by_stem, stem(name), 1)]
        ways += [(self._by_id, parent, 2), (self._by_stem, parent, 2)] if parent else []
        return next(((way[key], how) for way, key, how in ways if key in way), ([], 0))

    @staticmethod
    def _is_number(name: str, way: int) -> bool:
        return ((_segment_of(name) if way == 2 else None) or stem(name)).isdecimal()

    def _one(self, places: list[int], name: str) -> int:
        """Tell clips of one name apart by the folders before it: the clip's place, or `SEVERAL`."""
        if len(places) == 1:
            return places[0]
        parts, alike = _path(name).parent.parts, []
        for place in places:
            theirs, common = PurePosixPath(self._paths[place]).parent.parts, 0
            while common < min(len(parts), len(theirs)) and parts[-1 - common] == theirs[-1 - common]:
                common += 1
            alike.append(common)
        return places[alike.index(max(alike))] if alike.count(max(alike)) == 1 else self.SEVERAL


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))


def _folder(name: str) -> str:
    """Return the folder that a file lies in, without capitals; "" where the name tells none."""
    return _path(name).parent.name.casefold()


def _piece_of(name: str) -> str:
    """Return the song, with its folder, that a name numbers a piece of; "" where it does not.

    The number stands behind the song's name, before it, or alone in the song's own folder.
    """
    path, bare = _path(name), stem(name)
    if _NUMBERS.fullmatch(bare):
        return str(path.parent) if len(path.parts) > 1 else ""
    found = _PIECE.fullmatch(bare) or _NUMBER_FIRST.fullmatch(bare)
    return str(path.with_name(found[1])) if found else ""


def _segment_of(name: str) -> str | None:
    """Return the clip that a segment was cut from, by its name: song.3.wav, song_3."""
    found = re.fullmatch(r"(.+?)[._-](?:seg|segment|part|chunk)?_?\d{1,3}", stem(name))
    return found[1] if found else None


def _index(names: Sequence[set[str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, some in enumerate(names):
        for name in some:
            found.setdefault(name, []).append(place)
    return found
