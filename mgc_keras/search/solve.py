"""Train one support vector machine on some clips of a kernel matrix that all folds share, and predict others."""

from dataclasses import dataclass

import numpy as np

from mgc_keras.search.smo import train_pairs, train_regression

# Clips that are predicted together, so that their kernel values stay in the processor's cache.
_TESTED_AT_ONCE = 64


@dataclass(frozen=True)
class Solution:
    """Predictions of one fit.

    Attributes
    ----------
    predictions : np.ndarray [shape=(n_tested,)]
        Class numbers (int) or values (float).
    cut_off : bool
        Whether the iteration budget ended before the stopping criterion was met.
    """

    predictions: np.ndarray
    cut_off: bool


def solve(
    estimator: str,
    kernel: np.ndarray,
    target: np.ndarray,
    trained_on: np.ndarray,
    tested: np.ndarray,
    cost: float,
    max_iter: int = -1,
) -> Solution:
    """Train on some clips and predict others.

    Parameters
    ----------
    estimator : {"SVC", "SVR"}
        Those of libsvm, with scikit-learn's default settings but for the ones below.
    kernel : np.ndarray [shape=(n_clips, n_clips), dtype=float64]
        Symmetric, C-contiguous. Fastest where the clips are sorted by class.
    target : np.ndarray [shape=(n_clips,)]
        Class numbers, or values.
    trained_on : np.ndarray [shape=(n_clips,), dtype=bool]
        At least two classes for SVC.
    tested : np.ndarray [shape=(n_tested,), dtype=int]
        Indices of the clips to predict.
    cost : float
        The penalty C.
    max_iter : int
        Iteration budget for each pair of classes; -1: none.

    Returns
    -------
    Solution
        As scikit-learn would predict with the same kernel computed from the features.
    """
    members = np.flatnonzero(trained_on)
    if estimator == "SVR":
        coefficients, intercept, cut_off = train_regression(kernel, members, target[members], cost, max_iter)
        support = coefficients != 0
        values = kernel[np.ix_(tested, members[support])] @ coefficients[support] + intercept
        return Solution(values, cut_off)
    members = members[np.argsort(target[members], kind="stable")]
    classes, starts = np.unique(target[members], return_index=True)
    coefficients, intercepts, cut_off = train_pairs(kernel, members, np.append(starts, len(members)), cost, max_iter)
    support = coefficients.any(axis=0)
    of_class = np.repeat(np.arange(len(classes)), np.diff(np.append(starts, len(members))))
    winners = _vote(kernel, tested, members[support], of_class[support], coefficients[:, support], intercepts)
    return Solution(classes[winners], cut_off)


def _vote(
    kernel: np.ndarray,
    tested: np.ndarray,
    support: np.ndarray,
    support_classes: np.ndarray,
    coefficients: np.ndarray,
    intercepts: np.ndarray,
) -> np.ndarray:
    """Let every pair of classes vote; the class with most votes wins, the first among equals."""
    n_classes = len(coefficients) + 1
    products = np.empty((n_classes, len(tested), n_classes - 1))
    members = [np.flatnonzero(support_classes == number) for number in range(n_classes)]
    for begin in range(0, len(tested), _TESTED_AT_ONCE):
        some = slice(begin, begin + _TESTED_AT_ONCE)
        values = kernel[tested[some, None], support]
        for number, of_class in enumerate(members):
            products[number, some] = values[:, of_class] @ coefficients[:, of_class].T
    first, second = np.triu_indices(n_classes, 1)
    decisions = products[first, :, second - 1] + products[second, :, first] + intercepts[:, None]
    winners = np.where(decisions > 0, first[:, None], second[:, None])
    votes = np.bincount(
        (winners * len(tested) + np.arange(len(tested))).ravel(), minlength=n_classes * len(tested)
    ).reshape(n_classes, len(tested))
    return votes.argmax(axis=0)
