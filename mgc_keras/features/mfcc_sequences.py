"""MFCCs frame by frame, as the recurrent networks of Asgharivaskasi et al. (2019) see a clip."""

from collections.abc import Sequence
from typing import Any

import numpy as np

N_FFT = 2048


class MfccSequences:
    """Coefficients of every frame; see `mgc_keras.features.extractor.Extractor`.

    The study's numbers are not stated. Chosen: 20 coefficients, as the MFCC baseline of Choi et al. (2017) has; a hop of
    2048 samples, 93 ms at 22 050 Hz, because a recurrent network forgets the beginning of a thousand steps and takes
    minutes for them.

    Parameters
    ----------
    seconds : float
        From the start of each clip; shorter ones are repeated.
    sampling_rate : int
        In Hz.
    n_mfcc : int
        Coefficients a frame.
    hop_length : int
        Samples from frame to frame.
    """

    name = "mfcc_sequence"
    fit = "repeat"
    batch_order = "file"
    batch_size = 8
    seed = 0
    dtype = "float32"

    def __init__(
        self, seconds: float, sampling_rate: int = 22050, n_mfcc: int = 20, hop_length: int = 2048
    ) -> None:
        self.sampling_rate, self.n_mfcc, self.hop_length, self.duration = sampling_rate, n_mfcc, hop_length, seconds
        self.n_samples = round(seconds * sampling_rate)
        self.columns = [f"mfcc_{number:02d}" for number in range(n_mfcc)]

    def describe(self) -> dict[str, Any]:
        """Return the settings that fix the numbers."""
        return {name: getattr(self, name) for name in ("name", "sampling_rate", "n_samples", "n_mfcc", "hop_length")}

    def __call__(self, waveforms: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Return (n_clips, n_frames, n_mfcc) float32."""
        import librosa

        options = {"sr": self.sampling_rate, "n_mfcc": self.n_mfcc, "n_fft": N_FFT, "hop_length": self.hop_length}
        return np.stack([librosa.feature.mfcc(y=waveform, **options).T for waveform in waveforms]).astype(np.float32)
