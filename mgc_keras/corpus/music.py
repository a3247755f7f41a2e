"""The tasks of music: `genre` and `dance`, `tagging` (tags that follow from the notes), `voice` and `emotion`."""

from dataclasses import replace

import numpy as np
import pandas as pd

from mgc_keras.corpus.arrangement import Arrangement, arrange, arranged, artists_genre
from mgc_keras.corpus.genres import GENRES
from mgc_keras.corpus.harmony import parse_chords
from mgc_keras.corpus.rows import Row, clip_table, insert_columns
from mgc_keras.corpus.seeds import generator, pick
from mgc_keras.corpus.tags import tags_of
from mgc_keras.corpus.voice import draw_singer

TAGGING_ARTISTS = 20
SLOWEST, FASTEST = 58.0, 172.0  # beats per minute
STEEPEST = 4.0  # decibels per octave, dark or bright
ANNOTATORS = 0.05  # standard deviation of the noise of emotions' labels
# What a clip of the tagging task may borrow from another genre, so that tags do not all follow from the genre.
_LOANS = (
    ("groove", "kit", "swing"), ("bass", "bass_line"), ("comp", "comp_pattern"), ("second", "second_pattern"),
    ("lead", "density"), ("progression", "minor", "scale"), ("tempo",), ("pad",), ("singer",),
)  # fmt: skip


def tagging_table(n_clips: int, seed: int) -> pd.DataFrame:
    """Return the table of the tagging task: label_<tag> columns, and a fifth of the artists held out in `split`."""
    table = clip_table("tagging", tuple(GENRES), n_clips, seed, n_artists=TAGGING_ARTISTS)
    labels = pd.DataFrame([tags_of(tagging_arrangement(row)) for row in table.to_dict("records")]).astype(int)
    artist = table["artist"].str.rsplit("_", n=1).str[-1].astype(int)
    n_artists = artist.groupby(table["style"]).transform("max") + 1
    # Of genres that have one artist, every fifth is held out.
    lonely = table["style"].map(list(GENRES).index) % 5 == 4
    n_valid = lonely.where(n_artists == 1, (n_artists / 5).round().clip(lower=1)).astype(int)
    split = np.where(artist >= n_artists - n_valid, "valid", "train")
    return insert_columns(table, 2, labels.add_prefix("label_")).assign(split=split)


def tagging_arrangement(row: Row) -> Arrangement:
    """Return the decisions about a clip of the tagging task: half of the clips borrow parts from another genre."""
    own = arranged(row)
    rng = generator(own.seed, "loans")
    if rng.random() < 0.5:
        return own
    lender = arrange(pick(rng, [name for name in GENRES if name != own.style]), own.artist_seed, own.seed)
    loans = rng.permutation(len(_LOANS))[: int(rng.integers(1, 4))]
    return replace(own, **{name: getattr(lender, name) for index in loans for name in _LOANS[index]})


def voice_arrangement(row: Row) -> Arrangement:
    """Return the decisions about a clip of the voice task; unsung clips often have a melody instrument instead."""
    drawn = arranged(row, artists_genre(row))
    if row["label"] == "sing":
        return replace(drawn, singer=draw_singer(generator(drawn.artist_seed, "singer")), lead=None)
    rng = generator(drawn.seed, "voice")
    return replace(drawn, singer=None, lead=pick(rng, drawn.own_style.leads) if rng.random() < 0.75 else None)


def emotion_table(n_clips: int, seed: int) -> pd.DataFrame:
    """Return the table of the emotion task, about five clips an artist: label_arousal and label_valence in 0 to 1."""
    table = clip_table("emotion", ("piece",), n_clips, seed, n_artists=max(1, round(n_clips / 5)))
    labels = [
        felt(emotion_arrangement(row)) + generator(row["seed"], "annotators").normal(0.0, ANNOTATORS, 2)
        for row in table.to_dict("records")
    ]
    columns = ["label_arousal", "label_valence"]
    return insert_columns(table, 2, pd.DataFrame(labels, columns=columns).clip(0.0, 1.0).round(4))


def emotion_arrangement(row: Row) -> Arrangement:
    """Return the decisions about a clip: a genre's, but tempo, mode, loudness and brightness drawn anew."""
    drawn = arranged(row, artists_genre(row))
    style, rng = drawn.own_style, generator(drawn.seed, "emotion")
    energy = float(rng.uniform())
    tempo, loud, bright = np.clip(0.45 * energy + 0.55 * rng.uniform(size=3), 0.0, 1.0).tolist()
    minor = bool(rng.random() < 0.5)
    mix = replace(
        drawn.mix, drive=loud, peak=0.06 + 0.86 * loud**1.5, tilt=STEEPEST * (2.0 * bright - 1.0),
        curve=tuple(0.4 * level for level in drawn.mix.curve),
    )  # fmt: skip
    return replace(
        drawn, tempo=round(SLOWEST * (FASTEST / SLOWEST) ** tempo, 2), minor=minor, scale=style.scales[int(minor)],
        progression=parse_chords(pick(rng, style.minor if minor else style.major)),
        groove=drawn.groove if loud > 0.25 else None, density=0.3 + 0.5 * energy, mix=mix,
    )  # fmt: skip


def felt(arrangement: Arrangement) -> np.ndarray:
    """Return the arousal and valence, 0 to 1, that follow from an arrangement, before annotators disagree."""
    tempo = float(np.log(arrangement.tempo / SLOWEST) / np.log(FASTEST / SLOWEST))
    bright = 0.5 + 0.5 * arrangement.mix.tilt / STEEPEST
    arousal = 0.08 + 0.84 * (0.40 * tempo + 0.38 * arrangement.mix.drive + 0.22 * bright)
    valence = 0.12 + 0.38 * (not arrangement.minor) + 0.26 * tempo + 0.16 * bright
    return np.array([arousal, valence])
