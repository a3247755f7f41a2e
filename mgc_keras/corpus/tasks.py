"""The tasks of the built-in corpus, and the two questions one may ask of each: which clips, and how do they sound."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from mgc_keras.checks import checked_choice
from mgc_keras.corpus import music
from mgc_keras.corpus.arrangement import Arrangement, arranged
from mgc_keras.corpus.dances import DANCES
from mgc_keras.corpus.events import events_table, render_event
from mgc_keras.corpus.genres import GENRES
from mgc_keras.corpus.mixing import play
from mgc_keras.corpus.rows import Row, class_table
from mgc_keras.corpus.songs import render_song, songs_table
from mgc_keras.corpus.speech import render_speech_music
from mgc_keras.errors import OptionError

LOWEST_RATE, HIGHEST_RATE = 4000, 192000  # Hz
LONGEST_CLIP = 600.0  # seconds
Table = Callable[[int, int], pd.DataFrame]
Renderer = Callable[[Row, float, int], np.ndarray]


@dataclass(frozen=True)
class Task:
    """One task: its clips by default, what it is, its table and its renderer."""

    n_clips: int
    description: str
    table: Table
    render: Renderer


def _classes(task: str, classes: Iterable[str], n_artists: int = 8) -> Table:
    return partial(class_table, task, tuple(classes), n_artists=n_artists)


def _played(arrangement_of: Callable[[Row], Arrangement]) -> Renderer:
    return lambda row, seconds, sampling_rate: play(arrangement_of(row), seconds, sampling_rate)


TASKS: dict[str, Task] = {
    "genre": Task(200, "ten genres of music", _classes("genre", GENRES), _played(arranged)),
    "tagging": Task(400, "the source task: fifty tags, training and validation artists", music.tagging_table,
                    _played(music.tagging_arrangement)),
    "voice": Task(80, "music with and without a singer", _classes("voice", ("nosing", "sing")),
                  _played(music.voice_arrangement)),
    "speech_music": Task(60, "talk and music", _classes("speech_music", ("music", "speech")), render_speech_music),
    "dance": Task(130, "thirteen ballroom dances", _classes("dance", DANCES, 5), _played(arranged)),
    "events": Task(100, "ten sounds of the street, 4 s each, ten folds", events_table, render_event),
    "emotion": Task(100, "arousal and valence of music", music.emotion_table, _played(music.emotion_arrangement)),
    "songs": Task(20, "whole songs of 60 to 120 s with their sections", songs_table, render_song),
}  # fmt: skip


def task_named(name: str) -> Task:
    """Return a task, or raise `OptionError` naming those that exist."""
    return TASKS[checked_choice("task", name, TASKS)]


def corpus_table(task: str, n_clips: int | None = None, seed: int = 0) -> pd.DataFrame:
    """Return a task's manifest table, with the columns that the renderer needs.

    Parameters
    ----------
    task : str
        Key of `TASKS`.
    n_clips : int, optional
        Clips in all, spread evenly over the classes; by default the task's own number.
    seed : int
        Another seed gives other artists and other clips.

    Returns
    -------
    pd.DataFrame
        clip_id, filepath, `label` or `label_<name>` columns, artist, `split` or `fold` where the task has one, then
        task, style, seed, artist_seed, seconds, renderer.

    Raises
    ------
    OptionError
        Unknown task, no clips, negative seed.

    Example
    -------
    >>> corpus_table("genre", n_clips=10)["label"].tolist()[:3]
    ['blues', 'classical', 'country']
    """
    chosen = task_named(task)
    return chosen.table(chosen.n_clips if n_clips is None else n_clips, seed)


def check_length(duration: float, sampling_rate: int) -> None:
    """Raise `OptionError` unless a clip of `duration` seconds at `sampling_rate` Hz can be rendered."""
    if not 0.1 <= duration <= LONGEST_CLIP:
        cure = f"give 0.1 to {LONGEST_CLIP:g} seconds"
        raise OptionError(f"{duration} s is no duration", field="duration", cure=cure)
    if not LOWEST_RATE <= sampling_rate <= HIGHEST_RATE:
        cure = f"give {LOWEST_RATE} to {HIGHEST_RATE} Hz"
        raise OptionError(f"{sampling_rate} Hz is out of range", field="sampling_rate", cure=cure)


def render_clip(row: Row | pd.Series, sampling_rate: int = 22050, duration: float | None = None) -> np.ndarray:
    """Render one clip from its row; the samples depend on nothing else.

    Parameters
    ----------
    row : mapping or pd.Series
        A row of `corpus_table`, or of a manifest that `write_corpus` wrote.
    sampling_rate : int
        Hz, 4000 to 192000.
    duration : float, optional
        Seconds, 0.1 to 600; by default the row's own. A shorter clip is the beginning of the same music, mastered for
        itself.

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float32]
        Peak below 1, mean 0.

    Raises
    ------
    OptionError
        Unknown task, sampling rate or duration out of range.

    Example
    -------
    >>> row = corpus_table("genre", n_clips=10).iloc[0]
    >>> render_clip(row, sampling_rate=12000, duration=2.0).shape
    (24000,)
    """
    seconds = float(row["seconds"]) if duration is None else float(duration)
    check_length(seconds, sampling_rate)
    return task_named(str(row["task"])).render(row, seconds, int(sampling_rate))
