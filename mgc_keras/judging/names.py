"""Which clip of a manifest a row's name means: its id, its path, or the name of its file where folders say no other."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import ClassVar

import numpy as np

from mgc_keras.datasets.gtzan import gtzan_ids


def stem(name: str) -> str:
    """Return the name of a file without folders and suffix; numbers behind a dot are no suffix.

    Example
    -------
    >>> stem("genres/blues/blues.00000.au"), stem("blues.00000")
    ('blues.00000', 'blues.00000')
    """
    return re.sub(r"\.[A-Za-z][A-Za-z0-9]{0,5}$", "", _path(name).name)


def parents(names: Sequence[str]) -> list[str]:
    """Return the clips that rows are of: their own names, or those they were cut from, if all names tell."""
    found = gtzan_ids(names)
    return [pair[0] or name for pair, name in zip(found, names)] if found is not None else list(names)


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
        the files lie in other folders here and there, which is a guess.

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
        exact = np.array([self._one(self._exact(name), name) for name in names], int)
        found, cut = exact.copy(), np.zeros(len(names), bool)
        for row in np.flatnonzero(exact == -1).tolist():
            found[row] = self._one(self._by_stem.get(stem(names[row]), []), names[row])
            if found[row] == -1:
                found[row] = self._one(self.places(names[row]), names[row])
                cut[row] = found[row] != -1
        folders, others = [_folder(name) for name in names], np.zeros(len(names), bool)
        agrees, differs = others.copy(), others.copy()
        for row in np.flatnonzero(found != -1).tolist():
            places = [found[row]] if found[row] >= 0 else self.places(names[row])
            known = set().union(*(self._folders[place] for place in places))
            agrees[row] = folders[row] in known
            differs[row] = bool(folders[row] and known) and not agrees[row]
            classes = {self._labels[place] for place in places}
            others[row] = not agrees[row] and self._classes.get(folders[row], min(classes)) not in classes
        found[(exact == -1) & (others | differs & agrees.any())] = -1
        return found, cut & (found != -1), differs & (exact == -1) & (found >= 0)

    def places(self, name: str) -> list[int]:
        """Return all clips that a name may mean: the best way of naming that finds any counts."""
        parent = _segment_of(name)
        ways = [self._exact(name), self._by_stem.get(stem(name), [])]
        ways += [self._by_id.get(parent, []), self._by_stem.get(parent, [])] if parent else []
        return next(filter(None, ways), [])

    def _exact(self, name: str) -> list[int]:
        return self._by_id.get(name, []) or self._by_path.get(name.replace("\\", "/"), [])

    def _one(self, places: list[int], name: str) -> int:
        """Tell clips of one file name apart by the folders before it."""
        parts, alike = _path(name).parent.parts, {}
        for place in places if len(places) > 1 else ():
            theirs = PurePosixPath(self._paths[place]).parent.parts
            common = 0
            while common < min(len(parts), len(theirs)) and parts[-1 - common] == theirs[-1 - common]:
                common += 1
            alike[place] = common
        best = [place for place in places if alike.get(place, 0) == max(alike.values(), default=0)]
        return best[0] if len(best) == 1 else self.SEVERAL if best else -1


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))


def _folder(name: str) -> str:
    """Return the folder that a file lies in, without capitals; "" where the name tells none."""
    return _path(name).parent.name.casefold()


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
