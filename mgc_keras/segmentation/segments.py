"""A song divided into segments that sound alike, after Asgharivaskasi et al. (2019)."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mgc_keras.audio.spans import samples_in, span_starts
from mgc_keras.errors import AudioError, OptionError
from mgc_keras.segmentation.clustering import cluster_graph, graph_of
from mgc_keras.segmentation.settings import SegmentationSettings
from mgc_keras.segmentation.spectral_error import spectral_error_matrix
from mgc_keras.threads import one_thread

_LEAST_SCALE = 0.1
# Of a song. Memory and time grow with their square: the distances between so many take 200 MB.
MOST_WINDOWS = 5000


@dataclass(frozen=True)
class Segmentation:
    """What `segment_waveform` found.

    Parameters
    ----------
    edges : np.ndarray [shape=(n_windows + 1,), dtype=int]
        Samples where one window's time ends and the next one's begins. Window w stands for ``edges[w]`` to
        ``edges[w + 1]``: overlapping windows meet halfway, the first begins at 0, the last ends with the song.
    labels : np.ndarray [shape=(n_windows,), dtype=int]
        Kind of segment of each window, from 0 in the order in which kinds first appear.
    errors : np.ndarray [shape=(n_windows, n_windows), dtype=float64]
        E, not symmetric: row i is the model of window i.
    distances, graph : np.ndarray [shape=(n_windows, n_windows), dtype=float64]
        S, the mean of E and its transpose, and A.
    eigenvalues : np.ndarray [dtype=float64]
        The largest of the Laplacian, falling.
    sampling_rate : int
        In Hz.
    """

    edges: np.ndarray
    labels: np.ndarray
    errors: np.ndarray
    distances: np.ndarray
    graph: np.ndarray
    eigenvalues: np.ndarray
    sampling_rate: int

    @property
    def boundaries(self) -> np.ndarray:
        """`edges` in seconds."""
        return self.edges / self.sampling_rate

    @property
    def n_segments(self) -> int:
        """Kinds of segments."""
        return int(self.labels.max()) + 1

    def segments(self) -> pd.DataFrame:
        """Return the segments in time order, `start_s`, `end_s`, `label`, `duration_s`.

        Neighbouring windows of one kind are one; a row begins where the one before it ends.
        """
        first = np.flatnonzero(np.diff(self.labels, prepend=-1))
        starts = self.boundaries[first]
        ends = np.append(starts[1:], self.boundaries[-1])
        return pd.DataFrame(
            {"start_s": starts, "end_s": ends, "label": self.labels[first], "duration_s": ends - starts}
        )


@one_thread()
def segment_waveform(
    waveform: np.ndarray, sampling_rate: int, settings: SegmentationSettings | None = None, **options: Any
) -> Segmentation:
    """Divide a song into segments that sound alike.

    Parameters
    ----------
    waveform : np.ndarray [shape=(n_samples,), dtype=float]
        Mono.
    sampling_rate : int
        In Hz; the paper's is 22 050.
    settings, **options : SegmentationSettings, optional
        And fields that shall differ from these.

    Returns
    -------
    Segmentation
        Silence and a constant signal are one segment. The same input and seed give the same result.

    Raises
    ------
    AudioError
        The waveform is not one-dimensional, contains NaN or infinite samples, or has more than `MOST_WINDOWS` windows.
    OptionError
        A song shorter than two windows, more kinds of segments than windows, or a setting that makes no sense.

    Example
    -------
    >>> time = np.arange(8000) / 1000
    >>> song = np.where(time < 5, np.sin(400 * time), np.random.default_rng(0).standard_normal(8000))
    >>> segment_waveform(song, 1000, n_segments=2, order=4).segments().to_numpy().tolist()
    [[0.0, 5.0, 0.0, 5.0], [5.0, 8.0, 1.0, 3.0]]
    """
    settings = replace(settings or SegmentationSettings(), **options)
    waveform = np.asarray(waveform)
    if waveform.ndim != 1 or not np.isfinite(waveform).all():
        problem = "only one-dimensional, finite waveforms can be segmented"
        raise AudioError(problem, cure="mix to mono and remove NaN samples")
    length, hop = (samples_in(seconds, sampling_rate) for seconds in (settings.window_seconds, settings.hop))
    starts = span_starts(len(waveform), length, hop)
    if len(starts) < 2:
        shown = f"{len(waveform) / sampling_rate:.2f} s of sound"
        problem = f"{shown} are fewer than two windows of {settings.window_seconds:g} s"
        raise OptionError(problem, field="window_seconds", cure="choose shorter windows, or leave the song out")
    if len(starts) > MOST_WINDOWS:
        problem = f"has {len(starts)} windows of {settings.window_seconds:g} s, more than {MOST_WINDOWS}"
        raise AudioError(problem, cure="choose longer windows, or cut it into shorter files")
    windows = np.lib.stride_tricks.sliding_window_view(waveform, length)[starts]
    errors = spectral_error_matrix(
        windows, settings.order, settings.method, n_lags=settings.n_lags, with_power=settings.with_power
    )
    distances = (errors + errors.T) / 2
    graph = graph_of(distances, default_scale(distances) if settings.scale is None else settings.scale)
    labels, eigenvalues = cluster_graph(
        graph, settings.n_segments, most_clusters=settings.most_segments, seed=settings.seed
    )
    middles = starts[1:] + (length - (starts[1] - starts[0])) // 2
    edges = np.concatenate([[0], middles, [len(waveform)]])
    return Segmentation(edges, labels, errors, distances, graph, eigenvalues, sampling_rate)


def default_scale(distances: np.ndarray) -> float:
    """Return the median of the distances between different windows, but at least 0.1.

    Windows of one and the same noise lie far below 0.1 from each other: a song of nothing else stays whole.

    Example
    -------
    >>> default_scale(np.array([[0.0, 7.0], [7.0, 0.0]])), default_scale(np.zeros((3, 3)))
    (7.0, 0.1)
    """
    return max(_LEAST_SCALE, float(np.median(distances[np.triu_indices(len(distances), 1)])))


def largest_cluster_waveform(waveform: np.ndarray, segmentation: Segmentation) -> np.ndarray:
    """Return the song's largest cluster as audio: its windows in time order, one after the other.

    It is the cluster of most windows; the one that appears first, if several have as many.

    Parameters
    ----------
    waveform : np.ndarray [shape=(n_samples,)]
        The waveform that was segmented.
    segmentation : Segmentation

    Returns
    -------
    np.ndarray [shape=(n_kept,)]
        The same dtype.

    Raises
    ------
    OptionError
        The waveform has another length than the one that was segmented.
    """
    if len(waveform) != segmentation.edges[-1]:
        problem = f"has {len(waveform)} samples, the song that was segmented {segmentation.edges[-1]}"
        raise OptionError(problem, field="waveform", cure="give the same waveform at the same sampling rate")
    kept = segmentation.labels == np.argmax(np.bincount(segmentation.labels))
    return waveform[np.repeat(kept, np.diff(segmentation.edges))]
