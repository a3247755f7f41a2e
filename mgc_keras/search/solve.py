"""Solve one support vector machine on a precomputed kernel matrix, without copying the matrix.

The training clips are picked by sample weights of one and zero: libsvm drops clips of weight zero, keeps the order of
the others, and multiplies C by one. So all folds share the same matrix.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from sklearn import config_context
from sklearn.svm import SVC, SVR

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
        Whether libsvm reached the iteration budget before its stopping criterion.
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
        scikit-learn's, with its default settings but for the ones below.
    kernel : np.ndarray [shape=(n_clips, n_clips), dtype=float64]
        C-contiguous. Fastest where the clips are sorted by class.
    target : np.ndarray [shape=(n_clips,)]
        Class numbers, or values.
    trained_on : np.ndarray [shape=(n_clips,), dtype=bool]
        At least two classes for SVC.
    tested : np.ndarray [shape=(n_tested,), dtype=int]
        Indices of the clips to predict.
    cost : float
        The penalty C.
    max_iter : int
        Iteration budget for each of libsvm's binary problems; -1: none.

    Returns
    -------
    Solution
        As scikit-learn would predict with the same kernel computed from the features.
    """
    machine = {"SVC": SVC, "SVR": SVR}[estimator](kernel="precomputed", C=cost, max_iter=max_iter)
    with config_context(assume_finite=True, skip_parameter_validation=True):
        machine.fit(kernel, target, sample_weight=trained_on.astype(np.float64))
    support = np.flatnonzero(trained_on)[machine.support_] if _support_counts_trained() else machine.support_
    if estimator == "SVC":
        predictions = _vote(machine, kernel, target, trained_on, tested, support)
    else:
        predictions = kernel[np.ix_(tested, support)] @ machine.dual_coef_[0] + machine.intercept_[0]
    return Solution(predictions, machine.fit_status_ == 1)


def _vote(
    machine: SVC,
    kernel: np.ndarray,
    target: np.ndarray,
    trained_on: np.ndarray,
    tested: np.ndarray,
    support: np.ndarray,
) -> np.ndarray:
    """Let every pair of classes vote; the class with most votes wins, the first among equals.

    Row r of the dual coefficients of a support vector of class c belongs to the pair of c with the (r+1)-th class
    where that lies behind c, else with the r-th.
    """
    classes = np.unique(target[trained_on])
    coefficients, intercept = machine.dual_coef_, machine.intercept_
    if len(machine.classes_) == 2:
        coefficients, intercept = -coefficients, -intercept
    products = np.empty((len(classes), len(tested), len(classes) - 1))
    support_classes = target[support]
    members = [np.flatnonzero(support_classes == name) for name in classes]
    for begin in range(0, len(tested), _TESTED_AT_ONCE):
        some = slice(begin, begin + _TESTED_AT_ONCE)
        values = kernel[tested[some, None], support]
        for number, of_class in enumerate(members):
            products[number, some] = values[:, of_class] @ coefficients[:, of_class].T
    first, second = np.triu_indices(len(classes), 1)
    decisions = products[first, :, second - 1] + products[second, :, first] + intercept[:, None]
    winners = np.where(decisions > 0, first[:, None], second[:, None])
    votes = np.bincount(
        (winners * len(tested) + np.arange(len(tested))).ravel(), minlength=len(classes) * len(tested)
    ).reshape(len(classes), len(tested))
    return classes[votes.argmax(axis=0)]


@cache
def _support_counts_trained() -> bool:
    """Tell whether `support_` counts clips of weight zero; scikit-learn's releases do not, and promise nothing."""
    kernel = np.diag([1.0, 1.0, 1.0])
    machine = SVC(kernel="precomputed").fit(kernel, [0, 0, 1], sample_weight=[0.0, 1.0, 1.0])
    return int(machine.support_.max()) == 1
