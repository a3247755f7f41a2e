"""The task `events`: ten sounds of the street, each near or far, before a bed of other noise.

Each sound takes (habits of the source, chances of the clip, samples, sampling rate).
"""

import numpy as np
import pandas as pd
from scipy import fft

from mgc_keras.corpus.arrangement import Mix, arrange, draw_curve
from mgc_keras.corpus.composition import compose
from mgc_keras.corpus.genres import GENRES
from mgc_keras.corpus.instruments import Timbre, render_note
from mgc_keras.corpus.mixing import Studio, add_at, finish, loudness_of, mix_roles
from mgc_keras.corpus.rows import Row, class_table
from mgc_keras.corpus.seeds import generator, pick
from mgc_keras.corpus.voice import Singer, Syllable, vocalise

Random = np.random.Generator


def coloured_noise(n_samples: int, sampling_rate: int, rng: Random, slope: float, corner: float) -> np.ndarray:
    """Noise that falls by `slope` decibels per octave above `corner` Hz: float32, root mean square 1."""
    size = fft.next_fast_len(n_samples, real=True)
    spectrum = fft.rfft(rng.standard_normal(size, dtype=np.float32))
    frequencies = fft.rfftfreq(size, 1.0 / sampling_rate)
    octaves = np.log2(np.maximum(frequencies, 1.0) / corner)
    spectrum *= 10.0 ** (slope * np.maximum(octaves, 0.0) / 20.0) / (1.0 + (30.0 / np.maximum(frequencies, 1.0)) ** 2)
    wave = fft.irfft(spectrum, size)[:n_samples].astype(np.float32)
    return wave / np.float32(wave.std() + 1e-9)


def _hum(
    frequency: np.ndarray | float, n_partials: int, rolloff: float, n_samples: int, sampling_rate: int
) -> np.ndarray:
    """A harmonic tone whose frequency may change; partials above the band are left out."""
    cycles = np.cumsum(np.broadcast_to(np.asarray(frequency, np.float64), n_samples)) / sampling_rate
    highest = float(np.max(frequency))
    wave = np.zeros(n_samples, np.float32)
    for number in range(1, n_partials + 1):
        if number * highest < 0.47 * sampling_rate:
            wave += np.sin(2.0 * np.pi * ((number * cycles) % 1.0)).astype(np.float32) * np.float32(number**-rolloff)
    return wave


def _seconds(n_samples: int, sampling_rate: int) -> np.ndarray:
    return np.arange(n_samples) / sampling_rate


def air_conditioner(source: Random, clip: Random, n_samples: int, sampling_rate: int) -> np.ndarray:
    """A steady wind with the hum of a motor that beats slowly."""
    slope, corner = float(source.uniform(-7.0, -3.0)), float(source.uniform(200.0, 900.0))
    wind = coloured_noise(n_samples, sampling_rate, clip, slope, corner)
    mains = float(source.uniform(48.0, 62.0)) * int(source.integers(1, 3))
    hum = _hum(mains, 10, float(source.uniform(0.7, 1.3)), n_samples, sampling_rate)
    flutter = 1.0 + 0.12 * np.sin(2.0 * np.pi * source.uniform(0.4, 6.0) * _seconds(n_samples, sampling_rate))
    return (wind * flutter + float(source.uniform(0.1, 0.6)) * hum).astype(np.float32)


def car_horn(source: Random, clip: Random, n_samples: int, sampling_rate: int) -> np.ndarray:
    """One to four blasts of two reeds a third or so apart."""
    low = float(source.uniform(300.0, 460.0))
    high = low * float(source.uniform(1.18, 1.34))
    wave = np.zeros(n_samples, np.float32)
    time = float(clip.uniform(0.05, 0.6))
    while time * sampling_rate < n_samples - 200:
        held = float(clip.choice([0.15, 0.3, 0.8, 1.8])) * float(clip.uniform(0.8, 1.2))
        blast = int(held * sampling_rate)
        tone = _hum(low, 14, 0.35, blast, sampling_rate) + _hum(high, 14, 0.35, blast, sampling_rate)
        edge = min(int(0.015 * sampling_rate), blast // 3)
        tone[:edge] *= np.linspace(0.0, 1.0, edge, dtype=np.float32)
        tone[-edge:] *= np.linspace(1.0, 0.0, edge, dtype=np.float32)
        add_at(wave, tone, time, 1.0, sampling_rate)
        time += held + float(clip.uniform(0.12, 1.2))
    return wave


def children_playing(source: Random, clip: Random, n_samples: int, sampling_rate: int) -> np.ndarray:
    """Several high voices that call, laugh and shriek with wide glides, over each other."""
    wave = np.zeros(n_samples, np.float32)
    for _ in range(int(source.integers(3, 6))):
        child = Singer(True, float(source.uniform(1.3, 1.5)), 0.15, 6.0, 0.06, float(source.uniform(0.7, 1.0)), 64)
        calls, time = [], float(clip.uniform(0.0, 0.8))
        while time < n_samples / sampling_rate:
            kind = clip.random()
            for _ in range(int(clip.integers(3, 7)) if kind < 0.3 else int(clip.integers(1, 4))):
                length = 0.11 if kind < 0.3 else float(clip.uniform(0.12, 0.5))
                pitch = child.low + float(clip.uniform(0.0, 14.0))
                leap = float(clip.normal(0.0, 3.5))
                vowel = str(pick(clip, ("a", "e", "ai", "i", "o")))
                strength = float(clip.uniform(0.3, 1.0))
                calls.append(Syllable(time, 0.85 * length, pitch, pitch + leap, vowel, "", strength))
                time += length
            time += float(clip.uniform(0.1, 1.0))
        wave += vocalise(calls, child, n_samples, sampling_rate, clip) * np.float32(clip.uniform(0.3, 1.0))
    return wave


def dog_bark(source: Random, clip: Random, n_samples: int, sampling_rate: int) -> np.ndarray:
    """Barks in groups: a hoarse voice whose pitch leaps up and falls within a sixth of a second."""
    wave = np.zeros(n_samples, np.float32)
    base, hoarse = float(np.exp(source.uniform(np.log(180.0), np.log(650.0)))), float(source.uniform(0.3, 1.0))
    length, peak = float(source.uniform(0.11, 0.24)), float(source.uniform(700.0, 1500.0))
    time = float(clip.uniform(0.05, 0.5))
    while time * sampling_rate < n_samples:
        for _ in range(int(clip.integers(1, 4))):
            bark_length = length * float(clip.uniform(0.85, 1.15))
            n_bark = int(bark_length * sampling_rate)
            place = np.linspace(0.0, 1.0, n_bark)
            pitch = base * float(clip.uniform(0.9, 1.1)) * (0.75 + 0.9 * np.exp(-(((place - 0.25) / 0.28) ** 2)))
            numbers = np.arange(1, 25)
            weights = np.exp(-0.5 * (np.log2(numbers * base / peak) / 0.8) ** 2)
            cycles = np.cumsum(pitch) / sampling_rate
            audible = numbers * pitch.max() < 0.47 * sampling_rate
            voice = (np.sin(2.0 * np.pi * np.outer(numbers[audible], cycles)) * weights[audible, None]).sum(axis=0)
            breath = coloured_noise(n_bark, sampling_rate, clip, -4.0, peak)
            shape = np.minimum(place / 0.06, 1.0) * (1.0 - place) ** 1.3
            add_at(wave, ((voice + hoarse * breath) * shape).astype(np.float32), time, 1.0, sampling_rate)
            time += bark_length + float(clip.uniform(0.08, 0.3))
        time += float(clip.uniform(0.3, 1.4))
    return wave


def drilling(source: Random, clip: Random, n_samples: int, sampling_rate: int) -> np.ndarray:
    """A motor that runs up, whines, and sinks under load, with the grinding of the bit."""
    time = _seconds(n_samples, sampling_rate)
    knots = np.sort(clip.uniform(0.0, time[-1], 6))
    speed = np.interp(time, knots, clip.uniform(0.75, 1.1, 6)) * float(source.uniform(160.0, 420.0))
    motor = _hum(speed, 16, float(source.uniform(0.3, 0.8)), n_samples, sampling_rate)
    grind = coloured_noise(n_samples, sampling_rate, clip, -2.0, 1500.0)
    load = np.interp(time, knots, clip.uniform(0.3, 1.0, 6))
    chatter = 1.0 + 0.5 * np.sin(2.0 * np.pi * np.cumsum(speed) / sampling_rate / 4.0)
    running = np.interp(time, [0.0, 0.25 * clip.random() + 0.02], [0.0, 1.0])
    return ((motor + float(source.uniform(0.4, 1.2)) * load * grind * chatter) * running).astype(np.float32)


def engine_idling(source: Random, clip: Random, n_samples: int, sampling_rate: int) -> np.ndarray:
    """Firings 18 to 45 times a second, never quite even, and the rumble of the exhaust."""
    rate = float(source.uniform(18.0, 45.0))
    wander = np.interp(
        _seconds(n_samples, sampling_rate), np.linspace(0.0, n_samples / sampling_rate, 24), clip.normal(1.0, 0.03, 24)
    )
    firing = _hum(rate * wander, 40, float(source.uniform(0.5, 1.0)), n_samples, sampling_rate)
    rumble = coloured_noise(n_samples, sampling_rate, clip, float(source.uniform(-9.0, -5.0)), 120.0)
    puff = 1.0 + 0.8 * np.sin(2.0 * np.pi * np.cumsum(rate * wander) / sampling_rate)
    return (firing + float(source.uniform(0.5, 1.5)) * rumble * puff).astype(np.float32)


def gun_shot(source: Random, clip: Random, n_samples: int, sampling_rate: int) -> np.ndarray:
    """One shot or a few: a crack, a boom, and an echo from the houses."""
    wave = np.zeros(n_samples, np.float32)
    decay = float(np.exp(source.uniform(np.log(0.03), np.log(0.25))))
    echo_after, echo = float(source.uniform(0.12, 0.5)), float(source.uniform(0.05, 0.35))
    n_shot = min(int(6.0 * decay * sampling_rate) + 64, n_samples)
    fade = np.exp(-_seconds(n_shot, sampling_rate) / decay).astype(np.float32)
    time = float(clip.uniform(0.05, 0.25)) * n_samples / sampling_rate
    for _ in range(int(clip.choice([1, 1, 2, 3, 6]))):
        crack = coloured_noise(n_shot, sampling_rate, clip, float(source.uniform(-6.0, -2.0)), 500.0) * fade
        boom = np.sin(2.0 * np.pi * 70.0 * _seconds(n_shot, sampling_rate)).astype(np.float32) * fade
        shot = crack + np.float32(0.6) * boom
        add_at(wave, shot, time, 1.0, sampling_rate)
        add_at(wave, shot, time + echo_after, echo, sampling_rate)
        time += float(clip.uniform(0.12, 0.8))
    return wave


def jackhammer(source: Random, clip: Random, n_samples: int, sampling_rate: int) -> np.ndarray:
    """Blows of steel on stone 11 to 26 times a second, and the compressor beside."""
    rate, ring = float(source.uniform(11.0, 26.0)), float(source.uniform(900.0, 2600.0))
    steel = Timbre(decay=0.012, release=0.004, ratios=(1.0, 1.83, 2.61), attack=0.0005)
    pitch = 69.0 + 12.0 * np.log2(ring / 440.0)
    blow = render_note(steel, float(pitch), 0.03, sampling_rate, clip)
    dust = coloured_noise(blow.size, sampling_rate, clip, -3.0, 700.0)
    dust *= np.exp(-np.linspace(0.0, 6.0, blow.size, dtype=np.float32))
    blow = np.float32(source.uniform(0.3, 0.8)) * blow + dust
    wave = np.float32(0.08) * coloured_noise(n_samples, sampling_rate, clip, -5.0, 200.0)
    time, rest = float(clip.uniform(0.0, 0.3)), float(clip.uniform(1.0, 6.0))
    while time * sampling_rate < n_samples:
        add_at(wave, blow, time, float(clip.uniform(0.7, 1.0)), sampling_rate)
        time += float(clip.normal(1.0, 0.015)) / rate
        if time > rest:
            time += float(clip.uniform(0.2, 0.5))
            rest = time + float(clip.uniform(1.0, 4.0))
    return wave


def siren(source: Random, clip: Random, n_samples: int, sampling_rate: int) -> np.ndarray:
    """A wail, a yelp or two alternating tones, as the source's car has them."""
    phase = (_seconds(n_samples, sampling_rate) + float(clip.uniform(0.0, 5.0))) * float(clip.uniform(0.97, 1.03))
    low, high = float(source.uniform(420.0, 680.0)), float(source.uniform(1000.0, 1650.0))
    kind = int(source.integers(3))
    if kind == 2:
        pitch = np.where((phase / float(source.uniform(0.8, 1.4))) % 1.0 < 0.5, low, low * 1.33)
    else:
        rate = float(source.uniform(0.18, 0.4) if kind == 0 else source.uniform(2.2, 4.2))
        pitch = low * (high / low) ** (0.5 - 0.5 * np.cos(2.0 * np.pi * rate * phase))
    return _hum(pitch, 5, float(source.uniform(0.8, 1.8)), n_samples, sampling_rate)


def street_music(source: Random, clip: Random, n_samples: int, sampling_rate: int) -> np.ndarray:
    """A band in the street, any genre."""
    genre = pick(source, tuple(GENRES))
    played = arrange(genre, int(source.integers(2**31)), int(clip.integers(2**31)))
    composition = compose(played, int(np.ceil(n_samples / sampling_rate / played.seconds_per_bar)))
    return mix_roles(Studio(played, sampling_rate), composition, n_samples)


EVENTS = {
    sound.__name__: sound
    for sound in (
        air_conditioner, car_horn, children_playing, dog_bark, drilling, engine_idling, gun_shot, jackhammer, siren,
        street_music,
    )
}  # fmt: skip


def events_table(n_clips: int, seed: int) -> pd.DataFrame:
    """Return the table of the events task: `fold` 1 to 10, `artist` the source; clips of a source share a fold."""
    table = class_table("events", tuple(EVENTS), n_clips, seed, n_artists=10, seconds=4.0)
    table.insert(3, "fold", table["artist"].str.rsplit("_", n=1).str[-1].astype(int) + 1)
    return table


def render_event(row: Row, seconds: float, sampling_rate: int) -> np.ndarray:
    """Render a clip of the events task: float32, shape (n_samples,)."""
    source, clip = generator(int(row["artist_seed"]), "source"), generator(int(row["seed"]), "event")
    n_samples = int(round(seconds * sampling_rate))
    near = EVENTS[str(row["style"])](source, clip, n_samples, sampling_rate)
    far = coloured_noise(n_samples, sampling_rate, clip, float(clip.uniform(-6.0, -2.0)), 150.0)
    distance = float(clip.uniform(3.0, 24.0))
    near = near / np.float32(max(loudness_of(near), 1e-6))
    street = far * np.float32(10.0 ** (-distance / 20.0) / max(loudness_of(far), 1e-6))
    mix = Mix(
        tilt=float(np.clip(source.normal(0.0, 1.5) + clip.normal(0.0, 1.0), -4.0, 4.0)),
        curve=draw_curve(source, clip), reverb=float(source.uniform(0.0, 0.35)),
        reverb_time=float(source.uniform(0.2, 1.4)), peak=float(clip.uniform(0.2, 0.9)),
        noise=float(source.uniform(-70.0, -42.0)),
    )  # fmt: skip
    return finish(near + street, mix, sampling_rate, int(row["seed"]))
