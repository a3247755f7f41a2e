"""Features of a clip's pieces: the whole clip, its 3-s segments, or the kind of segment that fills most of a song.

Asgharivaskasi et al. (2019) show their networks whole clips, clips cut into 3 s whose classes are voted on, and songs of
which spectral clustering has left the largest cluster. An extractor here gives a matrix a clip, in which each piece has
one row or as many as any other, piece after piece; `mgc_keras.features.sequences` exports it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mgc_keras.audio.files import fit_waveform
from mgc_keras.datasets.cutting import Cutting, cut_clips
from mgc_keras.errors import OptionError
from mgc_keras.features.mfcc import MFCC_COLUMNS, mfcc_features
from mgc_keras.segmentation.segments import largest_cluster_waveform, segment_waveform
from mgc_keras.segmentation.settings import SegmentationSettings

PIECES = ("whole", "3s", "largest-cluster")
SEGMENT_SECONDS = 3.0


class PieceExtractor:
    """Cuts clips into pieces and computes rows of numbers for each; see `mgc_keras.features.extractor.Extractor`.

    Parameters
    ----------
    name : str
        Of the feature set.
    columns : sequence of str
        Names of the numbers of a row.
    compute : callable
        (n_pieces, n_samples) float32 to (n_pieces, n_columns), or to (n_pieces, n_rows, n_columns): pieces of one clip,
        or of several one after the other.
    pieces : {"whole", "3s", "largest-cluster"}
        "whole": the first `seconds` of a clip. "3s": these, cut without overlap; what is left at the end is dropped.
        "largest-cluster": `seconds` of the kind of segment that has most windows, from the whole song; a song shorter
        than two windows is one segment.
    seconds : float
        Clips that are shorter are repeated.
    sampling_rate : int
        In Hz.
    settings : dict
        What else fixes the numbers, as plain JSON values.
    segmentation : SegmentationSettings, optional
        Of "largest-cluster".
    batch_size : int
        Clips a call.

    Raises
    ------
    OptionError
        An unknown kind of pieces, or clips without length.
    """

    fit = "repeat"
    batch_order = "file"
    seed = 0
    dtype = "float32"

    def __init__(
        self,
        name: str,
        columns: Sequence[str],
        compute: Callable[[np.ndarray], np.ndarray],
        *,
        pieces: str,
        seconds: float,
        sampling_rate: int,
        settings: dict[str, Any],
        segmentation: SegmentationSettings | None = None,
        batch_size: int = 4,
    ) -> None:
        if pieces not in PIECES:
            raise OptionError(f"unknown value {pieces!r}", field="segment", cure=f"choose one of {', '.join(PIECES)}")
        if not seconds > 0:
            raise OptionError(f"{seconds} s make no clip", field="seconds", cure="give seconds above 0")
        self.name, self.columns, self.batch_size, self.sampling_rate = name, tuple(columns), batch_size, sampling_rate
        self.pieces, self.seconds, self._compute, self._settings = pieces, seconds, compute, settings
        self._segmentation = segmentation or SegmentationSettings()
        length = round(seconds * sampling_rate)
        # A song is read whole to be segmented.
        self.n_samples, self.duration = (None, None) if pieces == "largest-cluster" else (length, seconds)
        self._length = length

    @property
    def n_piece_samples(self) -> int:
        """Samples of a piece."""
        return piece_samples(self.pieces, self.seconds, self.sampling_rate)

    @property
    def n_pieces(self) -> int:
        """Pieces of a clip."""
        return len(_cutting(self.seconds).starts(self._length, self.sampling_rate)) if self.pieces == "3s" else 1

    def describe(self) -> dict[str, Any]:
        """Return everything that fixes the numbers, as plain JSON values."""
        shared = {name: getattr(self, name) for name in ("name", "pieces", "n_pieces", "seconds", "sampling_rate")}
        cut = {"3s": asdict(_cutting(self.seconds)), "largest-cluster": asdict(self._segmentation)}.get(self.pieces, {})
        return {**shared, **cut, **self._settings}

    def __call__(self, waveforms: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Return (n_clips, n_pieces * n_rows, n_columns) float32."""
        pieces = np.concatenate([self._cut(waveform) for waveform in waveforms])
        return np.asarray(self._compute(pieces), np.float32).reshape(len(waveforms), -1, len(self.columns))

    def _cut(self, waveform: np.ndarray) -> np.ndarray:
        """Return the pieces of a clip, (n_pieces, n_samples)."""
        if self.pieces == "3s":
            return cut_clips([waveform], self.sampling_rate, _cutting(self.seconds)).waveforms
        if self.pieces == "whole":
            return waveform[None]
        if len(waveform) >= 2 * self._segmentation.window_seconds * self.sampling_rate:
            found = segment_waveform(waveform, self.sampling_rate, self._segmentation)
            waveform = largest_cluster_waveform(waveform, found)
        return fit_waveform(waveform, self._length, self.fit)[None]


def piece_samples(pieces: str, seconds: float, sampling_rate: int) -> int:
    """Return the samples of a piece; the arguments are those of `PieceExtractor`."""
    return _cutting(seconds).length(sampling_rate) if pieces == "3s" else round(seconds * sampling_rate)


def _cutting(seconds: float) -> Cutting:
    return Cutting(min(SEGMENT_SECONDS, seconds))


def mfcc_statistics(pieces: str, seconds: float, sampling_rate: int = 12000) -> PieceExtractor:
    """Return the extractor of the classic baselines: 120 numbers a piece, `mgc_keras.features.mfcc.mfcc_features`.

    Parameters
    ----------
    pieces, seconds, sampling_rate
        As of `PieceExtractor`.
    """
    compute = lambda waveforms: np.stack([mfcc_features(waveform, sampling_rate) for waveform in waveforms])
    return PieceExtractor(
        "mfcc", MFCC_COLUMNS, compute, pieces=pieces, seconds=seconds, sampling_rate=sampling_rate, settings={}
    )


def waveform_pieces(pieces: str, seconds: float, sampling_rate: int) -> PieceExtractor:
    """Return the extractor of the sound itself: a row a sample, with one column, ``amplitude``.

    A clip of 30 s takes 2.6 MB at 22 050 Hz.

    Parameters
    ----------
    pieces, seconds, sampling_rate
        As of `PieceExtractor`.
    """
    compute = lambda waveforms: waveforms[..., None]
    return PieceExtractor(
        "waveform", ("amplitude",), compute, pieces=pieces, seconds=seconds, sampling_rate=sampling_rate, settings={}
    )
