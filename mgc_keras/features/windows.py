"""A sliding window over clips."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from mgc_keras.errors import OptionError


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
