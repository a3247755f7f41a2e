"""What the networks without images of Asgharivaskasi et al. (2019) see: MFCCs, as statistics or by frame, or sound."""

from functools import partial

import numpy as np

from mgc_keras.features.mfcc import MFCC_COLUMNS, mfcc_features
from mgc_keras.features.segments import SegmentExtractor

N_FFT = 2048


def mfcc_sequences(
    segments: str, seconds: float, sampling_rate: int = 22050, *, n_mfcc: int = 20, hop_length: int = 2048
) -> SegmentExtractor:
    """Return the extractor of coefficients of every frame: a row a frame.

    The study's numbers are not stated. Chosen: 20 coefficients, as the MFCC baseline of Choi et al. (2017) has; a hop
    of 2048 samples, 93 ms at 22 050 Hz, because a recurrent network forgets the beginning of a thousand steps and takes
    minutes for them.

    Parameters
    ----------
    segments, seconds, sampling_rate
        As of `SegmentExtractor`.
    n_mfcc : int
        Coefficients a frame.
    hop_length : int
        Samples from frame to frame.

    Example
    -------
    >>> mfcc_sequences("3s", 6.0)([np.ones(6 * 22050, np.float32)]).shape     # two segments of 33 frames
    (1, 66, 20)
    """

    def compute(waveforms: np.ndarray) -> np.ndarray:
        import librosa

        mfcc = partial(librosa.feature.mfcc, sr=sampling_rate, n_mfcc=n_mfcc, n_fft=N_FFT, hop_length=hop_length)
        return np.stack([mfcc(y=waveform).T for waveform in waveforms])

    return SegmentExtractor(
        "mfcc_sequence",
        [f"mfcc_{number:02d}" for number in range(n_mfcc)],
        compute,
        segments=segments,
        seconds=seconds,
        sampling_rate=sampling_rate,
        settings={"n_mfcc": n_mfcc, "hop_length": hop_length},
    )


def mfcc_statistics(segments: str, seconds: float, sampling_rate: int = 12000) -> SegmentExtractor:
    """Return the extractor of the classic baselines: 120 numbers a segment, `mgc_keras.features.mfcc.mfcc_features`.

    Parameters
    ----------
    segments, seconds, sampling_rate
        As of `SegmentExtractor`.
    """
    compute = lambda waveforms: np.stack([mfcc_features(waveform, sampling_rate) for waveform in waveforms])
    return SegmentExtractor(
        "mfcc", MFCC_COLUMNS, compute, segments=segments, seconds=seconds, sampling_rate=sampling_rate, settings={}
    )


def waveform_segments(segments: str, seconds: float, sampling_rate: int) -> SegmentExtractor:
    """Return the extractor of the sound itself: a row a sample, with one column, ``amplitude``.

    A clip of 30 s takes 2.6 MB at 22 050 Hz.

    Parameters
    ----------
    segments, seconds, sampling_rate
        As of `SegmentExtractor`.
    """
    compute = lambda waveforms: waveforms[..., None]
    return SegmentExtractor(
        "waveform",
        ("amplitude",),
        compute,
        segments=segments,
        seconds=seconds,
        sampling_rate=sampling_rate,
        settings={},
    )
