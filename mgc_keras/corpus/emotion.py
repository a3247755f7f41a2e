"""The task `emotion`: tempo, mode, loudness and brightness set how aroused and how pleasant a clip is said to be."""

from dataclasses import replace

import numpy as np
import pandas as pd

from mgc_keras.corpus.arrangement import Arrangement, arrange
from mgc_keras.corpus.genres import GENRES
from mgc_keras.corpus.harmony import parse_chords
from mgc_keras.corpus.music import CLIP_SECONDS, play
from mgc_keras.corpus.rows import Row, check_count, clip_row
from mgc_keras.corpus.seeds import generator, pick
from mgc_keras.corpus.speech import artists_genre

SLOWEST, FASTEST = 58.0, 172.0  # beats per minute
STEEPEST = 4.0  # decibels per octave, dark or bright
ANNOTATORS = 0.05  # standard deviation of the labels' noise
CLIPS_AN_ARTIST = 5


def emotion_table(n_clips: int, seed: int) -> pd.DataFrame:
    """Return the table of the emotion task, with label_arousal and label_valence in 0 to 1."""
    check_count(n_clips, seed)
    n_artists = max(1, round(n_clips / CLIPS_AN_ARTIST))
    rows = []
    for number in range(n_clips):
        row = clip_row("emotion", "piece", number, number % n_artists, seed, CLIP_SECONDS)
        arousal, valence = felt(emotion_arrangement(row))
        noise = generator(row["seed"], "annotators").normal(0.0, ANNOTATORS, 2)
        labels = {
            "label_arousal": round(float(np.clip(arousal + noise[0], 0.0, 1.0)), 4),
            "label_valence": round(float(np.clip(valence + noise[1], 0.0, 1.0)), 4),
        }
        rows.append({"clip_id": row.pop("clip_id"), "filepath": row.pop("filepath"), **labels, **row})
    return pd.DataFrame(rows)


def emotion_arrangement(row: Row) -> Arrangement:
    """Return the decisions about a clip: a genre's, but tempo, mode, loudness and brightness drawn anew."""
    artist_seed, seed = int(row["artist_seed"]), int(row["seed"])
    genre = artists_genre(artist_seed)
    drawn = arrange(genre, GENRES[genre], artist_seed, seed)
    rng = generator(seed, "emotion")
    energy = float(rng.uniform())
    tempo, loud, bright = np.clip(0.45 * energy + 0.55 * rng.uniform(size=3), 0.0, 1.0).tolist()
    minor = bool(rng.random() < 0.5)
    style = GENRES[genre]
    mix = replace(
        drawn.mix, drive=loud, peak=0.06 + 0.86 * loud**1.5, tilt=STEEPEST * (2.0 * bright - 1.0),
        curve=tuple(0.4 * level for level in drawn.mix.curve),
    )  # fmt: skip
    return replace(
        drawn, tempo=round(SLOWEST * (FASTEST / SLOWEST) ** tempo, 2), minor=minor, scale=style.scales[int(minor)],
        progression=parse_chords(str(pick(rng, style.minor if minor else style.major))),
        groove=drawn.groove if loud > 0.25 else None, density=0.3 + 0.5 * energy, mix=mix,
    )  # fmt: skip


def felt(arrangement: Arrangement) -> tuple[float, float]:
    """Return the arousal and valence, 0 to 1, that follow from an arrangement, before annotators disagree."""
    tempo = float(np.log(arrangement.tempo / SLOWEST) / np.log(FASTEST / SLOWEST))
    bright = 0.5 + 0.5 * arrangement.mix.tilt / STEEPEST
    loud = arrangement.mix.drive
    arousal = 0.08 + 0.84 * (0.40 * tempo + 0.38 * loud + 0.22 * bright)
    valence = 0.12 + 0.38 * (not arrangement.minor) + 0.26 * tempo + 0.16 * bright
    return arousal, valence


def render_emotion(row: Row, seconds: float, sampling_rate: int) -> np.ndarray:
    """Render a clip of the emotion task: float32, shape (n_samples,)."""
    return play(emotion_arrangement(row), seconds, sampling_rate)
