"""The task `speech_music`: talk and music, and how talk is made."""

from dataclasses import replace

import numpy as np

from mgc_keras.corpus.arrangement import Mix, arrange, arranged, artists_genre, draw_curve
from mgc_keras.corpus.genres import GENRES
from mgc_keras.corpus.mixing import finish, loudness_of, play
from mgc_keras.corpus.rows import Row
from mgc_keras.corpus.seeds import generator, pick
from mgc_keras.corpus.voice import Singer, Syllable, draw_singer, vocalise


def render_speech_music(row: Row, seconds: float, sampling_rate: int) -> np.ndarray:
    """Render a clip of the speech/music task: float32, shape (n_samples,)."""
    if row["label"] == "speech":
        return talk(int(row["artist_seed"]), int(row["seed"]), seconds, sampling_rate)
    return play(arranged(row, artists_genre(row)), seconds, sampling_rate)


def talk(speaker_seed: int, seed: int, seconds: float, sampling_rate: int) -> np.ndarray:
    """Render a speaker in a room, now and then with quiet music behind: float32, shape (n_samples,)."""
    habits, rng = generator(speaker_seed, "speaker"), generator(seed, "talk")
    speaker = replace(draw_singer(habits), vibrato=0.0)
    rate = float(habits.uniform(3.8, 5.6))
    n_samples = int(round(seconds * sampling_rate))
    words = spoken_syllables(seconds, speaker, rate * float(np.exp(rng.normal(0.0, 0.06))), rng)
    wave = vocalise(words, speaker, n_samples, sampling_rate, rng)
    if rng.random() < 0.3:
        behind = play(arrange(pick(rng, tuple(GENRES)), speaker_seed, seed), seconds, sampling_rate)
        gain = 10.0 ** (-float(rng.uniform(14.0, 24.0)) / 20.0)
        wave += behind * np.float32(gain * loudness_of(wave) / max(loudness_of(behind), 1e-6))
    mix = Mix(
        tilt=float(np.clip(habits.normal(0.0, 1.5) + rng.normal(0.0, 0.7), -4.0, 4.0)),
        curve=draw_curve(habits, rng), reverb=float(habits.uniform(0.0, 0.3)),
        reverb_time=float(habits.uniform(0.2, 0.8)), peak=float(rng.uniform(0.3, 0.9)),
        noise=float(habits.uniform(-62.0, -34.0)),
    )  # fmt: skip
    return finish(wave, mix, sampling_rate, seed)


def spoken_syllables(seconds: float, speaker: Singer, rate: float, rng: np.random.Generator) -> list[Syllable]:
    """Invent talk, `rate` syllables a second: phrases of declining pitch, with accents and consonants, and pauses."""
    syllables: list[Syllable] = []
    time = float(rng.uniform(0.05, 0.5))
    while time < seconds:
        n_syllables = int(rng.integers(5, 20))
        top = speaker.low + float(rng.uniform(2.0, 5.0))
        for number in range(n_syllables):
            progress = number / n_syllables
            length = float(rng.gamma(9.0, 1.0 / 9.0)) / rate * (1.5 if number == n_syllables - 1 else 1.0)
            accent = float(rng.uniform(1.5, 3.5)) if rng.random() < 0.25 else 0.0
            pitch = top - 7.0 * progress + accent + float(rng.normal(0.0, 0.5))
            vowel = str(pick(rng, ("a", "e", "i", "o", "u", "ai", "ei", "au", "oi")))
            consonant = str(pick(rng, ("s", "f", "t", "t", "m", "")))
            strength = float(rng.uniform(0.55, 0.8)) * (1.0 - 0.4 * progress) + 0.12 * accent / 3.0
            syllables.append(Syllable(time, 0.78 * length, pitch, pitch - 1.2, vowel, consonant, strength))
            time += length
            if time >= seconds:
                break
        time += float(rng.uniform(0.25, 0.9))
    return syllables
