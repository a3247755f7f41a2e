"""The train/test splits of a search, and the selections that each of them counts in.

A selection is the choice of one candidate by cross-validation: one selection in all, or one for each outer fold.
"""

from dataclasses import dataclass, field

import numpy as np

from mgc_keras.datasets.splits import grouped_folds, grouped_stratified_folds
from mgc_keras.errors import OptionError
from mgc_keras.search.task import SearchTask

N_INNER_FOLDS = 5  # where the outer folds are too few to select on


@dataclass(frozen=True, eq=False)
class Split:
    """Clips to fit an estimator on, and clips to predict.

    Attributes
    ----------
    train : np.ndarray [shape=(n_clips,), dtype=bool]
    test : np.ndarray [shape=(n_test,), dtype=int]
        Indices of the clips to predict.
    counts_in : dict of int to np.ndarray [shape=(n_test,), dtype=bool]
        For each selection that uses the split, which of `test` count in it.
    """

    train: np.ndarray
    test: np.ndarray
    counts_in: dict[int, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class CrossValidation:
    """The splits to fit on, and for each selection the folds in which its clips are tested (-1: not at all)."""

    splits: tuple[Split, ...]
    selection_folds: tuple[np.ndarray, ...]


def outer_splits(task: SearchTask) -> list[Split]:
    """Fit on all clips but a fold's, predict the fold; one split a fold."""
    folds = task.folds
    return [Split(folds != number, np.flatnonzero(folds == number)) for number in np.unique(folds[folds >= 0])]


def plain_cv(splits: list[Split], task: SearchTask) -> CrossValidation:
    """Select the best candidate on the test folds themselves (one selection), as the authors' program does."""
    for split in splits:
        split.counts_in[0] = np.ones(len(split.test), dtype=bool)
    return CrossValidation(tuple(splits), (task.folds,))


def nested_cv(task: SearchTask, seed: int) -> CrossValidation:
    """Select a candidate for each outer fold by an inner cross-validation of the clips outside that fold.

    Without `inner_folds` and with three outer folds or more, the other outer folds are the inner ones. Grouping then
    holds inside as well, and the fit that leaves out folds f and g counts in both selections: it predicts g for f's, f
    for g's. That halves the work.

    Where inner folds must be drawn, `seed` draws them, and groups are kept together. Raises `OptionError` where the
    inner folds leave no clip to select on.
    """
    folds = task.folds
    numbers = np.unique(folds[folds >= 0])
    shared = task.inner_folds is None and len(numbers) >= 3
    splits: dict[tuple, Split] = {}
    selection_folds = []
    for selection, outer in enumerate(numbers):
        inside = folds != outer
        given = folds if shared else task.inner_folds
        inner = np.where(inside, _drawn_folds(task, inside, seed) if given is None else given, -1)
        if not (inner >= 0).any():
            problem = "no clip outside the test fold to select on"
            raise OptionError(problem, field="inner_folds", cure="give some an inner fold")
        selection_folds.append(inner)
        for number in np.unique(inner[inner >= 0]):
            key = (min(outer, number), max(outer, number)) if shared else (outer, number)
            if key not in splits:
                out = np.isin(folds, key) if shared else inner == number
                splits[key] = Split(inside & (inner != number), np.flatnonzero(out))
            splits[key].counts_in[selection] = inner[splits[key].test] == number
    return CrossValidation(tuple(splits.values()), tuple(selection_folds))


def check_train_clips(splits: list[Split] | tuple[Split, ...], task: SearchTask) -> None:
    """Raise `OptionError` where a split has nothing to fit on, or a single class."""
    for split in splits:
        present = np.unique(task.target[split.train])
        if len(present) < (2 if task.estimator == "SVC" else 1):
            few = "the clips left for training hold fewer than two classes" if len(present) else "no clip to train on"
            raise OptionError(few, field="folds", cure="use other folds, or more clips a class")


def _drawn_folds(task: SearchTask, inside: np.ndarray, seed: int) -> np.ndarray:
    within = None if task.groups is None else task.groups[inside]
    drawn = np.full(len(inside), -1)
    if task.estimator == "SVC":
        drawn[inside] = grouped_stratified_folds(task.target[inside], within, N_INNER_FOLDS, seed)
    else:
        drawn[inside] = grouped_folds(int(inside.sum()), within, N_INNER_FOLDS, seed)
    return drawn
