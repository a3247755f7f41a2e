"""The MFCC baseline of Choi et al. (2017), section 3.2: 120 numbers a clip."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np

from mgc_keras.checks import checked_choice
from mgc_keras.errors import AudioError
from mgc_keras.features.extractor import Extractor
from mgc_keras.threads import one_thread

N_MFCC = 20
SECONDS = 29.0
N_FFT, HOP_LENGTH, N_MELS = 2048, 512, 128
SHORTEST = 1024
Padding = Literal["constant", "reflect"]
PADDINGS: tuple[Padding, ...] = get_args(Padding)

# Statistic, then order of difference ("d" once, "dd" twice), then the coefficient: the authors' order.
MFCC_COLUMNS = tuple(
    f"mfcc_{statistic}{difference}_{coefficient:02d}"
    for difference in ("", "_d", "_dd")
    for statistic in ("mean", "std")
    for coefficient in range(N_MFCC)
)


@one_thread()
def mfcc_features(waveform: np.ndarray, sampling_rate: int = 12000, *, padding: Padding = "constant") -> np.ndarray:
    """Summarise 20 MFCCs and their first and second differences by mean and standard deviation over time.

    Parameters
    ----------
    waveform : np.ndarray [shape=(n_samples,), dtype=float32]
        A mono clip; only the first 29 s count. One shorter than 1024 samples is zero-padded to 1024.
    sampling_rate : int
        In Hz; 12000 in the study.
    padding : str
        What lies beyond the ends of the clip for the first and last frames: "constant" (zeros, librosa's default
        today) or "reflect" (its default in 2017, nearer to the published features).

    Returns
    -------
    np.ndarray [shape=(120,), dtype=float64]
        Mean and population standard deviation of the MFCCs, then of their plain first differences along time, then of
        the differences of those, 20 numbers each, as named in `MFCC_COLUMNS`.

    Raises
    ------
    AudioError
        The waveform is empty, or contains NaN or infinite samples.
    OptionError
        `padding` is unknown.

    Notes
    -----
    The coefficients are those of ``librosa.feature.mfcc(y=waveform, sr=sampling_rate, n_mfcc=20)``, without computing
    the mel filterbank anew for each clip.
    """
    import librosa
    import scipy.fft

    checked_choice("padding", padding, PADDINGS)
    if not len(waveform):
        raise AudioError("a waveform without samples has no MFCCs", cure="leave the clip out")
    waveform = waveform[: int(SECONDS * sampling_rate)]
    if not np.isfinite(waveform).all():
        raise AudioError("contains NaN or infinite samples", cure="leave the clip out")
    if len(waveform) < SHORTEST:
        waveform = np.pad(waveform, (0, SHORTEST - len(waveform)))
    # Padded here because librosa refuses to reflect, and warns about, a clip that is shorter than a frame.
    padded = np.pad(waveform, N_FFT // 2, mode=padding)
    spectrum = librosa.stft(padded, n_fft=N_FFT, hop_length=HOP_LENGTH, center=False)
    decibels = librosa.power_to_db(_mel_filterbank(sampling_rate) @ np.abs(spectrum) ** 2)
    mfcc = scipy.fft.dct(decibels, axis=0, type=2, norm="ortho")[:N_MFCC].astype(np.float64)
    delta = np.diff(mfcc, axis=1)
    series = (mfcc, delta, np.diff(delta, axis=1))
    return np.concatenate([statistic(values, axis=1) for values in series for statistic in (np.mean, np.std)])


@lru_cache(maxsize=4)
def _mel_filterbank(sampling_rate: int) -> np.ndarray:
    import librosa

    return librosa.filters.mel(sr=sampling_rate, n_fft=N_FFT, n_mels=N_MELS)


class MfccExtractor(Extractor):
    """The MFCC baseline as an extractor, of clips of any length: see `mfcc_features`.

    Parameters
    ----------
    padding : str
        As in `mfcc_features`.
    batch_size : int
        Clips that are computed, and then saved, together.
    """

    name = "mfcc"
    columns = MFCC_COLUMNS
    sampling_rate = 12000
    n_samples = None
    duration = SECONDS
    dtype = "float64"

    def __init__(self, padding: Padding = "constant", batch_size: int = 8) -> None:
        checked_choice("padding", padding, PADDINGS)
        self.padding, self.batch_size = padding, batch_size

    def describe(self) -> dict[str, Any]:
        """Return the settings that fix the numbers, for the JSON beside a feature table."""
        return {
            "name": self.name,
            "sampling_rate": self.sampling_rate,
            "duration_s": self.duration,
            "n_mfcc": N_MFCC,
            "n_fft": N_FFT,
            "hop_length": HOP_LENGTH,
            "n_mels": N_MELS,
            "padding": self.padding,
        }

    def __call__(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """Return the features (batch, 120), float64, of a list of waveforms of any lengths."""
        return np.stack([mfcc_features(waveform, self.sampling_rate, padding=self.padding) for waveform in waveforms])
