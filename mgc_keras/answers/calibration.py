"""How a network fares on songs of known genre that it did not learn from, kept in a file for later answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mgc_keras.answers.votes import Neighbours, song_votes
from mgc_keras.errors import OptionError
from mgc_keras.evaluation.conformal import (
    at_temperature,
    conformal_sets,
    conformal_threshold,
    fit_temperature,
    nonconformity,
)
from mgc_keras.files import DAMAGES, why_no_file, write_text

_KIND = "mgc_keras calibration"


@dataclass(frozen=True)
class Calibration:
    """What a network's answers for calibration songs came to.

    Parameters
    ----------
    network : str
        SHA-256 of the network's weights: of another network it says nothing.
    names : tuple of str
        The genres.
    excerpts : dict
        How songs were cut: `seconds`, `drop` and `centre` of `mgc_keras.audio.spans.Excerpts`.
    scores : dict of str to tuple of float
        By average ("mean", "geometric", "knn"), each song's nonconformity, sorted: 1 less the share of its genre.
    temperatures : dict of str to float
        By average, see `mgc_keras.evaluation.conformal.fit_temperature`.
    """

    network: str
    names: tuple[str, ...]
    excerpts: dict[str, float | bool]
    scores: dict[str, tuple[float, ...]]
    temperatures: dict[str, float]

    @classmethod
    def of_songs(
        cls,
        network: str,
        names: Sequence[str],
        excerpts: Mapping[str, float | bool],
        scores: Sequence[np.ndarray],
        genres: Sequence[str],
        *,
        neighbours: Neighbours | None = None,
        k: int = 5,
    ) -> "Calibration":
        """Judge songs of known genre in every way that can be.

        Parameters
        ----------
        network, names, excerpts
            As above.
        scores : sequence of np.ndarray [shape=(n_excerpts, n_genres)]
            Of each song's excerpts, as the network gives them.
        genres : sequence of str, (n_songs,)
            Each among `names`.
        neighbours, k
            For "knn"; without, it is left out.
        """
        song = np.repeat(np.arange(len(scores)), [len(rows) for rows in scores])
        truth = np.array([list(names).index(genre) for genre in genres])
        found, temperatures = {}, {}
        for average in ("mean", "geometric", *(["knn"] if neighbours is not None else [])):
            rows = np.concatenate(scores)
            votes = song_votes(song, rows, average, names=tuple(names), neighbours=neighbours, k=k)
            found[average] = tuple(np.sort(nonconformity(votes, truth)).tolist())
            temperatures[average] = fit_temperature(votes, truth)
        return cls(network, tuple(names), dict(excerpts), found, temperatures)

    def genre_set(self, votes: np.ndarray, average: str, coverage: float) -> tuple[str, ...]:
        """Return the genres that a song may have, highest share first: the true one is among them as often as asked.

        Parameters
        ----------
        votes : np.ndarray [shape=(n_genres,)]
            The song's shares.
        average : str
            How they were found.
        coverage : float
            Between 0 and 1. What is assumed, `mgc_keras.evaluation.conformal` says.
        """
        inside = conformal_sets(votes[None], conformal_threshold(np.array(self.scores[average]), coverage))[0]
        return tuple(self.names[column] for column in np.argsort(-votes, kind="stable") if inside[column])

    def probabilities(self, votes: np.ndarray, average: str) -> np.ndarray:
        """Return a song's shares at the temperature that fits the calibration songs, (n_genres,) float64."""
        return at_temperature(votes[None], self.temperatures[average])[0]

    def check_fits(
        self, network: str, names: Sequence[str], excerpts: Mapping[str, float | bool], average: str
    ) -> "Calibration":
        """Return it if it is of this network, cut and average.

        Raises
        ------
        OptionError
            It is of others.
        """
        cure = "calibrate anew with --calibrate-on"
        if self.network != network or self.names != tuple(names):
            raise OptionError("is of another network", field="calibration", cure=cure)
        if self.excerpts != dict(excerpts):
            here = f"of {_in_words(self.excerpts)}, and these songs are cut into {_in_words(excerpts)}"
            raise OptionError(f"is {here} (--drop, --centre)", field="calibration", cure=cure)
        if average not in self.scores:
            raise OptionError(f"knows no average {average!r}", field="calibration", cure=cure)
        return self

    def write(self, path: str | Path) -> Path:
        """Write it as JSON, whole or not at all."""
        return write_text(path, json.dumps({"kind": _KIND, **asdict(self)}, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, path: str | Path) -> "Calibration":
        """Read what `write` wrote.

        Raises
        ------
        OptionError
            The file is missing, damaged, or holds other things.
        """
        cure = "give a file that --calibrate-on wrote"
        if not Path(path).is_file():
            raise OptionError(why_no_file(path), path=path, field="calibration", cure=cure)
        try:
            stored = json.loads(Path(path).read_text("utf-8"))
            if stored["kind"] != _KIND or not all(isinstance(stored[name], dict) for name in ("scores", "excerpts")):
                raise ValueError
            names = tuple(map(str, stored["names"]))
            scores = {str(name): tuple(map(float, values)) for name, values in stored["scores"].items()}
            temperatures = {name: float(stored["temperatures"][name]) for name in scores}
            if not all(0 <= value <= 1 for values in scores.values() for value in values):
                raise ValueError
            if not all(0 < temperature < np.inf for temperature in temperatures.values()):
                raise ValueError
            return cls(str(stored["network"]), names, stored["excerpts"], scores, temperatures)
        except DAMAGES as error:
            raise OptionError("holds no calibration", path=path, field="calibration", cure=cure) from error


def is_calibration(path: Path) -> bool:
    """Tell whether a file is one that `Calibration.write` wrote."""
    try:
        Calibration.read(path)
    except OptionError:
        return False
    return True


def calibration_beside(model: str | Path) -> Path:
    """Return where the calibration of a saved model lies: ``model.calibration.json`` beside ``model.h5``."""
    return Path(model).with_suffix(".calibration.json")


def _in_words(excerpts: Mapping[str, float | bool]) -> str:
    centre = "one excerpt at the centre" if excerpts.get("centre") else "excerpts"
    drop = excerpts.get("drop")
    # What a file holds may be no number.
    return f"{centre} of {excerpts.get('seconds')} s" + (f" without {drop} s at each end" if drop else "")
