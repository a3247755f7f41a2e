"""Fit candidates on the splits of a cross-validation, side by side, on kernel matrices that they share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mgc_keras.search.grid import Candidate
from mgc_keras.search.kernels import BlockKernels, kernel_matrix
from mgc_keras.search.smo import train_pairs, train_regression
from mgc_keras.search.splits import SearchTask, Split

# Clips that are predicted together, so that their kernel values stay in the processor's cache.
_PREDICTED_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Fit:
    """One candidate, fitted on a split, and its predictions.

    Attributes
    ----------
    split : Split
    candidate : int
        Its index in the grid.
    predictions : np.ndarray [shape=(n_test,)]
        Of the split's `test`: class numbers (int) or values (float).
    cut_off : bool
        Whether the iteration budget ended before the stopping criterion was met.
    """

    split: Split
    candidate: int
    predictions: np.ndarray
    cut_off: bool


class Fits:
    """Fits of the candidates on some blocks of features.

    Without standardisation all splits share one kernel matrix a gamma. With it each split has its own, so the fits of
    one split are made one after another.

    Parameters
    ----------
    kernels, blocks, task, grid, max_iter
        Of the search.
    standardize : bool
        Standardise on the clips that a split fits.
    each : callable
        `map`, or that of a pool of threads: the solver and NumPy let go of Python's lock. Pools of processes would need
        a copy of the kernel matrices.

    Attributes
    ----------
    count : int
        How many fits were made.
    """

    def __init__(
        self,
        kernels: BlockKernels,
        blocks: Sequence[str],
        task: SearchTask,
        grid: tuple[Candidate, ...],
        standardize: bool,
        max_iter: int | None,
        each: Callable,
    ) -> None:
        self._kernels, self._blocks, self._task, self._grid = kernels, tuple(blocks), task, grid
        self._max_iter, self._each = -1 if max_iter is None else max_iter, each
        # None: each split has its own.
        self._gram = None if standardize else kernels.gram(blocks, each=each)
        self._shared: tuple[float | None, np.ndarray] | None = None
        self._rbf_memory: np.ndarray | None = None
        self.has_budget = max_iter is not None
        self.count = 0

    def run(self, requests: list[tuple[Split, list[int]]]) -> list[Fit]:
        """Fit candidates (indices into the grid, all of one kernel unless standardised) on their splits, in order."""
        units = units_of(requests, standardize=self._gram is None)
        if units:
            self.prepare(units[0][1], self._each)
        fits = [fit for unit in self._each(lambda unit: self.fit(*unit), units) for fit in unit]
        self.count += len(fits)
        return fits

    def prepare(self, some: list[int], each: Callable) -> None:
        """Compute the kernel matrix of candidates that share one, if all splits share it and it is not there yet."""
        gamma = self._grid[some[0]].gamma
        if self._gram is None or (self._shared is not None and self._shared[0] == gamma):
            return
        kernel = kernel_matrix(self._gram, gamma, each, self._rbf_memory)
        self._shared = (gamma, kernel)
        if gamma is not None:
            self._rbf_memory = kernel  # the next one takes its place

    def fit(self, split: Split, some: list[int]) -> list[Fit]:
        """Fit some candidates on a split, one after another."""
        gram = self._kernels.gram(self._blocks, split.train) if self._gram is None else self._gram
        gamma, kernel = self._shared or (None, gram)
        fits = []
        for index in some:
            candidate = self._grid[index]
            if candidate.gamma != gamma:
                gamma, kernel = candidate.gamma, kernel_matrix(gram, candidate.gamma)
            predictions, cut_off = fit_predict(
                self._task.estimator, kernel, self._task.target, split.train, split.test, candidate.C, self._max_iter
            )
            fits.append(Fit(split, index, predictions, cut_off))
        return fits


def units_of(requests: list[tuple[Split, list[int]]], standardize: bool) -> list[tuple[Split, list[int]]]:
    """Cut requests into what is worked on side by side: single fits, or, standardised, those of a split."""
    if standardize:
        return [request for request in requests if request[1]]
    return [(split, [candidate]) for split, some in requests for candidate in some]


def fit_predict(
    estimator: str,
    kernel: np.ndarray,
    target: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    cost: float,
    max_iter: int = -1,
) -> tuple[np.ndarray, bool]:
    """Fit one support vector machine on some clips of a kernel matrix, and predict others.

    Parameters
    ----------
    estimator : {"SVC", "SVR"}
        Those of libsvm, with scikit-learn's default settings but for the ones below.
    kernel : np.ndarray [shape=(n_clips, n_clips), dtype=float64]
        Symmetric, C-contiguous. Fastest where the clips are sorted by class.
    target : np.ndarray [shape=(n_clips,)]
        Class numbers, or values.
    train : np.ndarray [shape=(n_clips,), dtype=bool]
        At least two classes for SVC.
    test : np.ndarray [shape=(n_test,), dtype=int]
        Indices of the clips to predict.
    cost : float
        The penalty C.
    max_iter : int
        Iteration budget for each pair of classes; -1: none.

    Returns
    -------
    predictions : np.ndarray [shape=(n_test,)]
        Class numbers (int) or values (float), as scikit-learn would predict with the same kernel computed from the
        features.
    cut_off : bool
        As of `Fit`.
    """
    members = np.flatnonzero(train)
    if estimator == "SVR":
        machine = train_regression(kernel, members, target[members], cost, max_iter)
        support = machine.dual_coef != 0
        products = kernel[np.ix_(test, members[support])] @ machine.dual_coef[support]
        return products + machine.intercept, machine.cut_off
    members = members[np.argsort(target[members], kind="stable")]
    classes, starts = np.unique(target[members], return_index=True)
    starts = np.append(starts, len(members))
    machine = train_pairs(kernel, members, starts, cost, max_iter)
    support = machine.dual_coef.any(axis=0)
    of_class = np.repeat(np.arange(len(classes)), np.diff(starts))
    votes = _votes(kernel, test, members[support], of_class[support], machine.dual_coef[:, support], machine.intercept)
    return classes[votes.argmax(axis=1)], machine.cut_off  # the first among classes with equally many votes


def _votes(
    kernel: np.ndarray,
    test: np.ndarray,
    support: np.ndarray,
    support_classes: np.ndarray,
    coefficients: np.ndarray,
    intercepts: np.ndarray,
) -> np.ndarray:
    """Let every pair of classes vote on each clip; return the votes (n_test, n_classes)."""
    n_classes = len(coefficients) + 1
    products = np.empty((n_classes, len(test), n_classes - 1))
    members = [np.flatnonzero(support_classes == number) for number in range(n_classes)]
    for begin in range(0, len(test), _PREDICTED_AT_ONCE):
        some = slice(begin, begin + _PREDICTED_AT_ONCE)
        values = kernel[test[some, None], support]
        for number, of_class in enumerate(members):
            products[number, some] = values[:, of_class] @ coefficients[:, of_class].T
    first, second = np.triu_indices(n_classes, 1)
    decisions = products[first, :, second - 1] + products[second, :, first] + intercepts[:, None]
    winners = np.where(decisions > 0, first[:, None], second[:, None])
    return (winners[:, :, None] == np.arange(n_classes)).sum(axis=0)
