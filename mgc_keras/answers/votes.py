"""One genre a song from its excerpts' scores (Jiménez and José 2017): mean, geometric mean, nearest neighbours."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.evaluation.voting import geometric_mean_probabilities, mean_probabilities, shares
from mgc_keras.files import whole_file, why_no_file

AVERAGES = ("mean", "geometric", "knn")


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Excerpts of songs whose genre is known, as a network scores them.

    Parameters
    ----------
    shares : np.ndarray [shape=(n_excerpts, n_outputs), dtype=float]
        See `mgc_keras.evaluation.voting.shares`.
    genre : np.ndarray [shape=(n_excerpts,), dtype=str]
    song : np.ndarray [shape=(n_excerpts,), dtype=str], optional
        The name of each excerpt's song; files of older versions hold none.
    """

    shares: np.ndarray
    genre: np.ndarray
    song: np.ndarray | None = None

    def nearest_songs(self, row: np.ndarray, count: int) -> tuple[tuple[str, str, float], ...]:
        """Return the songs nearest to a song by their mean shares: name, genre, Euclidean distance; () of old files.

        Parameters
        ----------
        row : np.ndarray [shape=(n_outputs,)]
            Mean of the shares of the song's excerpts.
        count : int
            At most so many.
        """
        if self.song is None or row.shape != self.shares.shape[1:]:
            return ()
        songs, first, number = np.unique(self.song, return_index=True, return_inverse=True)
        distances = np.linalg.norm(mean_probabilities(number, self.shares) - row, axis=1)
        nearest = np.argsort(distances, kind="stable")[:count]
        return tuple((str(songs[near]), str(self.genre[first[near]]), float(distances[near])) for near in nearest)

    def write(self, path: str | Path) -> Path:
        """Write the arrays to an ``.npz`` file, whole or not at all."""
        songs: dict[str, Any] = {} if self.song is None else {"song": self.song.astype(str)}
        with whole_file(path) as temporary:
            np.savez(temporary, shares=self.shares, genre=self.genre.astype(str), **songs)
        return Path(path)

    @classmethod
    def read(cls, path: str | Path) -> "Neighbours":
        """Read what `write` wrote.

        Raises
        ------
        OptionError
            The file is missing, damaged, or holds other things.
        """
        cure = "give the .npz that a study wrote, or a manifest (.csv) with labels"
        if not Path(path).is_file():
            raise OptionError(why_no_file(path), path=path, field="neighbours", cure=cure)
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls(stored["shares"], stored["genre"], stored["song"] if "song" in stored else None)
        except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise OptionError("holds no neighbours", path=path, field="neighbours", cure=cure) from error


def neighbours_beside(model: str | Path) -> Path:
    """Return where the neighbours of a saved model lie: ``model.neighbours.npz`` beside ``model.h5``."""
    return Path(model).with_suffix(".neighbours.npz")


def song_votes(
    song: np.ndarray,
    scores: np.ndarray,
    average: str,
    *,
    names: tuple[str, ...],
    neighbours: Neighbours | None = None,
    k: int = 5,
) -> np.ndarray:
    """Return each song's share of every genre.

    Parameters
    ----------
    song : np.ndarray [shape=(n_excerpts,), dtype=int]
        Each excerpt's song, counted from 0.
    scores : np.ndarray [shape=(n_excerpts, n_genres), dtype=float]
        Of the excerpts, as the network gives them; each row is divided by its sum first.
    average : {"mean", "geometric", "knn"}
        "mean" and "geometric": over the song's excerpts. "knn": each excerpt asks the `k` excerpts of known genre whose
        scores lie nearest (Euclidean), and all their genres are counted. Its details are not stated by the study;
        chosen because scores are what every network here has, and so few numbers need no scaling.
    names : tuple of str
        Genres, in the order of the columns.
    neighbours : Neighbours, optional
        For "knn".
    k : int
        Neighbours an excerpt asks; 5, not stated. Fewer where there are not as many.

    Returns
    -------
    np.ndarray [shape=(n_songs, n_genres), dtype=float64]
        Rows sum to 1.

    Raises
    ------
    OptionError
        An unknown average, a `k` below 1, or neighbours that are missing or of other genres.

    Example
    -------
    >>> scores = np.array([[0.9, 0.1], [0.6, 0.2]])
    >>> song_votes(np.array([0, 0]), scores, "mean", names=("jazz", "rock")).round(3).tolist()
    [[0.825, 0.175]]
    """
    checked_choice("average", average, AVERAGES)
    rows = shares(scores)
    if average == "mean":
        return mean_probabilities(song, rows)
    if average == "geometric":
        return geometric_mean_probabilities(song, rows)
    if neighbours is None:
        cure = "give --neighbours a manifest of songs with labels, or take another --average"
        raise OptionError("k-NN needs excerpts whose genre is known", field="neighbours", cure=cure)
    return mean_probabilities(song, _neighbour_shares(rows, neighbours, names, k))


def chosen_genres(votes: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Return the column of each song's genre: most votes; of equals, the higher mean; then the first.

    Votes of neighbours are often equal. Both are from `song_votes`, (n_songs, n_genres); `means` with "mean".

    Example
    -------
    >>> chosen_genres(np.array([[0.5, 0.5, 0.0]]), np.array([[0.2, 0.3, 0.5]])).tolist()
    [1]
    """
    best = np.isclose(votes, votes.max(axis=1, keepdims=True), rtol=0, atol=1e-12)
    return np.where(best, means, -np.inf).argmax(axis=1)


def _neighbour_shares(rows: np.ndarray, neighbours: Neighbours, names: tuple[str, ...], k: int) -> np.ndarray:
    """Return the share of each genre among an excerpt's neighbours, (n_excerpts, n_genres)."""
    from sklearn.neighbors import NearestNeighbors

    if k < 1:
        raise OptionError(f"{k} neighbours are none", field="k", cure="give 1 or more")
    strangers = sorted(set(neighbours.genre.tolist()) - set(names))
    if strangers or neighbours.shares.shape[1:] != rows.shape[1:] or not len(neighbours.genre):
        known = f"knows no genre {strangers[0]!r}" if strangers else "scores other genres than the neighbours have"
        cure = f"the network's genres are {', '.join(names)}"
        raise OptionError(f"the network {known}", field="neighbours", cure=cure)
    search = NearestNeighbors(n_neighbors=min(k, len(neighbours.genre)), algorithm="brute").fit(neighbours.shares)
    nearest = neighbours.genre[search.kneighbors(rows, return_distance=False)]
    return (nearest[:, :, None] == np.asarray(names)).mean(axis=1)
