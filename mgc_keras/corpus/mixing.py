"""From notes to samples: every distinct note and hit is rendered once, mixed wherever it sounds, then mastered."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import fft

from mgc_keras.corpus import drums, instruments
from mgc_keras.corpus.arrangement import EQUALISER, Arrangement, Mix
from mgc_keras.corpus.composition import Composition, Hit, Tone, compose
from mgc_keras.corpus.seeds import generator
from mgc_keras.corpus.voice import sung_syllables, vocalise

# Decibels of each role's root mean square while it sounds.
LEVELS = {"drums": -1.0, "bass": -3.0, "comp": -6.0, "second": -9.0, "pad": -11.0, "lead": -5.0, "voice": 0.0}
DRUM_GAINS = {
    "kick": 1.2, "snare": 0.8, "hat": 0.28, "ride": 0.32, "open_hat": 0.3, "crash": 0.45, "clave": 0.5, "shaker": 0.3,
    "brush": 0.3, "tambourine": 0.3, "guiro": 0.35, "surdo": 1.2, "timpani": 1.0,
}  # fmt: skip


@dataclass
class Studio:
    """The instruments of one clip, with all notes rendered so far."""

    arrangement: Arrangement
    sampling_rate: int
    _rendered: dict[Any, np.ndarray] = field(default_factory=dict)
    _timbres: dict[str, instruments.Timbre] = field(default_factory=dict)

    def timbre(self, instrument: str) -> instruments.Timbre:
        """Return the instrument as this clip's artist plays it."""
        if instrument not in self._timbres:
            rng = generator(self.arrangement.artist_seed, "timbre", instrument)
            self._timbres[instrument] = instruments.artists_own(instruments.TIMBRES[instrument], rng)
        return self._timbres[instrument]

    def note(self, instrument: str, pitch: int, seconds: float) -> np.ndarray:
        """Return a note, its length rounded to 1/50 s so that equal notes are rendered once."""
        key = (instrument, pitch, max(2, round(50.0 * seconds)))
        if key not in self._rendered:
            rng = generator(self.arrangement.seed, "note", *key)
            tuned = pitch + self.arrangement.cents / 100.0
            timbre, held = self.timbre(instrument), key[2] / 50.0
            self._rendered[key] = instruments.render_note(timbre, tuned, held, self.sampling_rate, rng)
        return self._rendered[key]

    def hit(self, drum: str) -> np.ndarray:
        """Return a drum hit of the artist's kit."""
        if drum not in self._rendered:
            name = self.arrangement.kit
            kit = drums.artists_own(drums.KITS[name], generator(self.arrangement.artist_seed, "kit", name))
            rng = generator(self.arrangement.seed, "hit", drum)
            self._rendered[drum] = drums.render_hit(drum, kit, self.sampling_rate, rng)
        return self._rendered[drum]


def add_at(track: np.ndarray, sound: np.ndarray, seconds: float, gain: float, sampling_rate: int) -> None:
    """Add `sound` to `track` from `seconds` on; what reaches beyond the end is cut."""
    begin = int(seconds * sampling_rate)
    if 0 <= begin < track.size:
        heard = sound[: track.size - begin]
        track[begin : begin + heard.size] += heard * np.float32(gain)


def drum_track(studio: Studio, hits: list[Hit], n_samples: int) -> np.ndarray:
    """Mix drum hits: float32, shape (n_samples,)."""
    track = np.zeros(n_samples, np.float32)
    for seconds, drum, force in hits:
        add_at(track, studio.hit(drum), seconds, force * DRUM_GAINS.get(drum, 0.55), studio.sampling_rate)
    return track


def tone_track(studio: Studio, instrument: str, tones: list[Tone], n_samples: int) -> np.ndarray:
    """Mix the tones of one instrument: float32, shape (n_samples,)."""
    track = np.zeros(n_samples, np.float32)
    for seconds, length, pitch, force in tones:
        if seconds * studio.sampling_rate < n_samples:
            add_at(track, studio.note(instrument, pitch, length), seconds, force, studio.sampling_rate)
    if instrument == "distorted_guitar":
        # An overdriven amplifier: strings clip together, which makes the sums and differences of their partials.
        track = np.tanh(track * np.float32(4.0 / max(loudness_of(track), 1e-6) * 0.5))
    return track


def loudness_of(track: np.ndarray) -> float:
    """Return the root mean square of the parts of `track` that are not silent."""
    usable = track[: track.size // 512 * 512].reshape(-1, 512)
    power = np.einsum("ij,ij->i", usable, usable) / 512.0 if usable.size else np.zeros(1)
    sounding = power[power > 0.01 * power.max()] if power.max() > 0 else power
    return float(np.sqrt(sounding.mean()))


def mix_roles(studio: Studio, composition: Composition, n_samples: int) -> np.ndarray:
    """Mix all roles of a composition at the artist's levels: float32, shape (n_samples,), not yet mastered."""
    arrangement, balance = studio.arrangement, dict(studio.arrangement.mix.balance)
    tracks = {"drums": drum_track(studio, composition.hits, n_samples)} if composition.hits else {}
    for role, tones in composition.tones.items():
        if not tones:
            continue
        if role == "voice" and arrangement.singer:
            rng = generator(arrangement.seed, "singing")
            syllables = sung_syllables([(begin, length, pitch) for begin, length, pitch, _ in tones], rng)
            tracks[role] = vocalise(syllables, arrangement.singer, n_samples, studio.sampling_rate, rng)
        else:
            tracks[role] = tone_track(studio, str(getattr(arrangement, role)), tones, n_samples)
    mixed = np.zeros(n_samples, np.float32)
    for role, track in tracks.items():
        level = loudness_of(track)
        if level > 0:
            mixed += track * np.float32(10.0 ** ((LEVELS[role] + balance.get(role, 0.0)) / 20.0) / level)
    return mixed


def _gain(mix: Mix, frequencies: np.ndarray) -> np.ndarray:
    """The equaliser's factor at each frequency: tilt and curve, little above the ceiling or below 25 Hz."""
    octaves = np.log2(np.maximum(frequencies, 20.0) / 800.0)
    decibels = mix.tilt * octaves + np.interp(octaves, np.log2(np.array(EQUALISER) / 800.0), mix.curve)
    edges = (1.0 + (25.0 / np.maximum(frequencies, 1e-3)) ** 6) * np.sqrt(1.0 + (frequencies / mix.ceiling) ** 16)
    return 10.0 ** (decibels / 20.0) / edges


def master(mixed: np.ndarray, mix: Mix, sampling_rate: int, seed: int) -> np.ndarray:
    """Compress, equalise, add the room and tape noise, and set the peak: float32 below 1, no offset, no clipping."""
    level = loudness_of(mixed)
    if level <= 0:
        return mixed
    compressed = np.tanh(mixed * np.float32((0.15 + 1.1 * mix.drive) / level))
    return finish(compressed, mix, sampling_rate, seed)


def finish(wave: np.ndarray, mix: Mix, sampling_rate: int, seed: int) -> np.ndarray:
    """Do what `master` does, except the compression. `wave` is not silent."""
    rng = generator(seed, "master")
    n_room = int(mix.reverb_time * sampling_rate)
    size = fft.next_fast_len(wave.size + n_room, real=True)
    coarse = np.geomspace(1.0, 0.5 * sampling_rate, 400)
    frequencies = fft.rfftfreq(size, 1.0 / sampling_rate)
    gain = np.interp(frequencies, coarse, _gain(mix, coarse)).astype(np.float32)
    gain[0] = 0.0
    spectrum = fft.rfft(wave, size) * gain
    if mix.reverb > 0.01:
        fall = np.exp(np.linspace(0.0, -6.9, n_room, dtype=np.float32))
        room = rng.standard_normal(n_room, dtype=np.float32) * fall
        room[: int(0.012 * sampling_rate)] = 0.0
        room *= np.float32(mix.reverb / np.sqrt(np.sum(room**2)))
        spectrum *= fft.rfft(room, size) + np.float32(1.0 - mix.reverb)
    out = fft.irfft(spectrum, size)[: wave.size].astype(np.float32)
    floor = _noise_floor(mix, out.size, sampling_rate, rng)
    out += floor * np.float32(10.0 ** (mix.noise / 20.0) * float(np.abs(out).max()))
    fade = min(int(0.005 * sampling_rate), out.size // 2)
    out[:fade] *= np.linspace(0.0, 1.0, fade, dtype=np.float32)
    out[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    out -= np.float32(out.mean(dtype=np.float64))
    return out * np.float32(mix.peak / max(float(np.abs(out).max()), 1e-9))


def _noise_floor(mix: Mix, n_samples: int, sampling_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Coloured noise, root mean square about 1: two seconds, repeated, since nobody hears tape noise come round."""
    n_loop = 2 * sampling_rate
    spectrum = fft.rfft(rng.standard_normal(n_loop, dtype=np.float32))
    octaves = np.log2(np.maximum(fft.rfftfreq(n_loop, 1.0 / sampling_rate), 20.0))
    gain = 10.0 ** (np.interp(octaves, np.log2(np.array(EQUALISER)), mix.noise_curve) / 20.0)
    loop = fft.irfft(spectrum * gain.astype(np.float32), n_loop).astype(np.float32)
    return np.resize(loop / np.float32(loop.std() + 1e-9), n_samples)


def render_arrangement(
    arrangement: Arrangement, composition: Composition, n_samples: int, sampling_rate: int
) -> np.ndarray:
    """Render a composition with an arrangement's instruments and mix: float32, shape (n_samples,), peak below 1."""
    mixed = mix_roles(Studio(arrangement, sampling_rate), composition, n_samples)
    return master(mixed, arrangement.mix, sampling_rate, arrangement.seed)


def play(arrangement: Arrangement, seconds: float, sampling_rate: int) -> np.ndarray:
    """Compose and render `seconds` of an arrangement: float32, shape (n_samples,)."""
    composition = compose(arrangement, int(np.ceil(seconds / arrangement.seconds_per_bar)))
    return render_arrangement(arrangement, composition, int(round(seconds * sampling_rate)), sampling_rate)
