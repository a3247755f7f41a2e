"""The tasks `genre` (ten genres) and `tagging` (the source task: fifty tags that follow from the notes)."""

from dataclasses import replace

import numpy as np
import pandas as pd

from mgc_keras.corpus.arrangement import Arrangement, arrange
from mgc_keras.corpus.composition import compose
from mgc_keras.corpus.genres import GENRES
from mgc_keras.corpus.mixing import render_arrangement
from mgc_keras.corpus.rows import Row, check_count, class_table, clip_row
from mgc_keras.corpus.seeds import generator, pick
from mgc_keras.corpus.tags import tags_of

CLIP_SECONDS = 29.0
GENRE_ARTISTS, TAGGING_ARTISTS = 8, 20
# What a clip of the tagging task may borrow from another genre, so that tags do not all follow from the genre.
_LOANS = (
    ("groove", "kit", "swing"), ("bass", "bass_line"), ("comp", "comp_pattern"), ("second", "second_pattern"),
    ("lead", "density"), ("progression", "minor", "scale"), ("tempo",), ("pad",), ("singer",),
)  # fmt: skip


def play(arrangement: Arrangement, seconds: float, sampling_rate: int) -> np.ndarray:
    """Compose and render `seconds` of an arrangement: float32, shape (n_samples,)."""
    n_bars = int(np.ceil(seconds / arrangement.seconds_per_bar))
    composition = compose(arrangement, n_bars)
    return render_arrangement(arrangement, composition, int(round(seconds * sampling_rate)), sampling_rate)


def genre_table(n_clips: int, seed: int) -> pd.DataFrame:
    """Return the table of the genre task."""
    return class_table("genre", tuple(GENRES), n_clips, seed, n_artists=GENRE_ARTISTS, seconds=CLIP_SECONDS)


def genre_arrangement(row: Row) -> Arrangement:
    """Return the decisions about a clip of the genre task."""
    name = str(row["style"])
    return arrange(name, GENRES[name], int(row["artist_seed"]), int(row["seed"]))


def render_genre(row: Row, seconds: float, sampling_rate: int) -> np.ndarray:
    """Render a clip of the genre task: float32, shape (n_samples,)."""
    return play(genre_arrangement(row), seconds, sampling_rate)


def tagging_table(n_clips: int, seed: int) -> pd.DataFrame:
    """Return the table of the tagging task: label_<tag> columns, and a fifth of the artists held out in `split`."""
    check_count(n_clips, seed)
    rows = []
    for index, style in enumerate(GENRES):
        n_style = n_clips // len(GENRES) + (index < n_clips % len(GENRES))
        n_artists = min(TAGGING_ARTISTS, n_style)
        n_valid = max(1, round(n_artists / 5)) if n_artists > 1 else int(index % 5 == 4)
        for number in range(n_style):
            artist = number % n_artists
            row = clip_row("tagging", style, number, artist, seed, CLIP_SECONDS)
            row["split"] = "valid" if artist >= n_artists - n_valid else "train"
            labels = {f"label_{tag}": int(present) for tag, present in tags_of(tagging_arrangement(row)).items()}
            rows.append({"clip_id": row.pop("clip_id"), "filepath": row.pop("filepath"), **labels, **row})
    return pd.DataFrame(rows)


def tagging_arrangement(row: Row) -> Arrangement:
    """Return the decisions about a clip of the tagging task: half of the clips borrow parts from another genre."""
    own = genre_arrangement(row)
    rng = generator(int(row["seed"]), "loans")
    if rng.random() < 0.5:
        return own
    others = [name for name in GENRES if name != own.style]
    other = str(pick(rng, tuple(others)))
    lender = arrange(other, GENRES[other], own.artist_seed, own.seed)
    loans = rng.permutation(len(_LOANS))[: int(rng.integers(1, 4))]
    return replace(own, **{name: getattr(lender, name) for index in loans for name in _LOANS[int(index)]})


def render_tagging(row: Row, seconds: float, sampling_rate: int) -> np.ndarray:
    """Render a clip of the tagging task: float32, shape (n_samples,)."""
    return play(tagging_arrangement(row), seconds, sampling_rate)
