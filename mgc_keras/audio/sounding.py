"""How much of a waveform sounds, and how loud that part is: of digital silence a network says something, too."""

from dataclasses import dataclass

import numpy as np

from mgc_keras.audio.containers import SILENCE

# Of a waveform: a second of an excerpt of 29.12 s. Rests between the beats of a drum machine are none that count.
_FRAMES = 30


@dataclass(frozen=True)
class Sounding:
    """The part of a waveform that is not silent.

    Parameters
    ----------
    seconds : float
        Its length: that of all those of 30 equal frames that move by as much as a whole song must, at least, to be
        called no silence (-80 dB).
    power : float
        Mean square of its samples, 1 for full scale; 0 where nothing sounds.
    """

    seconds: float
    power: float


def sounding(waveform: np.ndarray, sampling_rate: int) -> Sounding:
    """Measure a waveform, (n_samples,) float32, at a sampling rate in Hz.

    Example
    -------
    >>> sounding(np.r_[np.zeros(400), np.tile([0.5, -0.5], 200)], 400)
    Sounding(seconds=1.0, power=0.25)
    """
    if not len(waveform):
        return Sounding(0.0, 0.0)
    starts = np.unique(np.linspace(0, len(waveform), _FRAMES, endpoint=False).astype(int))
    moves = np.maximum.reduceat(waveform, starts) - np.minimum.reduceat(waveform, starts)
    sounds = moves >= 2 * SILENCE
    n_samples = np.diff(starts, append=len(waveform))[sounds].sum()
    energy = np.add.reduceat(np.square(waveform, dtype=np.float64), starts)[sounds].sum()
    return Sounding(float(n_samples / sampling_rate), float(energy / n_samples) if n_samples else 0.0)
