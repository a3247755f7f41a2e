"""Windows over clips: a sliding one, and the excerpts of whole songs of Jiménez and José (2017)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from mgc_keras.errors import OptionError


class Bounds(Protocol):
    """Whatever says which windows of a clip are taken."""

    def bounds(self, n_samples: int, sampling_rate: int) -> Iterator[tuple[int, int]]:
        """Yield the first sample of each window and the one behind its last, for a clip of `n_samples`."""
        ...


@dataclass(frozen=True)
class Windows:
    """Windows of `length` seconds, one every `hop` seconds, as many as fit whole; a shorter clip is one window.

    Raises
    ------
    OptionError
        A length or hop that is not above 0.

    Example
    -------
    >>> list(Windows(10.0, 5.0).bounds(21, sampling_rate=1))
    [(0, 10), (5, 15), (10, 20)]
    """

    length: float
    hop: float

    def __post_init__(self) -> None:
        for name, seconds in (("window", self.length), ("hop", self.hop)):
            if not (math.isfinite(seconds) and seconds > 0):
                raise OptionError(f"{seconds} s makes no sense", field=name, cure="give seconds above 0")

    def bounds(self, n_samples: int, sampling_rate: int) -> Iterator[tuple[int, int]]:
        """Yield the first sample of each window and the one behind its last, for a clip of `n_samples`."""
        length = max(1, round(self.length * sampling_rate))
        hop = max(1, round(self.hop * sampling_rate))
        for start in range(0, max(n_samples - length, 0) + 1, hop):
            yield start, min(start + length, n_samples)


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
        if not (math.isfinite(self.seconds) and self.seconds > 0):
            raise OptionError(f"{self.seconds} s makes no sense", field="seconds", cure="give seconds above 0")
        if not (math.isfinite(self.drop) and self.drop >= 0):
            raise OptionError(f"{self.drop} s makes no sense", field="drop", cure="give seconds from 0")

    def bounds(self, n_samples: int, sampling_rate: int) -> Iterator[tuple[int, int]]:
        """Yield the first sample of each excerpt and the one behind its last; at least one, which may be too short."""
        length, dropped = max(1, round(self.seconds * sampling_rate)), round(self.drop * sampling_rate)
        n_excerpts = (n_samples - 2 * dropped) // length
        if self.centre or n_excerpts < 1:
            start = max(n_samples - length, 0) // 2
            yield start, min(start + length, n_samples)
            return
        for number in range(n_excerpts):
            yield dropped + number * length, dropped + (number + 1) * length

    def note(self, song_seconds: float) -> str:
        """Say in what a song of this length differs from what was asked for; "" if in nothing.

        Example
        -------
        >>> Excerpts(drop=20.0).note(60.0)
        'without 20 s at each end, 60.0 s are too short for an excerpt of 29.12 s: its centre is taken'
        """
        if song_seconds < self.seconds:
            return (
                f"{song_seconds:.1f} s are shorter than an excerpt of {self.seconds:g} s: the rest of it is filled up"
            )
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
        problem = f"{window} s is more than these features take in"
        raise OptionError(problem, field="window", cure=f"at most {longest:g} s")
    return Windows(window, window if hop is None else hop)
