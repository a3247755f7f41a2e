"""How a song is segmented: every choice in one place."""

import math
from dataclasses import dataclass

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.segmentation.autoregression import METHODS, check_order


@dataclass(frozen=True)
class SegmentationSettings:
    """How to segment a song.

    Order, lags, hop and the rule for the scale are choices made here (not stated). Order and scale were chosen on 60
    songs of the built-in corpus, none of which is among those that ``benchmarks/segmentation.py`` reports on.

    Parameters
    ----------
    window_seconds : float
        Length of a window. What is left of the song behind the last whole window belongs to that window. Sections of
        the 60 songs are found the better, the longer the windows: mean adjusted Rand index, k known, 0.24 with 1 s,
        0.29 with 2 s and 0.32 with 4 s; borders are found to within a window only.
    hop_seconds : float, optional
        From the start of one window to the start of the next; by default windows do not overlap.
    order, method, n_lags, with_power
        Of the measure: see `mgc_keras.segmentation.spectral_error.spectral_error_matrix`.
    scale : float, optional
        See `mgc_keras.segmentation.clustering.graph_of`; 1 is the paper's equation as it stands. By default
        `mgc_keras.segmentation.segments.default_scale`, the median of the song's distances: where it is 5 or more,
        as in some of the Emotify clips, a scale of 1 leaves most windows without neighbours.
    n_segments : int, optional
        Kinds of segments, k; by default read from the gap between eigenvalues.
    most_segments : int
        The most kinds that the gap may choose.
    seed : int
        Of k-means.

    Raises
    ------
    OptionError
        A value that makes no sense for any song.
    """

    window_seconds: float = 1.0
    hop_seconds: float | None = None
    order: int = 40
    method: str = "levinson"
    n_lags: int | None = None
    with_power: bool = True
    scale: float | None = None
    n_segments: int | None = None
    most_segments: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        def refuse(field: str, problem: str, cure: str) -> None:
            raise OptionError(f"{getattr(self, field)} {problem}", field=field, cure=cure)

        if not 0 < self.window_seconds < math.inf:
            refuse("window_seconds", "s is no length", "give seconds above 0")
        if not 0 < self.hop <= self.window_seconds:
            cure = f"give seconds above 0, at most the window's {self.window_seconds:g}"
            refuse("hop_seconds", "s would leave gaps or stand still", cure)
        check_order(self.order)
        checked_choice("method", self.method, METHODS)
        counts = {"n_lags": "lags", "n_segments": "clusters", "most_segments": "clusters"}
        for field, counted in counts.items():
            if getattr(self, field) is not None and getattr(self, field) < 1:
                refuse(field, f"is no number of {counted}", "give 1 or more")
        # Those that k-means takes.
        if not 0 <= self.seed < 2**32:
            refuse("seed", "is no seed", "give 0 or more")
        if self.scale is not None and not 0 < self.scale < math.inf:
            refuse("scale", "is no distance", "give a number above 0")

    @property
    def hop(self) -> float:
        """Seconds from window to window."""
        return self.window_seconds if self.hop_seconds is None else self.hop_seconds
