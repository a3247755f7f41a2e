"""Solve many machines side by side on kernels that they share."""

from collections.abc import Callable, Sequence

import numpy as np

from mgc_keras.search.grid import Candidate
from mgc_keras.search.kernels import BlockKernels, kernel_matrix
from mgc_keras.search.problem import Problem
from mgc_keras.search.solve import Solution, solve
from mgc_keras.search.trials import Trial


class Fits:
    """Fits of the candidates on some blocks of features.

    Without standardisation all trials share one kernel matrix a gamma. With it each trial has its own, so the fits of
    one trial are solved one after another.

    Parameters
    ----------
    kernels : BlockKernels
    blocks : sequence of str
    problem : Problem
    grid : tuple of Candidate
    scaling : bool
        Standardise on the clips that a trial is trained on.
    max_iter : int or None
    each : callable
        `map`, or that of a pool of threads: the solver and NumPy let go of Python's lock. Pools of processes would need
        a copy of the kernel matrices.
    """

    def __init__(
        self,
        kernels: BlockKernels,
        blocks: Sequence[str],
        problem: Problem,
        grid: tuple[Candidate, ...],
        scaling: bool,
        max_iter: int | None,
        each: Callable = map,
    ) -> None:
        self._kernels, self._blocks, self._problem, self._grid = kernels, tuple(blocks), problem, grid
        self._max_iter, self._each, self._scaling = -1 if max_iter is None else max_iter, each, scaling
        self._gram = None if scaling else kernels.gram(blocks, each=each)
        self._shared: tuple[float | None, np.ndarray] | None = None
        self._room: np.ndarray | None = None
        self.has_budget = max_iter is not None
        self.n_features = kernels.n_features(self._blocks)
        self.count = 0

    def run(self, wanted: list[tuple[Trial, list[int]]]) -> list[tuple[Trial, int, Solution]]:
        """Solve the wanted candidates (indices into the grid, all of one kernel unless scaled) of each trial.

        Returns
        -------
        list of (Trial, int, Solution)
            In the order of `wanted`, whatever the number of threads.
        """
        if self._scaling:
            units = [unit for unit in wanted if unit[1]]
        else:
            units = [(trial, [candidate]) for trial, some in wanted for candidate in some]
            if units:
                self._share_kernel(self._grid[units[0][1][0]].gamma)
        self.count += sum(len(some) for _, some in units)
        solved = list(self._each(lambda unit: self._solve(*unit), units))
        return [solution for solutions in solved for solution in solutions]

    def _share_kernel(self, gamma: float | None) -> None:
        if self._shared is None or self._shared[0] != gamma:
            kernel = kernel_matrix(self._gram, gamma, self._each, self._room)
            self._shared = (gamma, kernel)
            if gamma is not None:
                self._room = kernel  # the next one takes its place

    def _solve(self, trial: Trial, some: list[int]) -> list[tuple[Trial, int, Solution]]:
        problem, solutions = self._problem, []
        gram = self._kernels.gram(self._blocks, trial.trained_on) if self._scaling else None
        gamma, kernel = self._shared if gram is None else (None, gram)
        for index in some:
            candidate = self._grid[index]
            if candidate.gamma != gamma:
                gamma, kernel = candidate.gamma, kernel_matrix(gram, candidate.gamma)
            solution = solve(
                problem.estimator, kernel, problem.target, trial.trained_on, trial.tested, candidate.C, self._max_iter
            )
            solutions.append((trial, index, solution))
        return solutions
