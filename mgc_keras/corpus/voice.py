"""The human voice: a glottal wave and breath, shaped by the formants of vowels, with consonants of noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import sosfilt

from mgc_keras.corpus.instruments import TABLE_SIZE, Timbre, wavetable

# Formant frequencies in Hz of a man's vowels, rounded means; a woman's lie about a sixth higher.
VOWELS: Mapping[str, tuple[float, float, float, float]] = {
    "a": (730.0, 1090.0, 2440.0, 3400.0),
    "e": (530.0, 1840.0, 2480.0, 3500.0),
    "i": (270.0, 2290.0, 3010.0, 3600.0),
    "o": (570.0, 840.0, 2410.0, 3300.0),
    "u": (300.0, 870.0, 2240.0, 3200.0),
}
BANDWIDTHS = (70.0, 90.0, 130.0, 200.0)


@dataclass(frozen=True)
class Singer:
    """A voice."""

    female: bool
    formant_scale: float  # factor on the formants of `VOWELS` (a shorter throat has higher ones)
    vibrato: float  # depth in semitones
    vibrato_rate: float  # Hz
    breath: float  # share of noise in the vowels
    rolloff: float  # steepness of the glottal spectrum: pressed voices are flatter
    low: int  # lowest MIDI pitch it likes


@dataclass(frozen=True)
class Syllable:
    """One syllable: seconds, MIDI pitch at start and end, one or two keys of `VOWELS`, consonant s, f, t, m or none."""

    start: float
    length: float
    pitch: float
    end_pitch: float
    vowel: str
    consonant: str
    strength: float = 1.0


def draw_singer(rng: np.random.Generator) -> Singer:
    """Draw a voice."""
    woman = bool(rng.random() < 0.5)
    return Singer(
        female=woman,
        formant_scale=float((1.16 if woman else 1.0) * np.exp(rng.normal(0.0, 0.035))),
        vibrato=float(rng.uniform(0.25, 0.7)),
        vibrato_rate=float(rng.uniform(4.8, 6.6)),
        breath=float(rng.uniform(0.02, 0.12)),
        rolloff=float(rng.uniform(0.7, 1.3)),
        low=int(rng.integers(55, 60) if woman else rng.integers(44, 50)),
    )


def sung_syllables(notes: Sequence[tuple[float, float, float]], rng: np.random.Generator) -> list[Syllable]:
    """Put words to notes of (start seconds, length seconds, MIDI pitch): open vowels on long notes."""
    syllables = []
    for start, length, pitch in notes:
        vowels = "aaoei" if length > 0.4 else "aeiou"
        consonant = ("", "s", "t", "m", "f", "m")[int(rng.integers(6))]
        vowel = vowels[int(rng.integers(5))]
        syllables.append(Syllable(start, 0.95 * length, pitch, pitch, vowel, consonant, float(rng.uniform(0.8, 1.0))))
    return syllables


def vocalise(
    syllables: Sequence[Syllable], singer: Singer, n_samples: int, sampling_rate: int, rng: np.random.Generator
) -> np.ndarray:
    """Sing or speak syllables (sorted by start): float32, shape (n_samples,), vowels of root mean square 1."""
    out = np.zeros(n_samples, np.float32)
    if not syllables:
        return out
    source = _glottal_wave(syllables, singer, n_samples, sampling_rate)
    source += rng.standard_normal(n_samples, dtype=np.float32) * np.float32(singer.breath)
    spans = [(int(s.start * sampling_rate), int(s.length * sampling_rate), s) for s in syllables]
    spans = [(begin, held, syllable) for begin, held, syllable in spans if begin < n_samples and held >= 16]
    for begin, held, syllable in spans:
        segment = source[begin : begin + held] * _swell(held, syllable, sampling_rate)[: n_samples - begin]
        vowel = formant_filter(segment, syllable.vowel[0], singer.formant_scale, sampling_rate)
        if len(syllable.vowel) > 1:
            glide = np.linspace(0.0, 1.0, segment.size, dtype=np.float32)
            vowel += glide * (formant_filter(segment, syllable.vowel[1], singer.formant_scale, sampling_rate) - vowel)
        out[begin : begin + segment.size] += vowel
    out /= np.float32(max(float(np.sqrt(np.mean(out**2))), 1e-6))
    hiss = _hiss(sampling_rate, rng)
    for begin, _, syllable in spans:
        if syllable.consonant in hiss:
            burst = hiss[syllable.consonant]
            place = max(0, begin - int(0.75 * burst.size))
            burst = burst[: n_samples - place]
            out[place : place + burst.size] += burst * np.float32(syllable.strength)
    return out


def formant_filter(wave: np.ndarray, vowel: str, scale: float, sampling_rate: int) -> np.ndarray:
    """Send `wave` through the four resonances of a vowel; a resonance above the band is left out."""
    sections = []
    for frequency, bandwidth in zip(VOWELS[vowel], BANDWIDTHS, strict=True):
        angle = 2.0 * np.pi * frequency * scale / sampling_rate
        if angle < 0.95 * np.pi:
            radius = np.exp(-np.pi * bandwidth * scale / sampling_rate)
            poles = (1.0, -2.0 * radius * np.cos(angle), radius**2)
            sections.append([sum(poles), 0.0, 0.0, *poles])
    return sosfilt(np.array(sections, np.float32), wave).astype(np.float32)


def _glottal_wave(syllables: Sequence[Syllable], singer: Singer, n_samples: int, sampling_rate: int) -> np.ndarray:
    """The pitch glides from syllable to syllable and swings in long ones; the wave never jumps in phase."""
    times, swing_times, swings = [], [], []
    pitches = [syllables[0].pitch]
    for syllable in syllables:
        end = syllable.start + syllable.length
        glide = min(0.06, 0.3 * syllable.length)
        times += [syllable.start, syllable.start + glide, end]
        pitches += [pitches[-1], syllable.pitch, syllable.end_pitch]
        swing_times += [syllable.start, syllable.start + 0.18, max(end, syllable.start + 0.36)]
        swings += [0.0, 0.2, 1.0 if syllable.length > 0.3 else 0.3]
    seconds = np.arange(n_samples) / sampling_rate
    # Pitch moves slowly: a hundredth of the samples describe it, the rest lie between.
    coarse = seconds[::64]
    pitch = np.interp(coarse, times, pitches[1:])
    depth = singer.vibrato * np.interp(coarse, np.maximum.accumulate(swing_times), swings)
    pitch += depth * np.sin(2.0 * np.pi * singer.vibrato_rate * coarse)
    frequency = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
    cycles = np.cumsum(np.interp(seconds, coarse, frequency)) / sampling_rate
    lowest = 440.0 * 2.0 ** ((min(pitches) - 69.0) / 12.0)
    table = wavetable(Timbre(), 1.3 * lowest, sampling_rate, singer.rolloff)
    return table[(np.mod(cycles, 1.0) * TABLE_SIZE).astype(np.int32) & (TABLE_SIZE - 1)].copy()


def _swell(n_samples: int, syllable: Syllable, sampling_rate: int) -> np.ndarray:
    rise = min(int((0.06 if syllable.consonant == "m" else 0.025) * sampling_rate), n_samples // 3)
    fall = min(int(0.05 * sampling_rate), n_samples // 3)
    shape = np.full(n_samples, syllable.strength, np.float32)
    shape[:rise] *= np.linspace(0.0, 1.0, rise, dtype=np.float32)
    shape[n_samples - fall :] *= np.linspace(1.0, 0.0, fall, dtype=np.float32)
    return shape


def _hiss(sampling_rate: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The noise of s (long, high), f (long, flat, soft) and t (short)."""
    noise = rng.standard_normal(int(0.11 * sampling_rate), dtype=np.float32)
    # Twice differenced: white noise becomes the high hiss of an s; its level lies below that of the vowels.
    high = np.diff(noise, 2, prepend=noise[:2])
    window = np.hanning(noise.size).astype(np.float32)
    n_short = int(0.03 * sampling_rate)
    short = np.exp(-np.arange(n_short, dtype=np.float32) / np.float32(0.25 * n_short))
    return {"s": 0.5 * high * window, "f": 0.3 * noise * window, "t": 0.9 * np.diff(noise[: n_short + 1]) * short}
