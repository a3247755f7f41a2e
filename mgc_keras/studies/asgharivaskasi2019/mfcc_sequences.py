"""MFCCs frame by frame, as the recurrent networks of Asgharivaskasi et al. (2019) see a clip."""

import numpy as np

from mgc_keras.features.segments import PieceExtractor

N_FFT = 2048


def mfcc_sequences(
    pieces: str, seconds: float, sampling_rate: int = 22050, *, n_mfcc: int = 20, hop_length: int = 2048
) -> PieceExtractor:
    """Return the extractor of coefficients of every frame: a row a frame.

    The study's numbers are not stated. Chosen: 20 coefficients, as the MFCC baseline of Choi et al. (2017) has; a hop of
    2048 samples, 93 ms at 22 050 Hz, because a recurrent network forgets the beginning of a thousand steps and takes
    minutes for them.

    Parameters
    ----------
    pieces, seconds, sampling_rate
        As of `PieceExtractor`.
    n_mfcc : int
        Coefficients a frame.
    hop_length : int
        Samples from frame to frame.

    Example
    -------
    >>> mfcc_sequences("3s", 6.0)([np.ones(6 * 22050, np.float32)]).shape     # two pieces of 33 frames
    (1, 66, 20)
    """

    def compute(waveforms: np.ndarray) -> np.ndarray:
        import librosa

        options = {"sr": sampling_rate, "n_mfcc": n_mfcc, "n_fft": N_FFT, "hop_length": hop_length}
        return np.stack([librosa.feature.mfcc(y=waveform, **options).T for waveform in waveforms])

    return PieceExtractor(
        "mfcc_sequence",
        [f"mfcc_{number:02d}" for number in range(n_mfcc)],
        compute,
        pieces=pieces,
        seconds=seconds,
        sampling_rate=sampling_rate,
        settings={"n_mfcc": n_mfcc, "hop_length": hop_length},
    )
