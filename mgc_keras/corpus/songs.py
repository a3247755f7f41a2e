"""The task `songs`: whole songs of 60 to 120 seconds, with the boundaries and names of their sections."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mgc_keras.corpus.arrangement import Arrangement, arranged, without
from mgc_keras.corpus.composition import Composition, compose
from mgc_keras.corpus.genres import GENRES
from mgc_keras.corpus.harmony import parse_chords
from mgc_keras.corpus.mixing import render_arrangement
from mgc_keras.corpus.rows import Row, class_table
from mgc_keras.corpus.seeds import generator, pick
from mgc_keras.corpus.voice import draw_singer

SHORTEST, LONGEST = 60.0, 120.0  # seconds
_FORMS = (
    ("intro", "verse", "chorus", "verse", "chorus", "bridge", "chorus", "outro"),
    ("intro", "verse", "chorus", "verse", "chorus", "outro"),
    ("verse", "chorus", "verse", "chorus", "bridge", "chorus"),
    ("intro", "verse", "verse", "chorus", "solo", "chorus", "outro"),
)


@dataclass(frozen=True)
class Section:
    """A section of a song: its name, where it starts and ends in seconds, how many bars it has."""

    label: str
    start: float
    end: float
    n_bars: int


def song_arrangement(row: Row) -> Arrangement:
    """Return the decisions that hold for a whole song; every song has drums or chords to tell its sections by."""
    drawn = arranged(row)
    style, rng = drawn.own_style, generator(drawn.seed, "song")
    singer = draw_singer(generator(drawn.artist_seed, "singer")) if style.voice > 0.3 else drawn.singer
    return replace(
        drawn, singer=singer, lead=pick(rng, style.leads), pad=pick(rng, style.pads),
        bass=drawn.bass or style.basses[0],
    )  # fmt: skip


def song_sections(song: Arrangement) -> list[Section]:
    """Return a song's sections: four or eight bars each, as many as fit between 60 and 120 seconds."""
    form: tuple[str, ...] = pick(generator(song.seed, "form"), _FORMS)
    lengths = [4 if label in ("intro", "outro", "bridge") else 8 for label in form]
    bar = song.seconds_per_bar
    if sum(lengths) * bar > LONGEST:
        lengths = [4] * len(form)
    while sum(lengths) * bar > LONGEST:
        form, lengths = form[:-1], lengths[:-1]
    while sum(lengths) * bar < SHORTEST:
        lengths[lengths.index(min(lengths))] += 4
    starts = ((np.cumsum(lengths) - lengths) * bar).tolist()
    return [
        Section(label, start, start + n_bars * bar, n_bars)
        for label, start, n_bars in zip(form, starts, lengths, strict=True)
    ]


def cut_sections(text: str, seconds: float) -> str:
    """Return the sections of the first `seconds` of a song."""
    kept = [[start, min(end, round(seconds, 4)), label] for start, end, label in json.loads(text) if start < seconds]
    return json.dumps(kept, separators=(",", ":"))


def songs_table(n_clips: int, seed: int) -> pd.DataFrame:
    """Return the table of the songs task: label is the genre, `sections` a JSON list of [start, end, label]."""
    table = class_table("songs", tuple(GENRES), n_clips, seed, n_artists=4)
    songs = [song_sections(song_arrangement(row)) for row in table.to_dict("records")]
    listed = [[[round(part.start, 4), round(part.end, 4), part.label] for part in song] for song in songs]
    texts = [json.dumps(sections, separators=(",", ":")) for sections in listed]
    return table.assign(seconds=[sections[-1][1] for sections in listed], sections=texts)


def section_arrangement(song: Arrangement, label: str) -> Arrangement:
    """Return how a song is played in sections of one name: who is silent, which chords, which drum pattern."""
    style, rng = song.own_style, generator(song.seed, "section", label)
    others = style.minor if song.minor else style.major
    groove = pick(rng, style.grooves)
    if label == "verse":
        return without(song, "pad", "lead")
    if label == "chorus":
        return replace(song, lead=None, progression=parse_chords(pick(rng, others)), groove=song.groove and groove)
    if label == "bridge":
        relative = parse_chords(pick(rng, style.major if song.minor else style.minor))
        return replace(without(song, "groove", "bass", "lead"), progression=relative)
    if label == "solo":
        return without(song, "singer")
    return without(song, "singer", "groove", "pad") if label == "intro" else without(song, "singer", "lead", "second")


def render_song(row: Row, seconds: float, sampling_rate: int) -> np.ndarray:
    """Render a song, or its first `seconds`: float32, shape (n_samples,)."""
    song, composition = song_arrangement(row), Composition()
    for section in song_sections(song):
        if section.start < seconds:
            played = section_arrangement(song, section.label)
            composition.extend(compose(played, section.n_bars, section.start, section.label))
    composition.tones.setdefault("voice", []).sort()
    return render_arrangement(song, composition, int(round(seconds * sampling_rate)), sampling_rate)
