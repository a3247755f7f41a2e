"""The clips of a search, their train/test splits, and the selections that each split counts in.

A selection is the choice of one candidate by cross-validation: one selection in all, or one for each outer fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mgc_keras.checks import checked_choice
from mgc_keras.datasets.splits import grouped_folds, grouped_stratified_folds
from mgc_keras.errors import OptionError

N_INNER_FOLDS = 5  # where the outer folds are too few to select on
METRIC_OF = {"SVC": "accuracy", "SVR": "r2"}


@dataclass(frozen=True)
class SearchTask:
    """Target and folds, sorted by class for SVC: libsvm then reads a kernel matrix in long runs.

    Attributes
    ----------
    estimator : {"SVC", "SVR"}
    order : np.ndarray [shape=(n_clips,), dtype=int]
        The caller's index of each clip here. Within a class the caller's order is kept, as libsvm itself does, so that
        sorting changes no solution.
    target : np.ndarray [shape=(n_clips,)]
        Class numbers (int), or values (float64).
    classes : np.ndarray or None
        The label of each class number; None for SVR.
    folds : np.ndarray [shape=(n_clips,), dtype=int]
    inner_folds, groups : np.ndarray [shape=(n_clips,)] or None
    """

    estimator: str
    order: np.ndarray
    target: np.ndarray
    classes: np.ndarray | None
    folds: np.ndarray
    inner_folds: np.ndarray | None
    groups: np.ndarray | None

    @property
    def metric(self) -> str:
        """Return the metric of the estimator: accuracy or r2."""
        return METRIC_OF[self.estimator]


def prepare_task(
    target: Sequence | np.ndarray,
    folds: np.ndarray,
    estimator: str,
    inner_folds: np.ndarray | None = None,
    groups: Sequence | np.ndarray | None = None,
) -> SearchTask:
    """Check the clips of a search and sort them. Parameters and errors as in `mgc_keras.search.search`."""
    checked_choice("estimator", estimator, METRIC_OF)
    target, folds = np.asarray(target), np.asarray(folds)
    for name, column in {"folds": folds, "inner_folds": inner_folds, "groups": groups}.items():
        if column is not None and np.shape(column) != (len(target),):
            raise OptionError(f"has the shape {np.shape(column)}, the target {target.shape}", field=name)
    if folds.dtype.kind not in "iu" or not (folds >= 0).any():
        raise OptionError("needs whole numbers, and a clip with a fold of 0 or above", field="folds")
    if estimator == "SVR":
        target = target.astype(np.float64)
        if not np.isfinite(target).all():
            raise OptionError("holds values that are not finite", field="target", cure="leave such clips out")
        classes, order = None, np.arange(len(target))
    else:
        classes, target = np.unique(target, return_inverse=True)
        order = np.argsort(target, kind="stable")
    return SearchTask(
        estimator,
        order,
        target[order],
        classes,
        folds[order],
        None if inner_folds is None else np.asarray(inner_folds)[order],
        None if groups is None else np.asarray(groups)[order],
    )


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


def _check_classes(task: SearchTask, inside: np.ndarray) -> None:
    numbers, counts = np.unique(task.target[inside], return_counts=True)
    if counts.min() < N_INNER_FOLDS:
        name = numbers[counts.argmin()] if task.classes is None else task.classes[numbers[counts.argmin()]]
        clips = "clip" if counts.min() == 1 else "clips"
        problem = (
            f"class {str(name)!r} has {counts.min()} {clips} to learn from, and {N_INNER_FOLDS} folds of these choose"
        )
        cure = f"give at least {N_INNER_FOLDS} training clips a class, or leave the class out"
        raise OptionError(problem, field="label", cure=cure)


def _drawn_folds(task: SearchTask, inside: np.ndarray, seed: int) -> np.ndarray:
    within = None if task.groups is None else task.groups[inside]
    drawn = np.full(len(inside), -1)
    if task.estimator == "SVC":
        _check_classes(task, inside)
        drawn[inside] = grouped_stratified_folds(task.target[inside], within, N_INNER_FOLDS, seed)
    else:
        drawn[inside] = grouped_folds(int(inside.sum()), within, N_INNER_FOLDS, seed)
    return drawn
