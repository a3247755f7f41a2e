"""Drum kits and hand percussion: each hit is noise, swept sines or struck metal, rendered once and mixed many times."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Kit:
    """A drum kit: pitches in Hz, time constants of decays in seconds."""

    kick_pitch: float = 58.0  # at rest
    kick_sweep: float = 90.0  # added at the start
    kick_decay: float = 0.12
    snare_pitch: float = 190.0  # of the shell
    snare_decay: float = 0.11
    snare_noise: float = 0.6  # share of the wires, 0 to 1
    hat_decay: float = 0.03
    hat_pitch: float = 3000.0  # lower edge of the noise of a closed hi-hat
    click: float = 0.2  # beater noise of the kick
    electronic: bool = False


KITS: Mapping[str, Kit] = {
    "acoustic": Kit(),
    "rock": Kit(55.0, 110.0, 0.13, 180.0, 0.15, 0.65, 0.04, 2700.0, 0.35),
    "metal": Kit(62.0, 160.0, 0.07, 200.0, 0.13, 0.7, 0.04, 2800.0, 0.8),
    "brushes": Kit(60.0, 50.0, 0.10, 210.0, 0.09, 0.9, 0.03, 2600.0, 0.05),
    "disco": Kit(60.0, 100.0, 0.10, 200.0, 0.10, 0.6, 0.025, 3200.0, 0.3),
    "machine": Kit(48.0, 80.0, 0.30, 180.0, 0.12, 0.75, 0.02, 3600.0, 0.15, True),
    "dance_machine": Kit(50.0, 180.0, 0.16, 210.0, 0.09, 0.8, 0.022, 3400.0, 0.3, True),
    "dub": Kit(52.0, 60.0, 0.16, 230.0, 0.08, 0.5, 0.028, 3000.0, 0.1),
}
# name: (frequency Hz, decay s, share of noise, sweep Hz, overtone ratio)
_SKINS = {
    "tom_high": (150.0, 0.16, 0.10, 40.0, 1.5),
    "tom_low": (95.0, 0.20, 0.10, 30.0, 1.5),
    "conga_high": (320.0, 0.10, 0.12, 20.0, 1.9),
    "conga_low": (205.0, 0.15, 0.08, 15.0, 1.9),
    "bongo": (480.0, 0.06, 0.15, 30.0, 1.6),
    "timbale": (620.0, 0.09, 0.25, 10.0, 2.3),
    "surdo": (70.0, 0.28, 0.05, 15.0, 1.6),
    "timpani": (98.0, 0.45, 0.08, 6.0, 1.5),
    "rim": (780.0, 0.025, 0.35, 0.0, 2.2),
    "clave": (2350.0, 0.035, 0.02, 0.0, 1.5),
    "cowbell": (560.0, 0.09, 0.05, 0.0, 1.51),
    "tamborim": (900.0, 0.03, 0.4, 0.0, 1.7),
    "woodblock": (1150.0, 0.03, 0.05, 0.0, 1.4),
}
# name: (decay s, lower edge Hz, attack s)
_NOISES = {
    "open_hat": (0.22, None, 0.001),
    "shaker": (0.035, 3500.0, 0.02),
    "guiro": (0.12, 2500.0, 0.01),
    "clap": (0.09, 900.0, 0.001),
    "crash": (0.8, 2200.0, 0.002),
    "brush": (0.10, 1500.0, 0.03),
    "tambourine": (0.08, 3800.0, 0.003),
    "march_snare": (0.07, 1000.0, 0.001),
}
DRUMS = ("kick", "snare", "hat", "ride", *_SKINS, *_NOISES)


def artists_own(kit: Kit, rng: np.random.Generator) -> Kit:
    """Return the kit as one artist tunes and damps it."""
    names = ("kick_pitch", "kick_sweep", "kick_decay", "snare_pitch", "snare_decay", "hat_decay", "hat_pitch", "click")
    factors = np.exp(rng.normal(0.0, 0.16, len(names)))
    changed: dict[str, Any] = {name: float(getattr(kit, name) * factor) for name, factor in zip(names, factors)}
    return replace(kit, **changed, snare_noise=float(np.clip(kit.snare_noise + rng.normal(0.0, 0.12), 0.2, 0.95)))


def render_hit(name: str, kit: Kit, sampling_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Render one hit of drum `name` (see `DRUMS`): float32, shape (n_samples,), peak about 1."""
    if name == "kick":
        wave = _skin(kit.kick_pitch, kit.kick_decay, 0.0, kit.kick_sweep, 0.0, sampling_rate, rng)
        n_click = int(0.012 * sampling_rate)
        wave[:n_click] += _noise(n_click, 600.0, sampling_rate, rng) * np.float32(kit.click) * _fall(n_click, 0.25)
    elif name == "snare":
        shell = _skin(kit.snare_pitch, 0.6 * kit.snare_decay, 0.0, 20.0, 1.7, sampling_rate, rng)
        wires = _burst(0.7 * kit.snare_decay, 900.0, 0.001, sampling_rate, rng)
        wave = np.float32(kit.snare_noise) * wires
        wave[: shell.size] += np.float32(1.0 - kit.snare_noise) * shell[: wave.size]
    elif name == "hat":
        wave = _burst(kit.hat_decay, kit.hat_pitch, 0.001, sampling_rate, rng)
    elif name == "ride":
        wave = 0.5 * _burst(0.35, kit.hat_pitch, 0.001, sampling_rate, rng)
        ping = _skin(0.85 * kit.hat_pitch, 0.08, 0.0, 0.0, 1.42, sampling_rate, rng)
        wave[: ping.size] += 0.35 * ping
    elif name in _SKINS:
        frequency, decay, noise, sweep, overtone = _SKINS[name]
        wave = _skin(frequency * kit.snare_pitch / 190.0, decay, noise, sweep, overtone, sampling_rate, rng)
    else:
        decay, edge, attack = _NOISES[name]
        wave = _burst(decay, edge or kit.hat_pitch, attack, sampling_rate, rng)
        if name in ("clap", "guiro"):
            wave = _stuttered(wave, 0.011 if name == "clap" else 0.02, sampling_rate)
    return (wave / max(float(np.abs(wave).max()), 1e-6)).astype(np.float32)


def _fall(n_samples: int, fraction: float) -> np.ndarray:
    return np.exp(-np.arange(n_samples, dtype=np.float32) / np.float32(fraction * n_samples))


def _noise(n_samples: int, lower_edge: float, sampling_rate: int, rng: np.random.Generator) -> np.ndarray:
    """White noise without what lies below the lower edge (cut in the spectrum: exact, and fast for short noises)."""
    size = 1 << max(n_samples - 1, 1).bit_length()
    spectrum = np.fft.rfft(rng.standard_normal(size))
    frequencies = np.fft.rfftfreq(size, 1.0 / sampling_rate)
    edge = min(lower_edge, 0.4 * sampling_rate)
    spectrum *= 1.0 / (1.0 + (edge / np.maximum(frequencies, 1.0)) ** 4)
    wave = np.fft.irfft(spectrum)[:n_samples]
    return (wave / (3.0 * wave.std() + 1e-9)).astype(np.float32)


def _burst(decay: float, lower_edge: float, attack: float, sampling_rate: int, rng: np.random.Generator) -> np.ndarray:
    n_samples = int(4.0 * decay * sampling_rate) + int(attack * sampling_rate) + 16
    wave = _noise(n_samples, lower_edge, sampling_rate, rng)
    n_attack = max(int(attack * sampling_rate), 1)
    wave[:n_attack] *= np.linspace(0.0, 1.0, n_attack, dtype=np.float32)
    wave[n_attack:] *= _fall(n_samples - n_attack, decay * sampling_rate / (n_samples - n_attack))
    wave[-16:] *= np.linspace(1.0, 0.0, 16, dtype=np.float32)
    return wave


def _skin(
    frequency: float,
    decay: float,
    noise: float,
    sweep: float,
    overtone: float,
    sampling_rate: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """A struck membrane or bar: a sine that falls from `frequency + sweep`, one overtone, a burst of noise."""
    n_samples = int(4.5 * decay * sampling_rate) + 16
    time = np.arange(n_samples, dtype=np.float32) / np.float32(sampling_rate)
    settle = 0.03
    cycles = frequency * time + sweep * settle * (1.0 - np.exp(-time / settle))
    fade = np.exp(-time / np.float32(decay))
    wave = np.sin(np.float32(2.0 * np.pi) * cycles) * fade
    if overtone and overtone * (frequency + sweep) < 0.45 * sampling_rate:
        wave += np.float32(0.5) * np.sin(np.float32(2.0 * np.pi * overtone) * cycles) * fade**2
    if noise:
        wave += np.float32(noise) * _noise(n_samples, 800.0, sampling_rate, rng) * fade**3
    wave[:8] *= np.linspace(0.0, 1.0, 8, dtype=np.float32)
    wave[-16:] *= np.linspace(1.0, 0.0, 16, dtype=np.float32)
    return wave.astype(np.float32)


def _stuttered(wave: np.ndarray, gap: float, sampling_rate: int) -> np.ndarray:
    step = int(gap * sampling_rate)
    out = np.zeros(wave.size + 3 * step, np.float32)
    for number in range(4):
        out[number * step : number * step + wave.size] += wave * np.float32(0.4 if number < 3 else 1.0)
    return out
