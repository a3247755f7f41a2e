"""Clips that are near each other by their features."""

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import takewhile
from pathlib import PurePath

import numpy as np
import pandas as pd

from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.features.csv_table import SPAN_COLUMNS


def row_per_clip(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a clip, float64: the mean of those of its windows, in the order in which clips come first."""
    numbers = table.drop(columns=[name for name in SPAN_COLUMNS if name in table.columns]).astype(np.float64)
    return numbers.groupby(level=0, sort=False).mean()


def find_clip(table: pd.DataFrame, name: str) -> str:
    """Return the id of a clip of a table (indexed by `clip_id`) by its id, its path, or the name of its file.

    Raises
    ------
    OptionError
        No clip is called so, or several are.
    """
    ids = table.index.unique()
    if name in ids:
        return name
    path = PurePath(name)
    shared = {clip: max(_shared_end(clip, path), _shared_end(clip, path.with_suffix(""))) for clip in ids if path.name}
    most = max(shared.values(), default=0)
    found = [clip for clip, n_parts in shared.items() if n_parts == most > 0]
    if len(found) > 1:
        raise OptionError(f"may be {' or '.join(found[:4])}", field=name, cure="give one of these")
    if found:
        return found[0]
    near = get_close_matches(name, ids, n=3) or list(ids[:3])
    cure = f"give a clip_id of the table, such as {', '.join(near)}; a new song: export it into the table first"
    raise OptionError("no clip of the table is called so", field=name, cure=cure)


def _shared_end(clip: str, path: PurePath) -> int:
    """Return how many parts at their ends an id and a path have in common."""
    pairs = zip(reversed(PurePath(clip).parts), reversed(path.parts))
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def nearest_clips(table: pd.DataFrame, clips: list[str], count: int = 10) -> Iterator[list[tuple[str, float]]]:
    """Yield for each of some clips the nearest others of a table, nearest first; equals in the table's order.

    The distance is the root of the mean squared difference over all columns, each in standard deviations over the
    table: two clips drawn at random are about 1.4 apart. Columns that never move are left out.

    Parameters
    ----------
    table : pd.DataFrame
        Features, indexed by `clip_id`, a row a clip: see `row_per_clip`.
    clips : list of str
        Ids of the table.
    count : int
        At most so many for each.

    Raises
    ------
    OptionError
        `count` is below 1.
    ManifestError
        The table holds no two clips, or no column that moves, or numbers that are not finite.

    Example
    -------
    >>> table = pd.DataFrame({"tempo": [60.0, 62.0, 120.0]}, index=["a", "b", "c"])
    >>> [[clip for clip, _ in near] for near in nearest_clips(table, ["a", "c"], 2)]
    [['b', 'c'], ['b', 'a']]
    """
    if count < 1:
        raise OptionError(f"{count} clips make no list", field="--top", cure="give 1 or more")
    values = table.to_numpy(np.float64)
    if not np.isfinite(values).all():
        bad = table.index[~np.isfinite(values).all(axis=1)][0]
        raise ManifestError("holds numbers that are not finite", field=str(bad), cure="export the features again")
    spread = values.std(axis=0)
    # What rounding leaves of equal numbers is no spread.
    moving = spread > 1e-12 * np.abs(values).max(axis=0, initial=0.0)
    if len(table) < 2 or not moving.any():
        problem = f"{len(table)} clips and {int(moving.sum())} columns that differ between them give no neighbours"
        raise ManifestError(problem, cure="export the features of a folder of songs")
    scaled = (values[:, moving] - values[:, moving].mean(axis=0)) / spread[moving]
    for place in table.index.get_indexer(pd.Index(clips)).tolist():
        distances = np.sqrt(np.mean((scaled - scaled[place]) ** 2, axis=1))
        distances[place] = np.inf
        nearest = np.argsort(distances, kind="stable")[: min(count, len(table) - 1)]
        yield [(str(table.index[other]), float(distances[other])) for other in nearest]
