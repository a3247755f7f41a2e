"""Fit candidates on the splits of a cross-validation, side by side, on kernel matrices that they share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from mgc_keras.search.grid import Candidate
from mgc_keras.search.kernels import BlockKernels, kernel_matrix
from mgc_keras.search.smo import Machine, train_pairs, train_regression
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
    jobs : int
        Threads of `each`.

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
        jobs: int,
    ) -> None:
        self._kernels, self._blocks, self._task, self._grid = kernels, tuple(blocks), task, grid
        self._max_iter, self._each, self._jobs = -1 if max_iter is None else max_iter, each, jobs
        # None: each split has its own.
        self._gram = None if standardize else kernels.gram(blocks, each=each)
        self._shared: tuple[float | None, np.ndarray] | None = None
        self._rbf_memory: np.ndarray | None = None
        self.has_budget = max_iter is not None
        self.count = 0

    def run(self, requests: list[tuple[Split, list[int]]]) -> list[Fit]:
        """Fit candidates (indices into the grid, all of one kernel unless standardised) on their splits, in order."""
        units = units_of(requests, whole=self._gram is None or len(requests) >= self._jobs)
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
        known, kernel = self._shared or (None, gram)
        fits = []
        for gamma, group in groupby(some, key=lambda index: self._grid[index].gamma):
            if gamma != known:
                known, kernel = gamma, kernel_matrix(gram, gamma)
            indices = list(group)
            costs = [self._grid[index].C for index in indices]
            found = fit_predict(
                self._task.estimator, kernel, self._task.target, split.train, split.test, costs, self._max_iter
            )
            fits += [Fit(split, index, *answer) for index, answer in zip(indices, found, strict=True)]
        return fits


def units_of(requests: list[tuple[Split, list[int]]], whole: bool) -> list[tuple[Split, list[int]]]:
    """Cut requests into what is worked on side by side: those of a split as a `whole`, or single fits."""
    if whole:
        return [request for request in requests if request[1]]
    return [(split, [candidate]) for split, some in requests for candidate in some]


def fit_predict(
    estimator: str,
    kernel: np.ndarray,
    target: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    costs: Sequence[float],
    max_iter: int = -1,
) -> list[tuple[np.ndarray, bool]]:
    """Fit a support vector machine for each penalty on some clips of a kernel matrix, and predict others.

    A penalty that holds no alpha back changes nothing, so its machine serves every penalty that would not either, the
    same to the last bit.

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
    costs : sequence of float
        The penalties C.
    max_iter : int
        Iteration budget for each pair of classes; -1: none.

    Returns
    -------
    list of tuple
        For each penalty: class numbers (n_test,), int, or values, float, as scikit-learn would predict with the same
        kernel computed from the features; and whether the fit was cut off, as of `Fit`.
    """
    members = np.flatnonzero(train)
    answers: list[tuple[np.ndarray, bool]] = []
    if estimator == "SVC":
        members = members[np.argsort(target[members], kind="stable")]
        classes, starts = np.unique(target[members], return_index=True)
        starts = np.append(starts, len(members))
        of_class = np.repeat(np.arange(len(classes)), np.diff(starts))
    machine: Machine | None = None
    for cost in costs:
        before = machine
        if estimator == "SVR":
            machine = train_regression(kernel, members, target[members], cost, max_iter, before)
        else:
            machine = train_pairs(kernel, members, starts, cost, max_iter, before)
        if machine is before:
            answers.append(answers[-1])
            continue
        support = machine.dual_coef.any(axis=0) if estimator == "SVC" else machine.dual_coef != 0
        coefficients, supporting = machine.dual_coef[..., support], members[support]
        if estimator == "SVR":
            predictions = kernel[np.ix_(test, supporting)] @ coefficients + machine.intercept
        else:
            votes = _votes(kernel, test, supporting, of_class[support], coefficients, machine.intercept)
            predictions = classes[votes.argmax(axis=1)]  # the first among classes with equally many votes
        answers.append((predictions, bool(machine.cut_off.any())))
    return answers


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
