"""Speech, steady noise and clicks told from music by a few figures, and only where all of them agree.

All figures are of the band that telephones carry, so that every sampling rate from 8 kHz gives the same. They are: how
often a sound is nearly silent for a moment and how much its envelope moves at the pace of syllables (Scheirer and
Slaney 1997, after Saunders 1996), how regularly its onsets come back (the idea of their pulse metric), and how long the
fine structure of its spectrum holds: a voice holds for a syllable, a note for longer, noise not at all. A sound is
called speech or noise where each figure is within its bounds; everything else passes as music, singing and drums among
it. Clicks of a metronome, or of a damaged file, are told by the silence between them. The bounds lie between talk and
music of the built-in corpus and invented drum loops, with room for doubt on the side of music;
``benchmarks/not_music.py`` prints what they are worth on others and on real recordings.
"""

from dataclasses import astuple, dataclass

import numpy as np
from scipy.fft import rfft
from scipy.ndimage import uniform_filter1d

SPEECH, NOISE, CLICKS = "speech", "steady noise", "separate clicks"
# Syllables and pauses are counted: fewer seconds hold too few of them.
LEAST_SECONDS = 8.0
# Hz.
LOWEST_RATE = 8000
_LOWEST, _HIGHEST = 100.0, 3800.0
# Seconds of a frame, and from one to the next.
_FRAME, _HOP = 0.032, 0.016
_FRAMES_A_SECOND = round(1 / _HOP)
_N_BANDS = 20
# Hz: syllables come at about four a second.
_SYLLABLES = (2.5, 6.5)
# Seconds after which a beat, or a bar, may come back.
_BEATS = (0.25, 4.0)
# Seconds over which the spectrum's fine structure may hold: that of a frame, and that of a syllable.
_HOLDS = (0.032, 0.256)
# Frames weaker than the loudest by this factor in power say nothing of the spectrum.
_HEARD = 1e-4


@dataclass(frozen=True)
class SoundFigures:
    """What is measured of a stretch of sound; all but `seconds` are 0 where it is too short or silent.

    Parameters
    ----------
    seconds : float
        Its length, without the zeros at its end that it may be filled up with.
    low_energy : float
        Share of frames whose level (RMS) is below half the mean of the second around them.
    modulation : float
        Share of the energy of the bands' envelopes, from 1 Hz up, that lies between 2.5 and 6.5 Hz.
    pulse : float
        The highest autocorrelation of its onsets after 0.25 to 4 s.
    short_hold, long_hold : float
        Mean correlation of a frame's log spectrum, less its smooth shape, with that of 32 and of 256 ms later.
    level_spread : float
        Standard deviation of the frames' levels, in dB.
    heard : float
        Share of frames that are no weaker than the loudest by more than 40 dB.
    longest : float
        Seconds of the longest run of such frames.
    """

    seconds: float
    low_energy: float = 0.0
    modulation: float = 0.0
    pulse: float = 0.0
    short_hold: float = 0.0
    long_hold: float = 0.0
    level_spread: float = 0.0
    heard: float = 0.0
    longest: float = 0.0

    def kind(self) -> str:
        """Return "speech", "steady noise" or "separate clicks" where all figures say so, else ""."""
        if 0 < self.heard < 0.15 and self.longest < 0.3:
            return CLICKS
        if not (self.seconds >= LEAST_SECONDS and self.level_spread > 0):
            return ""
        if self.short_hold < 0.03 and self.long_hold < 0.03 and self.level_spread < 5.0:
            return NOISE
        voiced = self.short_hold > 0.06 and self.long_hold < 0.15
        talks = self.low_energy > 0.32 and self.modulation > 0.37 and self.pulse < 0.32
        return SPEECH if voiced and talks else ""


N_FIGURES = len(astuple(SoundFigures(0.0)))


def sound_figures(waveform: np.ndarray, sampling_rate: int) -> SoundFigures:
    """Measure a stretch of sound.

    Parameters
    ----------
    waveform : np.ndarray [shape=(n_samples,), dtype=float32]
        Its level does not matter.
    sampling_rate : int
        In Hz; below 8000 only the length is measured.
    """
    waveform = np.trim_zeros(waveform, "b")
    seconds = len(waveform) / sampling_rate
    if seconds < LEAST_SECONDS or sampling_rate < LOWEST_RATE:
        return SoundFigures(seconds)
    power, frequency = _spectrogram(waveform, sampling_rate)
    level = power.sum(axis=1)
    if not level.max() > 0:
        return SoundFigures(seconds)
    power /= level.max()
    level /= level.max()
    rms = np.sqrt(level)
    low_energy = (rms < 0.5 * uniform_filter1d(rms, _FRAMES_A_SECOND)).mean()
    decibels = 10 * np.log10(np.maximum(level, 1e-8))
    holds = _holds(power, level > _HEARD)
    measured = (low_energy, _modulation(power, frequency), _pulse(decibels), *holds, decibels.std())
    # Of lone samples there is no spectrum that holds.
    known = measured if np.isfinite(measured).all() else np.zeros(len(measured))
    return SoundFigures(seconds, *map(float, (*known, *_runs(level > _HEARD))))


def _runs(heard: np.ndarray) -> tuple[float, float]:
    """Return the share of frames that are heard, and the seconds of the longest run of them."""
    edges = np.flatnonzero(np.diff(heard, prepend=False, append=False))
    return float(heard.mean()), float(np.diff(edges)[::2].max() * _HOP)


def _spectrogram(waveform: np.ndarray, sampling_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the power of the band in every frame, (n_frames, n_frequencies), and its frequencies."""
    length, hop = round(_FRAME * sampling_rate), round(_HOP * sampling_rate)
    frames = np.lib.stride_tricks.sliding_window_view(waveform, length)[::hop]
    frequency = np.fft.rfftfreq(length, 1 / sampling_rate)
    band = (frequency >= _LOWEST) & (frequency <= _HIGHEST)
    windowed = frames * np.hanning(length).astype(np.float32)
    # SciPy stays in float32, which takes half the time.
    spectrum = np.ascontiguousarray(rfft(windowed, axis=1, overwrite_x=True)[:, band])
    return (spectrum.real**2 + spectrum.imag**2).astype(np.float64), frequency[band]


def _modulation(power: np.ndarray, frequency: np.ndarray) -> float:
    starts = np.searchsorted(frequency, np.geomspace(_LOWEST, _HIGHEST, _N_BANDS, endpoint=False))
    envelopes = np.sqrt(np.add.reduceat(power, np.unique(starts), axis=1))
    length = 2 * _FRAMES_A_SECOND
    parts = np.lib.stride_tricks.sliding_window_view(envelopes, length, axis=0)[::_FRAMES_A_SECOND]
    energy = (np.abs(np.fft.rfft(parts * np.hanning(length), axis=2)) ** 2).sum(axis=(0, 1))
    pace = np.fft.rfftfreq(length, _HOP)
    of_syllables = (pace >= _SYLLABLES[0]) & (pace <= _SYLLABLES[1])
    moving = energy[pace >= 1].sum()
    return energy[of_syllables].sum() / moving if moving > 0 else np.nan


def _pulse(decibels: np.ndarray) -> float:
    onsets = np.maximum(np.diff(np.maximum(decibels, -60)), 0)
    onsets -= onsets.mean()
    n_frames = len(onsets)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(onsets, 2 * n_frames)) ** 2)[:n_frames]
    if not correlation[0] > 0:
        return np.nan
    # Of fewer pairs the later ones are: each counts as a mean.
    correlation *= n_frames / (correlation[0] * np.arange(n_frames, 0, -1))
    first, last = (round(seconds / _HOP) for seconds in _BEATS)
    return correlation[first:last].max()


def _holds(power: np.ndarray, heard: np.ndarray) -> list[float]:
    logarithm = np.log(np.maximum(power, 1e-12))
    # Seven and more partials of a voice make the smooth shape; at the edges it leans to one side.
    fine = (logarithm - uniform_filter1d(logarithm, 9, axis=1))[:, 4:-4]
    fine -= fine.mean(axis=1, keepdims=True)
    fine /= np.sqrt((fine**2).sum(axis=1, keepdims=True)) + 1e-12
    # Frames that overlap are alike whatever is heard.
    steps = [round(seconds / _HOP) for seconds in _HOLDS]
    both = [heard[:-step] & heard[step:] for step in steps]
    products = [(fine[:-step] * fine[step:]).sum(axis=1) for step in steps]
    return [values[pairs].mean() if pairs.any() else np.nan for values, pairs in zip(products, both, strict=True)]
