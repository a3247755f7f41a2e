"""Several feature sets side by side: one row a clip, with the columns of all of them."""

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from mgc_keras.errors import OptionError
from mgc_keras.features.extractor import Extractor


class JoinedFeatures(Extractor):
    """The columns of several extractors, each computed as it would be by itself.

    Each reads the clips at its own sampling rate and length and computes its own batches. A clip that one of them
    cannot use has no row.

    Parameters
    ----------
    parts : sequence of Extractor
        Each gives a row of numbers a clip. Where two name a column alike, columns bear the name of their part in front.

    Attributes
    ----------
    batch_size : int
        The least common multiple of theirs: a task holds whole batches of all.
    dtype : str
        "float64" as soon as one of them gives that; the numbers of the others are the same.

    Raises
    ------
    OptionError
        Fewer than two parts, two of one name, or one whose batches are not in the order of the clips.

    Example
    -------
    >>> from mgc_keras.features.mfcc import MfccExtractor
    >>> from mgc_keras.features.whole_song import WholeSong
    >>> start, song = MfccExtractor(), WholeSong(MfccExtractor())
    >>> song.name = "mfcc_song"
    >>> JoinedFeatures([start, song]).columns[119:121]
    ('mfcc_mfcc_std_dd_19', 'mfcc_song_mfcc_mean_00')
    """

    # Nothing is read for the whole: each part reads for itself.
    sampling_rate, n_samples, duration = 0, None, None

    def __init__(self, parts: Sequence[Extractor]) -> None:
        self.parts = tuple(parts)
        names = [part.name for part in parts]
        if len(names) < 2 or len(set(names)) < len(names):
            raise OptionError(
                f"{'+'.join(names)} joins no two different sets", field="--features", cure="such as song+mfcc"
            )
        if any(part.batch_order not in ("file", "single") for part in parts):
            cure = "make a table for each"
            raise OptionError(
                f"{'+'.join(names)}: batches are not in the order of the clips", field="--features", cure=cure
            )
        columns = [column for part in parts for column in part.columns]
        if len(set(columns)) < len(columns):
            columns = [f"{part.name}_{column}" for part in parts for column in part.columns]
        self.name, self.columns = "+".join(names), tuple(columns)
        self.batch_size = math.lcm(*(_clips_a_batch(part) for part in parts))
        self.dtype = "float64" if any(part.dtype == "float64" for part in parts) else "float32"

    def describe(self) -> dict[str, Any]:
        """Return what the parts say of themselves."""
        return {"name": self.name, "parts": {part.name: part.describe() for part in self.parts}}

    def measured(self) -> dict[str, Any]:
        """Return what the parts know only after computing."""
        return {name: value for part in self.parts for name, value in getattr(part, "measured", dict)().items()}

    def __call__(self, waveforms: Any) -> np.ndarray:
        """Nothing can be computed of one waveform: the parts take clips at rates of their own."""
        raise OptionError("joined features are computed from clips", field="--features", cure="call its parts")

    def join(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        """Return one row (n_columns,), in `dtype`, of a clip's rows by each part."""
        return np.concatenate(rows).astype(self.dtype)


def own_batches(batches: Sequence[np.ndarray], part: Extractor) -> Iterator[list[np.ndarray]]:
    """Cut each batch of a join into the batches that one of its parts computes by itself.

    Example
    -------
    >>> from mgc_keras.features.mfcc import MfccExtractor
    >>> [[batch.tolist() for batch in some] for some in own_batches([np.arange(3)], MfccExtractor(batch_size=2))]
    [[[0, 1], [2]]]
    """
    step = _clips_a_batch(part)
    for batch in batches:
        yield [batch[start : start + step] for start in range(0, len(batch), step)]


def _clips_a_batch(part: Extractor) -> int:
    return 1 if part.batch_order == "single" else part.batch_size


def in_groups(results: Iterator[list[Any]], sizes: Sequence[int]) -> Iterator[list[Any]]:
    """Give the results of a part's batches as those of the join's: so many of the part's for each, in one list."""
    for size in sizes:
        yield [result for some in islice(results, size) for result in some]
