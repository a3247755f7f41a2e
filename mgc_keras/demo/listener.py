"""What the page does with a song: read it within limits, ask the networks, pick excerpts to play."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Protocol

import numpy as np

from mgc_keras.answers.answer import SongAnswer
from mgc_keras.answers.table import answer_columns, answer_rows
from mgc_keras.audio.files import read_waveform
from mgc_keras.audio.spans import clock
from mgc_keras.errors import AudioError, OptionError
from mgc_keras.features.clips import Clips
from mgc_keras.files import csv_lines, readable_name

# Of what is drawn and played, in Hz.
SAMPLING_RATE = 22050
# Characters of a song's name that are shown.
_LONGEST_NAME = 120


class Answerer(Protocol):
    """A network that answers: `mgc_keras.answers.classifier.SongClassifier`, or of tags."""

    names: tuple[str, ...]

    def answers(self, clips: Clips) -> Iterator[SongAnswer]:
        """Answer song by song."""
        ...


@dataclass(frozen=True)
class Limits:
    """What the page takes: seconds of a song, and megabytes (10^6 bytes) of its file.

    Raises
    ------
    OptionError
        A limit that lets nothing in, or anything.
    """

    seconds: float = 900.0
    megabytes: float = 200.0

    def __post_init__(self) -> None:
        for field, value, most in (("--max-seconds", self.seconds, 86400), ("--max-megabytes", self.megabytes, 10000)):
            if not (math.isfinite(value) and 0 < value <= most):
                raise OptionError(f"{value:g} makes no sense", field=field, cure=f"give more than 0, at most {most}")

    def words(self) -> str:
        """Say what is taken: "up to 15:00 (minutes:seconds) and 200 MB"."""
        return f"up to {clock(self.seconds)} (minutes:seconds) and {self.megabytes:g} MB"


@dataclass(frozen=True, eq=False)
class Excerpt:
    """An excerpt to play.

    Parameters
    ----------
    what : str
        "most typical", "least typical", or "the one excerpt".
    start, end : float
        In the song, in seconds.
    share : float
        What the song's genre has of it, from 0 to 1.
    waveform : np.ndarray [shape=(n_samples,), dtype=float32]
        At `SAMPLING_RATE`.
    """

    what: str
    start: float
    end: float
    share: float
    waveform: np.ndarray


@dataclass(frozen=True, eq=False)
class Heard:
    """What the page shows of a song.

    Parameters
    ----------
    name : str
        Of the song, as its owner calls it.
    genres : SongAnswer
    tags : SongAnswer or None
        None where the page has no tagger.
    waveform : np.ndarray [shape=(n_samples,), dtype=float32]
        The whole song, at `SAMPLING_RATE`.
    excerpts : tuple of Excerpt
        None of a song without scores.
    """

    name: str
    genres: SongAnswer
    tags: SongAnswer | None
    waveform: np.ndarray
    excerpts: tuple[Excerpt, ...]

    def csv(self) -> str:
        """Return what ``mgc-keras classify --csv`` prints of the song."""
        return csv_lines([answer_columns(self.genres.names), *answer_rows(self.genres)])


class Listener:
    """Asks networks about uploaded songs.

    Parameters
    ----------
    classifier : Answerer
    tagger : Answerer or None
    limits : Limits
    """

    def __init__(self, classifier: Answerer, tagger: Answerer | None, limits: Limits) -> None:
        self.classifier, self.tagger, self.limits = classifier, tagger, limits

    def listen(self, path: Path, name: str) -> Heard:
        """Return what is heard.

        Parameters
        ----------
        path : Path
            The file.
        name : str
            What its owner calls it: shown and written into tables, never opened.

        Raises
        ------
        AudioError
            The file cannot be read, or exceeds the limits.
        """
        name = shown_name(name)
        if (size := os.path.getsize(path)) > 1e6 * self.limits.megabytes:
            raise AudioError(f"has {size / 1e6:.0f} MB: this page takes {self.limits.words()}")
        # More than is taken is not decoded, whatever a header says: a small file may hold days of silence.
        waveform = read_waveform(path, SAMPLING_RATE, duration=self.limits.seconds + 1)
        if len(waveform) > SAMPLING_RATE * (self.limits.seconds + 0.5):
            raise AudioError(f"is longer than {clock(self.limits.seconds)}: this page takes {self.limits.words()}")
        clips = Clips(name, [PurePath(name).stem], [name], [path])
        (genres,) = self.classifier.answers(clips)
        (tags,) = self.tagger.answers(clips) if self.tagger and genres.problem is None else (None,)
        return Heard(name, genres, tags, waveform, typical_excerpts(genres, waveform))


def shown_name(name: str) -> str:
    r"""Return an uploaded song's name, without folders and control characters, and not too long.

    Example
    -------
    >>> shown_name("../../etc/passwd"), shown_name("C:\\music\\a.mp3"), shown_name("")
    ('passwd', 'a.mp3', 'song')
    """
    bare = name.replace("\\", "/").rsplit("/", 1)[-1]
    bare = "".join(letter for letter in bare if letter.isprintable())
    return readable_name(bare[:_LONGEST_NAME].encode("utf-8", "replace").decode()) or "song"


def typical_excerpts(answer: SongAnswer, waveform: np.ndarray) -> tuple[Excerpt, ...]:
    """Return the excerpts in which the song's genre has the largest and the smallest share; of equals, the first.

    `waveform` is the song at `SAMPLING_RATE`, (n_samples,).
    """
    if not answer.best:
        return ()
    shares = answer.excerpts[:, answer.names.index(answer.best)]
    places = {"most typical": int(np.nanargmax(shares)), "least typical": int(np.nanargmin(shares))}
    if len(shares) == 1:
        places = {"the one excerpt": 0}
    found = []
    for what, place in places.items():
        start, end = answer.spans[place].tolist()
        part = waveform[round(start * SAMPLING_RATE) : round(end * SAMPLING_RATE)]
        found.append(Excerpt(what, start, end, float(shares[place]), part))
    return tuple(found)
