"""Columns that tell the class together: another model's scores of every class, or a code of the class in several.

What only a fit of many columns tells is not sought: whether features learned these labels shows in no table.
"""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mgc_keras.judging.tables import ClipTable

# Which column of as many side by side as there are classes is the largest names, of what the largest class leaves, at
# most 0.30 where features are honest and classes many; 0.33, 0.41, 0.49, 0.57 and 0.74 of eight, six, five, four and
# three. (MFCCs, convnet layers and a public table; GTZAN, UrbanSound8K, Extended Ballroom, some hundred choices of
# classes.) Columns cut at their medians, the best together: 0.42 of ten classes, then 0.53, 0.56, 0.71, 0.78, 0.90.
_LARGEST_NAMES = {2: 0.98, 3: 0.85, 4: 0.7, 5: 0.6, 6: 0.55}
_CODES_NAME = {2: 0.98, 3: 0.95, 4: 0.85, 5: 0.8, 6: 0.65}
_LARGEST_OF_MANY, _CODES_OF_MANY = 0.5, 0.6
_LEAST_IN_GROUP = 16
# Columns of a window that are looked at together.
_AT_A_TIME = 256
# Named one by one up to so many.
_MOST_NAMED = 20


@dataclass(frozen=True)
class Group:
    """Columns, and how they tell the class together."""

    columns: tuple[str, ...]
    why: str

    def __str__(self) -> str:
        """Name them all, or the first and the last."""
        if len(self.columns) < 5:
            return ", ".join(self.columns)
        return f"{self.columns[0]} … {self.columns[-1]} ({len(self.columns)} columns)"

    @property
    def words(self) -> str:
        """The columns as words of a command line."""
        more = " …" if len(self.columns) > _MOST_NAMED else ""
        return shlex.join(self.columns[: 1 if more else None]) + more


def score_groups(table: ClipTable, values: np.ndarray, names: Sequence[str], labels: np.ndarray) -> Iterator[Group]:
    """Find columns that look like a model's scores of every class, by their names or by which is the largest.

    Parameters
    ----------
    table : ClipTable
        Where the columns are from.
    values : np.ndarray [shape=(n_rows, n_columns), dtype=float64]
    names : sequence of str [length=n_columns]
    labels : np.ndarray [shape=(n_rows,), dtype=str]
    """
    classes, of_row = np.unique(labels, return_inverse=True)
    scores = [name for each in classes.tolist() if (name := table.score_column(each)) is not None and name in names]
    if len(scores) == len(classes):
        yield Group(tuple(scores), "are named as the classes: another model's answers")
        free = [place for place, name in enumerate(names) if name not in scores]
        values, names = values[:, free], [names[place] for place in free]
    shares = np.array([_named(code, of_row) for code in _largest(values, len(classes))])
    while len(shares) and shares.max() >= _LARGEST_NAMES.get(len(classes), _LARGEST_OF_MANY):
        first = int(shares.argmax())
        behind = first + len(classes)
        why = f"name the class of {_percent(shares[first], of_row)} of the rows by which of them is the largest"
        yield Group(tuple(names[first:behind]), why)
        shares[max(0, first - len(classes) + 1) : behind] = 0


def code_group(values: np.ndarray, names: Sequence[str], labels: np.ndarray) -> Group | None:
    """Find columns of few values that together are a code of the class; arguments as of `score_groups`."""
    classes, of_row = np.unique(labels, return_inverse=True)
    codes, share = _best_codes(values, of_row)
    if len(codes) < 2 or share < _CODES_NAME.get(len(classes), _CODES_OF_MANY):
        return None
    why = f"together name the class of {_percent(share, of_row)} of the rows"
    return Group(tuple(names[place] for place in codes), why)


def _largest(values: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Yield which column is the largest, (n_rows,) int, of each run of `size` columns."""
    for start in range(0, values.shape[1] - size + 1, _AT_A_TIME):
        part = values[:, start : start + _AT_A_TIME + size - 1]
        yield from np.lib.stride_tricks.sliding_window_view(part, size, axis=1).argmax(axis=2).T


def _named(code: np.ndarray, classes: np.ndarray) -> float:
    """Return what the largest class of each value of a code names, of what always naming one class leaves."""
    table = np.bincount(code * (classes.max() + 1) + classes, minlength=(code.max() + 1) * (classes.max() + 1))
    table = table.reshape(code.max() + 1, -1)
    if len(classes) < _LEAST_IN_GROUP * np.count_nonzero(table.sum(axis=1)):
        return 0.0
    largest = table.sum(axis=0).max()
    return float((table.max(axis=1).sum() - largest) / max(1, len(classes) - largest))


def _percent(share: float, classes: np.ndarray) -> str:
    largest = np.bincount(classes).max() / len(classes)
    return f"{largest + share * (1 - largest):.0%}"


def _best_codes(values: np.ndarray, classes: np.ndarray) -> tuple[list[int], float]:
    """Take columns of few values together, the best first, until they have as many as a code of the classes needs."""
    most = 2 * (classes.max() + 1) + 2
    codes = {}
    for place in range(values.shape[1]):
        distinct, code = np.unique(values[:, place], return_inverse=True)
        if len(distinct) <= most:
            codes[place] = code
    together, taken, share = np.zeros(len(classes), int), [], 0.0
    while codes:
        found = {place: together * (code.max() + 1) + code for place, code in codes.items()}
        found = {place: code for place, code in found.items() if len(np.unique(code)) <= most}
        shares = {place: _named(code, classes) for place, code in found.items()}
        best = max(shares, key=lambda place: shares[place], default=None)
        if best is None or shares[best] <= share:
            break
        share, together = shares[best], np.unique(found[best], return_inverse=True)[1]
        taken.append(best)
        del codes[best]
    return taken, share
