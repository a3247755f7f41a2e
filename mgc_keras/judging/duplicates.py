"""Rows of different clips that are equal, or nearer to each other than any two recordings are."""

from dataclasses import dataclass

import numpy as np

# Two rows are suspected to be one recording where they are nearer than this share of the distance from either to its
# fifth neighbour. Of 1000 clips in 10 dimensions, a pair comes so near by chance in one table of fifty; in 20
# dimensions, in one of ten million. On GTZAN (57 features) 30 pairs do, and of each the fault-filtered partition of
# 2015 leaves out a clip; the next pair is at 0.36.
NEAR = 0.3
_NEIGHBOUR = 5
# Of more copies, the fifth neighbour is one itself: of so many neighbours the first counts that is so much farther than
# the one before. No table of real clips here has one.
_MOST_COPIES = 64
# In fewer dimensions, and among fewer clips, rows come near each other by chance.
LEAST_COLUMNS, LEAST_ROWS = 10, 20
# Comparing every row with every other takes minutes beyond.
MOST_ROWS = 30_000
_BLOCK = 512


@dataclass(frozen=True)
class Pair:
    """Two rows of different clips, by position, and how near they are: 0 for equal rows, below `NEAR` otherwise."""

    first: int
    second: int
    nearness: float


def equal_and_near_rows(values: np.ndarray, clips: np.ndarray) -> list[Pair]:
    """Find pairs of rows that look like one recording.

    Parameters
    ----------
    values : np.ndarray [shape=(n_rows, n_columns), dtype=float64]
        Finite, no column constant.
    clips : np.ndarray [shape=(n_rows,), dtype=str]
        The clip of each row: two rows of one clip are no pair.

    Returns
    -------
    list of Pair
        In the order of the rows. Of n equal rows all pairs are given, up to 20 rows; beyond, each with the first.
    """
    pairs = _equal(values, clips)
    if len(values) >= LEAST_ROWS and values.shape[1] >= LEAST_COLUMNS and len(values) <= MOST_ROWS:
        known = {(pair.first, pair.second) for pair in pairs}
        pairs += [pair for pair in _near(values, clips) if (pair.first, pair.second) not in known]
    return sorted(pairs, key=lambda pair: (pair.first, pair.second))


def _equal(values: np.ndarray, clips: np.ndarray) -> list[Pair]:
    rows_of: dict[bytes, list[int]] = {}
    for row, numbers in enumerate(values + 0.0):  # so that -0 is 0
        rows_of.setdefault(numbers.tobytes(), []).append(row)
    pairs = []
    for rows in rows_of.values():
        firsts = rows if len(rows) <= 20 else rows[:1]
        pairs += [(a, b) for place, a in enumerate(firsts) for b in rows[place + 1 :]]
    return [Pair(a, b, 0.0) for a, b in pairs if clips[a] != clips[b]]


def _near(values: np.ndarray, clips: np.ndarray) -> list[Pair]:
    """Compare every row with every other, standardised, block by block."""
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    squares = (standard**2).sum(axis=1)
    reach = np.empty(len(values))
    candidates: list[tuple[int, int, float]] = []
    for begin in range(0, len(values), _BLOCK):
        rows = np.arange(begin, min(begin + _BLOCK, len(values)))
        distances = squares[rows, None] + squares - 2 * standard[rows] @ standard.T
        # Rows of the same clip (windows of a song) are no measure of how near strangers come.
        distances[clips[rows, None] == clips] = np.inf
        reach[rows] = _reach(distances)
        # What is near by its own row's measure; the other's is not known yet.
        inside = (distances < NEAR**2 * reach[rows, None]) & np.isfinite(reach[rows, None])
        candidates += [(begin + i, j, float(distances[i, j])) for i, j in np.argwhere(inside) if begin + i < j]
    found = []
    for first, second, distance in candidates:
        # Rounded, a distance may be 0 or less; 0 is that of equal rows alone.
        nearness = np.sqrt(max(distance, 1e-12) / max(min(reach[first], reach[second]), 1e-12))
        if nearness < NEAR:
            found.append(Pair(first, int(second), float(nearness)))
    return found


def _reach(distances: np.ndarray) -> np.ndarray:
    """Return the squared distance (n_rows,) of the fifth neighbour, or of the first behind a cluster of more copies."""
    n_nearest = min(_MOST_COPIES, distances.shape[1])
    nearest = np.sort(np.partition(distances, n_nearest - 1, axis=1)[:, :n_nearest], axis=1)
    fifth = nearest[:, _NEIGHBOUR - 1].copy()
    with np.errstate(invalid="ignore"):
        jumps = np.maximum(nearest[:, _NEIGHBOUR - 1 : -1], 0) < NEAR**2 * nearest[:, _NEIGHBOUR:]
    jumps &= np.isfinite(nearest[:, _NEIGHBOUR:])
    behind = np.flatnonzero(jumps.any(axis=1))
    fifth[behind] = nearest[behind, _NEIGHBOUR + jumps[behind].argmax(axis=1)]
    return fifth


def joined(n_rows: int, *bonds: np.ndarray, pairs: list[Pair] | None = None) -> np.ndarray:
    """Return a number (n_rows,) for each row, equal for rows that any bond joins, directly or through others.

    Parameters
    ----------
    n_rows : int
    *bonds : np.ndarray [shape=(n_rows,)]
        Rows of equal value belong together: artists, clips.
    pairs : list of Pair
        Rows that belong together.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = [np.array([(pair.first, pair.second) for pair in pairs or ()], int).reshape(-1, 2)]
    for bond in bonds:
        _, firsts, number = np.unique(bond, return_index=True, return_inverse=True)
        ends.append(np.column_stack([np.arange(n_rows), firsts[number]]))
    first, second = np.concatenate(ends).T
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(n_rows, n_rows))
    return connected_components(graph, directed=False)[1]
