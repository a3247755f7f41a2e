"""Features of a clip's segments: the whole clip as one, cuts of 3 s, or the kind of segment that fills most of a song.

Asgharivaskasi et al. (2019) show their networks whole clips, clips cut into 3 s whose classes are voted on, and songs
of which spectral clustering has left the largest cluster. An extractor here gives a matrix a clip, in which each
segment has one row or as many as any other, segment after segment; `mgc_keras.features.export` writes it to an
``.npz``.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mgc_keras.audio.files import fit_waveform
from mgc_keras.audio.spans import check_seconds
from mgc_keras.checks import checked_choice
from mgc_keras.datasets.cutting import Cutting, cut_clips
from mgc_keras.features.extractor import Extractor
from mgc_keras.segmentation.segments import largest_cluster_waveform, segment_waveform
from mgc_keras.segmentation.settings import SegmentationSettings

SEGMENTS = ("whole", "3s", "largest-cluster")
SEGMENT_SECONDS = 3.0
_SEGMENTATION = SegmentationSettings()


class SegmentExtractor(Extractor):
    """Cuts clips into segments and computes rows of numbers for each.

    Parameters
    ----------
    name : str
        Of the feature set.
    columns : sequence of str
        Names of the numbers of a row.
    compute : callable
        (n_segments, n_samples) float32 to (n_segments, n_columns), or to (n_segments, n_rows, n_columns): segments of
        one clip, or of several one after the other.
    segments : {"whole", "3s", "largest-cluster"}
        "whole": the first `seconds` of a clip. "3s": these, cut without overlap; what is left at the end is dropped.
        "largest-cluster": `seconds` of the kind of segment that has most windows, from the whole song; a song shorter
        than two windows is one segment.
    seconds : float
        Clips that are shorter are repeated.
    sampling_rate : int
        In Hz.
    settings : dict
        What else fixes the numbers, as plain JSON values.

    Raises
    ------
    OptionError
        Another kind of segments, or clips without length.
    """

    batch_size = 4

    def __init__(
        self,
        name: str,
        columns: Sequence[str],
        compute: Callable[[np.ndarray], np.ndarray],
        *,
        segments: str,
        seconds: float,
        sampling_rate: int,
        settings: dict[str, Any],
    ) -> None:
        checked_choice("segment", segments, SEGMENTS)
        check_seconds("seconds", seconds)
        self.name, self.columns, self.sampling_rate = name, tuple(columns), sampling_rate
        self.segments, self.seconds, self._compute, self._settings = segments, seconds, compute, settings
        self._length = round(seconds * sampling_rate)
        # A song is read whole to be segmented.
        self.n_samples = None if segments == "largest-cluster" else self._length
        self.duration = None if segments == "largest-cluster" else seconds

    @property
    def n_segments(self) -> int:
        """Segments of a clip."""
        return len(_cutting(self.seconds).starts(self._length, self.sampling_rate)) if self.segments == "3s" else 1

    def describe(self) -> dict[str, Any]:
        """Return everything that fixes the numbers, as plain JSON values."""
        names = ("name", "segments", "n_segments", "seconds", "sampling_rate")
        cuts = {"3s": asdict(_cutting(self.seconds)), "largest-cluster": asdict(_SEGMENTATION)}
        return {name: getattr(self, name) for name in names} | {"cut": cuts.get(self.segments), **self._settings}

    def __call__(self, waveforms: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Return (n_clips, n_segments * n_rows, n_columns) float32."""
        segments = np.concatenate([self._cut(waveform) for waveform in waveforms])
        return np.asarray(self._compute(segments), np.float32).reshape(len(waveforms), -1, len(self.columns))

    def _cut(self, waveform: np.ndarray) -> np.ndarray:
        """Return the segments of a clip, (n_segments, n_samples)."""
        if self.segments == "3s":
            return cut_clips([waveform], self.sampling_rate, _cutting(self.seconds)).waveforms
        if self.segments == "whole":
            return waveform[None]
        if len(waveform) >= 2 * _SEGMENTATION.window_seconds * self.sampling_rate:
            found = segment_waveform(waveform, self.sampling_rate, _SEGMENTATION)
            waveform = largest_cluster_waveform(waveform, found)
        return fit_waveform(waveform, self._length, self.fit)[None]


def segment_samples(segments: str, seconds: float, sampling_rate: int) -> int:
    """Return the samples of a segment; the arguments are those of `SegmentExtractor`."""
    return _cutting(seconds).length(sampling_rate) if segments == "3s" else round(seconds * sampling_rate)


def _cutting(seconds: float) -> Cutting:
    return Cutting(min(SEGMENT_SECONDS, seconds))
