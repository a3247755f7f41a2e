"""The clips of a search: target, folds and groups, checked, in the order in which estimators are fitted fastest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mgc_keras.errors import OptionError

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
    """Check the clips of a search and sort them. Parameters as in `mgc_keras.search.search`.

    Raises
    ------
    OptionError
        An unknown estimator, lengths that differ, no tested clip, a target that is not finite.
    """
    if estimator not in METRIC_OF:
        raise OptionError(f"unknown estimator {estimator!r}", field="estimator", cure="choose one of SVC, SVR")
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
