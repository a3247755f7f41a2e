"""Features of a whole song: those of windows all over it, summarised to one row."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mgc_keras.audio.spans import SongWindows, check_seconds
from mgc_keras.errors import OptionError
from mgc_keras.features.extractor import Extractor

STATISTICS: dict[str, Callable[..., np.ndarray]] = {"mean": np.mean, "std": np.std, "min": np.min, "max": np.max}


class WholeSong(Extractor):
    """Features of windows all over a song, summarised: an extractor that gives one row a clip, however long it is.

    The windows have the length that the features take in, and the last one ends with the song.

    What it is worth: on 400 one-minute clips of four genres (artist-grouped folds, nested search) the convnet of Choi
    et al. (2017), calibrated on 100 other clips, reached 0.776 averaged over such windows, where the published one on
    the first 29 s reached 0.66; standard deviations or maxima beside the mean made it worse. On 60 of these clips,
    calibrated on other music, ``benchmarks/whole_song.py`` finds no gain: 0.60 against 0.64, -0.04 [-0.12, +0.03].

    Parameters
    ----------
    extractor : Extractor
        Gives a row of numbers for a waveform of `n_samples`, or of `duration`. Not changed.
    hop : float, optional
        Seconds from the start of a window to that of the next. By default the length of a window: no overlap but the
        last one's.
    summary : str
        Statistics over the windows, with commas between them: "mean", "std" (of the population), "min", "max". With
        several, a column's name ends in that of its statistic. Every window counts once.

    Attributes
    ----------
    spans : SongWindows

    Raises
    ------
    OptionError
        A statistic that is unknown or named twice, a hop that makes no sense, or that leaves parts of a song out, or
        features without a length.

    Example
    -------
    >>> from mgc_keras.features.mfcc import MfccExtractor
    >>> WholeSong(MfccExtractor(), summary="mean,std").columns[119:121]
    ('mfcc_std_dd_19_mean', 'mfcc_mean_00_std')
    """

    def __init__(self, extractor: Extractor, *, hop: float | None = None, summary: str = "mean") -> None:
        self.extractor, self.summary = extractor, summary
        names = summary.split(",")
        for name in names:
            if name not in STATISTICS or names.count(name) > 1:
                problem = f"{name!r} is {'named twice' if name in STATISTICS else 'unknown'}"
                raise OptionError(problem, field="--summary", cure=f"choose from {', '.join(STATISTICS)}")
        rate, n_samples = extractor.sampling_rate, extractor.n_samples
        length = extractor.duration if n_samples is None else n_samples / rate
        if length is None:
            raise OptionError(f"{extractor.name} takes songs whole as it is", field="--over", cure="leave it out")
        if hop is not None:
            check_seconds("--hop", hop)
            if hop > length:
                problem = f"{hop:g} s is more than a window, of {length:g} s: parts of a song would be left out"
                raise OptionError(problem, field="--hop", cure=f"give at most {length:g}")
        self.spans = SongWindows(length, length if hop is None else hop)
        self._statistics = tuple(STATISTICS[name] for name in names)
        several = len(names) > 1
        self.columns = tuple(
            f"{column}_{name}" if several else column for name in names for column in extractor.columns
        )
        self.name, self.sampling_rate, self.n_samples = extractor.name, rate, n_samples
        # A song is read whole.
        self.duration = None
        self.batch_size, self.batch_order, self.seed = extractor.batch_size, extractor.batch_order, extractor.seed
        self.fit, self.dtype = extractor.fit, extractor.dtype

    def __getattr__(self, name: str) -> Any:
        if name in ("streams", "measured", "depends_on_batch", "execution", "resampler"):
            return getattr(self.extractor, name)
        raise AttributeError(name)

    def describe(self) -> dict[str, Any]:
        """Return everything that fixes the numbers, as plain JSON values."""
        over = {"window_s": self.spans.length, "hop_s": self.spans.hop, "summary": self.summary.split(",")}
        return {**self.extractor.describe(), "over_song": over}

    def __call__(self, waveforms: Any) -> np.ndarray:
        """Return (batch, n_features) of windows (batch, n_samples) float32, as the extractor does."""
        return self.extractor(waveforms)

    def summarize(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        """Return the statistics (n_columns,), in `dtype`, of the rows of a song's windows, computed in float64."""
        windows = np.stack(rows).astype(np.float64)
        return np.concatenate([statistic(windows, axis=0) for statistic in self._statistics]).astype(self.dtype)
