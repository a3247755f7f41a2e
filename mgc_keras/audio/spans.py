"""Spans of a waveform: sliding windows, the segments that a clip is cut into, the excerpts of a whole song."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mgc_keras.errors import OptionError

# In seconds, from one window or segment to the next: 10 000 a minute. More only repeat each other, and a step that is
# left out by a mistake in its unit would fill a disk.
SHORTEST_STEP = 0.006


class Spans(Protocol):
    """Whatever says which spans of a clip are taken."""

    def bounds(self, n_samples: int, sampling_rate: int) -> Iterator[tuple[int, int]]:
        """Yield the first sample of each span and the one behind its last, for a clip of `n_samples`."""
        ...


def samples_in(seconds: float, sampling_rate: int) -> int:
    """Return the nearest number of samples, at least 1."""
    return max(1, round(seconds * sampling_rate))


def span_starts(n_samples: int, length: int, hop: int) -> np.ndarray:
    """Return the first sample of every span of `length` samples that fits whole, one every `hop`; 0 if none does.

    Example
    -------
    >>> span_starts(10, 3, 3).tolist(), span_starts(2, 3, 3).tolist()
    ([0, 3, 6], [0])
    """
    return np.arange(0, max(n_samples - length, 0) + 1, hop)


def check_seconds(field: str, seconds: float, *, or_zero: bool = False) -> None:
    """Raise an `OptionError` unless `seconds` is a finite number above 0; with `or_zero`, 0 will do, too."""
    if not (math.isfinite(seconds) and (seconds > 0 or or_zero and seconds == 0)):
        cure = "give seconds from 0" if or_zero else "give seconds above 0"
        raise OptionError(f"{seconds} s makes no sense", field=field, cure=cure)


def check_step(field: str, seconds: float) -> None:
    """Raise an `OptionError` unless `seconds` is a step of at least `SHORTEST_STEP`, which is above a sample."""
    check_seconds(field, seconds)
    if seconds < SHORTEST_STEP:
        problem = f"{seconds:g} s from one start to the next makes more than {60 / SHORTEST_STEP:.0f} a minute of sound"
        raise OptionError(problem, field=field, cure=f"give {SHORTEST_STEP:g} s or more")


@dataclass(frozen=True)
class Windows:
    """Windows of `length` seconds, one every `hop` seconds, as many as fit whole; a shorter clip is one window.

    Either is above 0 and the hop at least `SHORTEST_STEP`, or an `OptionError` is raised.

    Example
    -------
    >>> list(Windows(10.0, 5.0).bounds(21, sampling_rate=1))
    [(0, 10), (5, 15), (10, 20)]
    """

    length: float
    hop: float

    def __post_init__(self) -> None:
        check_seconds("window", self.length)
        check_step("window" if self.hop == self.length else "hop", self.hop)

    def bounds(self, n_samples: int, sampling_rate: int) -> Iterator[tuple[int, int]]:
        """Yield the first sample of each window and the one behind its last, for a clip of `n_samples`."""
        length = samples_in(self.length, sampling_rate)
        for start in span_starts(n_samples, length, samples_in(self.hop, sampling_rate)).tolist():
            yield start, min(start + length, n_samples)


@dataclass(frozen=True)
class SongWindows(Windows):
    """`Windows` that reach a song's end: where a rest is left, one more window ends with the song.

    Example
    -------
    >>> list(SongWindows(10.0, 10.0).bounds(27, sampling_rate=1)), list(SongWindows(10.0, 10.0).bounds(20, 1))
    ([(0, 10), (10, 20), (17, 27)], [(0, 10), (10, 20)])
    """

    def bounds(self, n_samples: int, sampling_rate: int) -> Iterator[tuple[int, int]]:
        """Yield the first sample of each window and the one behind its last, for a song of `n_samples`."""
        start = end = 0
        for start, end in super().bounds(n_samples, sampling_rate):
            yield start, end
        if end < n_samples:
            yield n_samples - (end - start), n_samples


@dataclass(frozen=True)
class Excerpts:
    """Excerpts of a song, one behind the other, as many as fit whole; what is left at the end is not used.

    Parameters
    ----------
    seconds : float
        Length of an excerpt.
    drop : float
        Seconds left out at each end of the song; the study's own reader drops 20, or none for "all of the song". A song
        that is then too short for one excerpt falls back to its centre, see `note`.
    centre : bool
        Take the one excerpt at the song's centre instead: the single-excerpt baseline.

    Raises
    ------
    OptionError
        Seconds that make no sense.

    Example
    -------
    >>> list(Excerpts(10.0, drop=3.0).bounds(27, sampling_rate=1)), list(Excerpts(10.0, drop=9.0).bounds(27, 1))
    ([(3, 13), (13, 23)], [(8, 18)])
    """

    seconds: float = 29.12
    drop: float = 0.0
    centre: bool = False

    def __post_init__(self) -> None:
        check_seconds("seconds", self.seconds)
        check_seconds("drop", self.drop, or_zero=True)

    def bounds(self, n_samples: int, sampling_rate: int) -> Iterator[tuple[int, int]]:
        """Yield the first sample of each excerpt and the one behind its last; at least one, which may be too short."""
        length, dropped = samples_in(self.seconds, sampling_rate), round(self.drop * sampling_rate)
        kept = n_samples - 2 * dropped
        if self.centre or kept < length:
            start = max(n_samples - length, 0) // 2
            yield start, min(start + length, n_samples)
            return
        for start in (dropped + span_starts(kept, length, length)).tolist():
            yield start, start + length

    def note(self, song_seconds: float, filling: str = "") -> str:
        """Say in what a song of this length differs from what was asked for; "" if in nothing.

        `filling` says what a song that is too short is filled up with.

        Example
        -------
        >>> Excerpts(drop=20.0).note(60.0)
        'without 20 s at each end, 60.0 s are too short for an excerpt of 29.12 s: its centre is taken'
        """
        if song_seconds < self.seconds:
            shorter = f"{song_seconds:.1f} s are shorter than an excerpt of {self.seconds:g} s"
            return f"{shorter}: the rest of it is filled up" + (f" {filling}" if filling else "")
        if not self.centre and song_seconds - 2 * self.drop < self.seconds:
            ends = f"without {self.drop:g} s at each end, {song_seconds:.1f} s are too short"
            return f"{ends} for an excerpt of {self.seconds:g} s: its centre is taken"
        return ""


def windows_of(window: float | None, hop: float | None, longest: float | None = None) -> Windows | None:
    """Return the windows for two options: None without a window; the hop is the window's length if not given.

    Raises
    ------
    OptionError
        A hop without a window, a window of more than `longest` seconds, or a length that makes no sense.
    """
    if window is None:
        if hop is not None:
            raise OptionError("a hop needs a window", field="hop", cure="give the window's length too")
        return None
    if longest is not None and window > longest:
        cure = f"at most {longest:g} s"
        raise OptionError(f"{window} s is more than these features take in", field="window", cure=cure)
    return Windows(window, window if hop is None else hop)


def clock(seconds: float) -> str:
    """Return seconds as minutes and seconds.

    Example
    -------
    >>> clock(0.0), clock(87.36)
    ('0:00', '1:27')
    """
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
