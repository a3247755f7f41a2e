"""Tables of clips: which clips a task has, who their artists are, and the seeds that decide everything else."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mgc_keras.corpus.seeds import stable_hash
from mgc_keras.errors import OptionError

RENDERER = 2  # raised by every change that alters samples, so that old files are rendered again

Row = Mapping[str, Any]


def class_table(
    task: str, classes: Sequence[str], n_clips: int, seed: int, *, n_artists: int, seconds: float
) -> pd.DataFrame:
    """Make the table of a task with classes: equally many clips a class, in class order; each artist has one class.

    Parameters
    ----------
    task : str
        Name of the task.
    classes : sequence of str
        Class names.
    n_clips : int
        Clips in all; where it is no multiple of the number of classes, the first classes get one more.
    seed : int
        Another seed gives other artists and other clips.
    n_artists : int
        Artists a class.
    seconds : float
        Length of each clip.

    Returns
    -------
    pd.DataFrame
        Columns clip_id, filepath, label, artist, task, style, seed, artist_seed, seconds, renderer.
    """
    check_count(n_clips, seed)
    rows = []
    for index, name in enumerate(classes):
        for number in range(n_clips // len(classes) + (index < n_clips % len(classes))):
            rows.append({**clip_row(task, name, number, number % n_artists, seed, seconds), "label": name})
    table = pd.DataFrame(rows)
    return table[["clip_id", "filepath", "label", *table.columns.drop(["clip_id", "filepath", "label"])]]


def clip_row(task: str, style: str, number: int, artist: int, seed: int, seconds: float) -> dict[str, Any]:
    """Return what every row has; `number` counts the clips of a style, `artist` its artists."""
    clip_id = f"{style}.{number:05d}"
    artist_name = f"{style}_artist_{artist}"
    return {
        "clip_id": clip_id, "filepath": f"{style}/{clip_id}.wav", "artist": artist_name, "task": task, "style": style,
        "seed": stable_hash(task, seed, "clip", clip_id), "artist_seed": stable_hash(task, seed, artist_name),
        "seconds": seconds, "renderer": RENDERER,
    }  # fmt: skip


def check_count(n_clips: int, seed: int) -> None:
    """Raise `OptionError` unless there is at least one clip and the seed is not negative."""
    if n_clips < 1:
        raise OptionError(f"{n_clips} is no number of clips", field="n_clips", cure="give 1 or more")
    if seed < 0:
        raise OptionError(f"{seed} is no seed", field="seed", cure="give 0 or more")
