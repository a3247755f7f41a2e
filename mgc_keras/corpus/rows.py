"""Tables of clips: which clips a task has, who their artists are, and the seeds that decide everything else."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mgc_keras.corpus.seeds import stable_hash
from mgc_keras.errors import OptionError

RENDERER = 2  # raised by every change that alters samples, so that old files are rendered again
CLIP_SECONDS = 29.0

Row = Mapping[str, Any]


def clip_table(
    task: str, styles: Sequence[str], n_clips: int, seed: int, *, n_artists: int = 8, seconds: float = CLIP_SECONDS
) -> pd.DataFrame:
    """Make what the tables of all tasks have: equally many clips a style, in this order; each artist has one style.

    Where `n_clips` is no multiple of the number of styles, the first get one more. `n_artists` counts those of a style.

    Returns
    -------
    pd.DataFrame
        Columns clip_id, filepath, artist, task, style, seed, artist_seed, seconds, renderer.

    Raises
    ------
    OptionError
        No clips, negative seed.
    """
    if n_clips < 1:
        raise OptionError(f"{n_clips} is no number of clips", field="n_clips", cure="give 1 or more")
    if seed < 0:
        raise OptionError(f"{seed} is no seed", field="seed", cure="give 0 or more")
    rows = []
    for index, style in enumerate(styles):
        for number in range(n_clips // len(styles) + (index < n_clips % len(styles))):
            clip_id, artist = f"{style}.{number:05d}", f"{style}_artist_{number % n_artists}"
            seeds = stable_hash(task, seed, "clip", clip_id), stable_hash(task, seed, artist)
            rows.append((clip_id, f"{style}/{clip_id}.wav", artist, task, style, *seeds, seconds, RENDERER))
    columns = ["clip_id", "filepath", "artist", "task", "style", "seed", "artist_seed", "seconds", "renderer"]
    return pd.DataFrame(rows, columns=columns)


def class_table(task: str, classes: Sequence[str], n_clips: int, seed: int, **options: Any) -> pd.DataFrame:
    """Make the table of a task whose classes are its styles: `clip_table` with a column `label`."""
    table = clip_table(task, classes, n_clips, seed, **options)
    table.insert(2, "label", table["style"])
    return table


def insert_columns(table: pd.DataFrame, position: int, columns: pd.DataFrame) -> pd.DataFrame:
    """Return the table with further columns from `position` on."""
    return pd.concat([table.iloc[:, :position], columns, table.iloc[:, position:]], axis=1)
