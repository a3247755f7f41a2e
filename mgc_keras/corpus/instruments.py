"""Pitched instruments: wavetables whose spectrum mellows as a note goes on, and struck bars."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

TABLE_SIZE = 2048
MAX_PARTIALS = 48


@dataclass(frozen=True)
class Timbre:
    """How an instrument sounds."""

    rolloff: float = 1.2  # partial k starts with amplitude k ** -rolloff
    mellow: float = 0.6  # added to the roll-off once the attack is over
    mellowing: float = 0.2  # time constant in seconds of that change
    even: float = 1.0  # weight of the even partials (a clarinet has few)
    attack: float = 0.006  # seconds
    decay: float = 1.0  # time constant in seconds of the decay while held
    release: float = 0.06  # time constant in seconds after the end
    sustain: float = 0.0  # level, 0 to 1, at which the decay stops
    vibrato: float = 0.0  # depth in semitones
    vibrato_rate: float = 5.5  # Hz
    noise: float = 0.0  # amplitude of breath, bow or pick during the attack
    resonances: tuple[float, ...] = ()  # Hz at which the body lifts the partials
    detune: float = 0.0  # cents between two copies of the note; 0: one copy
    ratios: tuple[float, ...] = ()  # frequency ratios of struck bars, in place of the harmonic series
    electronic: bool = False  # whether listeners would call it so


TIMBRES: Mapping[str, Timbre] = {
    "piano": Timbre(1.3, 0.9, 0.35, decay=0.9, release=0.08, noise=0.05, detune=2.0),
    "electric_piano": Timbre(1.9, 1.0, 0.15, decay=1.1, release=0.10, resonances=(2100.0,), detune=3.0),
    "harpsichord": Timbre(0.8, 0.5, 0.3, decay=0.6, release=0.05, noise=0.12),
    "organ": Timbre(1.0, 0.0, even=0.8, attack=0.012, sustain=1.0, release=0.03, vibrato=0.12, vibrato_rate=6.3),
    "accordion": Timbre(0.8, 0.1, attack=0.035, sustain=0.95, release=0.05, detune=9.0, resonances=(1400.0,)),
    "acoustic_guitar": Timbre(1.1, 0.9, 0.12, decay=0.5, release=0.07, noise=0.12, resonances=(220.0, 900.0)),
    "banjo": Timbre(0.8, 1.0, 0.06, decay=0.18, release=0.05, noise=0.15, resonances=(700.0, 2200.0)),
    "electric_guitar": Timbre(1.1, 0.6, 0.2, decay=0.8, release=0.05, noise=0.06, resonances=(1100.0, 2600.0)),
    "distorted_guitar": Timbre(0.9, 0.2, 0.3, decay=2.5, sustain=0.5, release=0.04, noise=0.05),
    "steel_guitar": Timbre(1.2, 0.5, 0.4, decay=1.4, release=0.12, vibrato=0.3, vibrato_rate=5.0),
    "strings": Timbre(1.0, 0.1, attack=0.09, sustain=0.9, release=0.12, vibrato=0.15, noise=0.02, detune=7.0),
    "violin": Timbre(
        0.9, 0.1, attack=0.05, sustain=0.9, release=0.07, vibrato=0.35, noise=0.05, resonances=(450.0, 2700.0)
    ),
    "brass": Timbre(1.0, -0.2, 0.08, attack=0.03, sustain=0.85, release=0.05, resonances=(1200.0,), detune=4.0),
    "saxophone": Timbre(
        0.95, 0.2, attack=0.03, sustain=0.85, release=0.06, vibrato=0.3, noise=0.08, resonances=(600.0, 1500.0)
    ),
    "clarinet": Timbre(1.1, 0.2, even=0.15, attack=0.03, sustain=0.9, release=0.05, vibrato=0.1, noise=0.04),
    "flute": Timbre(2.0, 0.2, attack=0.05, sustain=0.9, release=0.06, vibrato=0.25, noise=0.22),
    "harmonica": Timbre(
        0.7, 0.1, attack=0.03, sustain=0.9, release=0.05, vibrato=0.3, noise=0.1, detune=5.0, resonances=(1800.0,)
    ),
    "vibraphone": Timbre(decay=1.2, release=0.3, ratios=(1.0, 3.98, 10.1), vibrato_rate=5.0),
    "steel_drum": Timbre(decay=0.5, release=0.15, ratios=(1.0, 2.0, 3.02, 4.1)),
    "synth_lead": Timbre(
        0.8, 0.4, 0.3, attack=0.008, sustain=0.8, release=0.05, vibrato=0.15, detune=8.0, electronic=True
    ),
    "synth_pad": Timbre(1.3, 0.2, attack=0.15, sustain=0.95, release=0.2, detune=12.0, electronic=True),
    "synth_pluck": Timbre(0.7, 1.6, 0.08, decay=0.25, release=0.05, detune=6.0, electronic=True),
    "upright_bass": Timbre(1.5, 0.9, 0.08, decay=0.45, release=0.06, noise=0.10, resonances=(120.0, 300.0)),
    "electric_bass": Timbre(1.2, 0.9, 0.15, decay=0.9, release=0.04, noise=0.05),
    "synth_bass": Timbre(0.9, 0.9, 0.12, decay=0.6, sustain=0.3, release=0.03, electronic=True),
    "sub_bass": Timbre(2.6, 1.0, 0.1, decay=1.1, release=0.08, electronic=True),
    "cello_bass": Timbre(1.1, 0.2, attack=0.07, sustain=0.9, release=0.1, vibrato=0.15, noise=0.03, detune=6.0),
    "tuba": Timbre(1.4, 0.2, attack=0.03, sustain=0.7, release=0.05, noise=0.03),
}


def artists_own(timbre: Timbre, rng: np.random.Generator) -> Timbre:
    """Return the instrument as one artist owns and plays it: darker or brighter, softer or harder, another body."""
    shift = float(np.exp(rng.normal(0.0, 0.12)))
    return replace(
        timbre,
        rolloff=max(0.4, timbre.rolloff + float(rng.normal(0.0, 0.22))),
        mellow=timbre.mellow + float(rng.normal(0.0, 0.12)),
        attack=timbre.attack * float(np.exp(rng.normal(0.0, 0.3))),
        decay=timbre.decay * float(np.exp(rng.normal(0.0, 0.25))),
        vibrato=timbre.vibrato * float(np.exp(rng.normal(0.0, 0.4))),
        noise=timbre.noise * float(np.exp(rng.normal(0.0, 0.4))),
        detune=timbre.detune * float(np.exp(rng.normal(0.0, 0.4))),
        resonances=tuple(peak * shift for peak in timbre.resonances),
    )


def wavetable(timbre: Timbre, frequency: float, sampling_rate: int, rolloff: float) -> np.ndarray:
    """Return one period of the band-limited wave, shape (TABLE_SIZE,), float32, root mean square 1."""
    n_partials = max(1, min(MAX_PARTIALS, int(0.46 * sampling_rate / frequency)))
    numbers = np.arange(1, n_partials + 1)
    amplitudes = numbers ** -float(max(rolloff, 0.3))
    amplitudes[1::2] *= timbre.even
    for peak in timbre.resonances:
        amplitudes *= 1.0 + 1.8 * np.exp(-0.5 * (np.log2(numbers * frequency / peak) / 0.3) ** 2)
    spectrum = np.zeros(TABLE_SIZE // 2 + 1, complex)
    # Quadratic phases spread the energy over the period: no spikes that would waste the headroom.
    spectrum[1 : n_partials + 1] = amplitudes * np.exp(1j * np.pi * numbers**2 / n_partials)
    table = np.fft.irfft(spectrum)
    return (table / np.sqrt(np.mean(table**2))).astype(np.float32)


def envelope(timbre: Timbre, seconds: float, sampling_rate: int) -> np.ndarray:
    """Return attack, decay and release of a note held for `seconds`: float32, silence at both ends."""
    n_held = max(int(seconds * sampling_rate), 8)
    n_release = int(3.5 * timbre.release * sampling_rate) + 1
    time = np.arange(n_held + n_release, dtype=np.float32) / np.float32(sampling_rate)
    shape = timbre.sustain + (1.0 - timbre.sustain) * np.exp(time * np.float32(-1.0 / timbre.decay))
    n_attack = min(max(int(timbre.attack * sampling_rate), 2), n_held)
    shape[:n_attack] *= np.linspace(0.0, 1.0, n_attack, dtype=np.float32)
    shape[n_held:] *= np.exp(np.linspace(0.0, -3.5, n_release, dtype=np.float32)) * np.linspace(
        1.0, 0.0, n_release, dtype=np.float32
    )
    return shape.astype(np.float32)


def render_note(
    timbre: Timbre, pitch: float, seconds: float, sampling_rate: int, rng: np.random.Generator
) -> np.ndarray:
    """Render a note of a MIDI pitch, held for `seconds`, and its release: float32, shape (n_samples,)."""
    frequency = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
    shape = envelope(timbre, seconds, sampling_rate)
    time = np.arange(shape.size, dtype=np.float32) / np.float32(sampling_rate)
    if timbre.ratios:
        return _struck_bar(timbre, frequency, time, sampling_rate) * shape
    cycles = time * np.float32(frequency)
    if timbre.vibrato > 0.01:
        # The phase of a frequency that swings: the integral of the swing, growing in over a quarter of a second.
        swing = timbre.vibrato * np.log(2.0) / 12.0 * frequency / (2.0 * np.pi * timbre.vibrato_rate)
        grow = np.minimum(time * np.float32(4.0), np.float32(1.0))
        cycles += grow * np.float32(swing) * np.sin(time * np.float32(2.0 * np.pi * timbre.vibrato_rate))
    bright = wavetable(timbre, frequency, sampling_rate, timbre.rolloff)
    mellow = wavetable(timbre, frequency, sampling_rate, timbre.rolloff + timbre.mellow)
    fade = np.exp(time * np.float32(-1.0 / timbre.mellowing))
    wave = _read(mellow, cycles)
    wave += fade * (_read(bright, cycles) - wave)
    if timbre.detune > 0.5:
        wave += _read(mellow, cycles * np.float32(2.0 ** (timbre.detune / 1200.0)))
        wave *= np.float32(0.7)
    if timbre.noise > 0.005:
        n_noise = min(shape.size, int(0.06 * sampling_rate) if timbre.sustain < 0.5 else shape.size)
        breath = rng.standard_normal(n_noise, dtype=np.float32) * np.float32(timbre.noise * 1.5)
        wave[:n_noise] += breath * (fade[:n_noise] if timbre.sustain < 0.5 else np.float32(0.4))
    return wave * shape


def _read(table: np.ndarray, cycles: np.ndarray) -> np.ndarray:
    return table[(cycles * np.float32(TABLE_SIZE)).astype(np.int32) & (TABLE_SIZE - 1)]


def _struck_bar(timbre: Timbre, frequency: float, time: np.ndarray, sampling_rate: int) -> np.ndarray:
    wave = np.zeros_like(time)
    for number, ratio in enumerate(timbre.ratios):
        if ratio * frequency < 0.46 * sampling_rate:
            fade = np.exp(time * np.float32(-number * 5.0)) * np.float32(0.75**number)
            wave += fade * np.sin(time * np.float32(2.0 * np.pi * frequency * ratio))
    return wave
