"""What is said of a song: the same for commands, programs and whatever shows it."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mgc_keras.errors import AudioError

# Whether an answer can be used. TAGS is said of all songs that were tagged: their scores say how sure each tag is.
GENRE, TAGS, NOT_SURE, NOT_MUSIC, NO_ANSWER = "genre", "tags", "not sure", "not music", "no answer"


@dataclass(frozen=True, eq=False)
class Why:
    """What else speaks for an answer or against it; only where it was asked for.

    Parameters
    ----------
    at_levels : dict of float to tuple of (str, float)
        The answer, and its share or score, for the song made louder by so many dB; below 0, softer.
    at_parts : dict of str to tuple of (str, float)
        The same for its "first", "centre" and "last" excerpt alone; of two the first and the last, of one nothing.
    neighbours : tuple of (str, str, float)
        The songs of known genre whose scores lie nearest, their genres, and their Euclidean distances.
    tags : tuple of (str, float)
        The highest last.fm tags and their scores.
    """

    at_levels: dict[float, tuple[str, float]] = field(default_factory=dict)
    at_parts: dict[str, tuple[str, float]] = field(default_factory=dict)
    neighbours: tuple[tuple[str, str, float], ...] = ()
    tags: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, eq=False)
class SongAnswer:
    """What a network says of a song, and how far it can be relied upon.

    Parameters
    ----------
    clip_id, filepath : str
        As `mgc_keras.features.clips.Clips` names it.
    path : Path
        Where it is.
    names : tuple of str, (n_names,)
        Genres or tags.
    verdict : str
        "genre": `best` is the answer. "tags": the scores are. "not sure": the scores are no evidence enough for one
        genre. "not music": it sounds like speech, steady noise, clicks or silence; scores are there all the same,
        but of silence. "no answer": it could not be read; `problem` says why.
    reasons : tuple of str
        Why, in plain sentences.
    doubts : tuple of str
        Those of them that speak against the answer.
    best : str
        The genre of the highest share, or the tag of the highest score; "" where there are no scores.
    scores : np.ndarray [shape=(n_names,), dtype=float]
        Of the song: shares of genres, which sum to 1, or scores of tags, each from 0 to 1.
    excerpts : np.ndarray [shape=(n_excerpts, n_names), dtype=float]
        The same of each excerpt; nan where it is silent and has no vote.
    spans : np.ndarray [shape=(n_excerpts, 2), dtype=float64]
        Start and end of each excerpt in the song, in seconds.
    sounds : tuple of str, (n_excerpts,)
        "speech", "steady noise" or "separate clicks" where an excerpt sounds so, "silence" or "mostly silence" where it
        has no scores, else "".
    genre_set : tuple of str or None
        The genres that the song may have, at the coverage asked for; None where there is no calibration.
    probabilities : np.ndarray [shape=(n_names,), dtype=float64] or None
        The shares at the calibration's temperature.
    note, remark : str
        See `mgc_keras.features.songs.SongScores`.
    problem : AudioError or None
        Why there are no scores.
    why : Why or None
    """

    clip_id: str
    filepath: str
    path: Path
    names: tuple[str, ...]
    verdict: str
    reasons: tuple[str, ...]
    best: str = ""
    scores: np.ndarray = field(default_factory=lambda: np.empty(0))
    excerpts: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    spans: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    sounds: tuple[str, ...] = ()
    genre_set: tuple[str, ...] | None = None
    probabilities: np.ndarray | None = None
    note: str = ""
    remark: str = ""
    problem: AudioError | None = None
    why: Why | None = None
    doubts: tuple[str, ...] = ()

    @property
    def genre(self) -> str:
        """`best` where the verdict says that it can be used, else ""."""
        return self.best if self.verdict == GENRE else ""

    @property
    def agreeing(self) -> np.ndarray:
        """Which excerpts have `best` as their own highest, (n_excerpts,) bool."""
        if not self.best:
            return np.empty(0, bool)
        # Nothing is a silent excerpt's highest.
        return self.excerpts[:, self.names.index(self.best)] >= self.excerpts.max(axis=1)
