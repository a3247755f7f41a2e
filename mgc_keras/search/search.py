"""The search: the best support vector machine for a set of features, and its out-of-fold predictions."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from mgc_keras.errors import OptionError
from mgc_keras.protocols import PUBLISHED, Protocol
from mgc_keras.search.fits import Fits
from mgc_keras.search.grid import Candidate, Grid, by_kernel, candidates, likely_winner
from mgc_keras.search.kernels import BlockKernels
from mgc_keras.search.problem import Problem, prepare
from mgc_keras.search.result import SearchResult
from mgc_keras.search.scoring import METRICS, clip_losses, fold_scores, total_score
from mgc_keras.search.selection import COMPLETE, CUT_OFF, STATUS, Contests
from mgc_keras.search.trials import (
    Plan,
    Trial,
    check_trained,
    nested_plan,
    outer_trials,
    plain_plan,
)

# From so many candidates on, a round of one trial keeps a few jobs busy.
_MANY = 4


@dataclass(frozen=True)
class Options:
    """The options of `search` that change its work; see there."""

    grid: Grid = "authors"
    first: Candidate | None = None
    max_iter: int | None = None
    jobs: int = 1

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise OptionError(f"{self.jobs} jobs cannot work", field="jobs", cure="use 1 or more")
        if self.max_iter is not None and self.max_iter < 1:
            raise OptionError(f"a budget of {self.max_iter} iterations", field="max_iter", cure="use 1 or more")


def search(
    features_by_block: Mapping[str, np.ndarray],
    target: Sequence | np.ndarray,
    folds: np.ndarray,
    estimator: str = "SVC",
    protocol: Protocol = PUBLISHED,
    *,
    inner_folds: np.ndarray | None = None,
    groups: Sequence | np.ndarray | None = None,
    grid: Grid = "authors",
    first: Candidate | None = None,
    max_iter: int | None = None,
    jobs: int = 1,
) -> SearchResult:
    """Search the grid for the best support vector machine on all given features together.

    Parameters
    ----------
    features_by_block : mapping of str to np.ndarray [shape=(n_clips, n_columns), dtype=float]
        The blocks are joined side by side, for instance one a convnet layer.
    target : sequence of str or int, or of float (SVR), (n_clips,)
        Labels or values.
    folds : np.ndarray [shape=(n_clips,), dtype=int]
        The fold that tests each clip; -1: never tested, always trained on. See `mgc_keras.datasets.splits`.
    estimator : {"SVC", "SVR"}
    protocol : Protocol
        `PUBLISHED`, `CORRECTED` or anything between.
    inner_folds : np.ndarray [shape=(n_clips,), dtype=int] or None
        Nested protocols: the folds to choose on; -1: always trained on. By default the other outer folds; where there
        are fewer than three, five seeded folds of the training clips.
    groups : sequence or None, (n_clips,)
        Nested protocols: clips to keep together where inner folds must be drawn.
    grid : {"authors", "reduced"} or sequence of Candidate
        See `candidates`.
    first : Candidate or None
        The candidate to try first. It changes the work, never the score or the choice.
    max_iter : int or None
        Iteration budget for each of libsvm's binary problems. A candidate that exceeds it in some fit cannot be chosen,
        and is named in the result. None: no limit; unscaled MFCCs can then take hours.
    jobs : int
        Threads. The result is the same for any number.

    Returns
    -------
    SearchResult

    Raises
    ------
    OptionError
        Options, lengths or folds that make no sense; a budget that cut off every candidate.

    Example
    -------
    >>> from mgc_keras.datasets.splits import plain_folds
    >>> blocks = {"1": np.random.default_rng(0).normal(size=(30, 4))}
    >>> search(blocks, blocks["1"][:, 0], plain_folds(30, 3), "SVR").best
    Candidate(kernel='linear', C=2.0, gamma=None)
    """
    problem = prepare(target, folds, estimator, inner_folds, groups)
    kernels = BlockKernels(features_by_block, problem.order)
    return search_prepared(kernels, tuple(features_by_block), problem, protocol, Options(grid, first, max_iter, jobs))


def search_prepared(
    kernels: BlockKernels, blocks: Sequence[str], problem: Problem, protocol: Protocol, options: Options
) -> SearchResult:
    """Search on some of the blocks of `kernels`, which are in the order of `problem`; see `search`."""
    if kernels.n_clips != len(problem.folds):
        raise OptionError(
            f"{len(problem.folds)} clips have a target, but {kernels.n_clips} have features", field="target"
        )
    # With one BLAS thread rounding, and so everything, is the same for any number of jobs; and threads of threads would
    # only wait for each other.
    with _blas().limit(limits=1, user_api="blas"), ThreadPoolExecutor(options.jobs) as pool:
        grid = candidates(kernels.n_features(blocks), options.grid)
        each = pool.map if options.jobs > 1 else map
        fits = Fits(kernels, blocks, problem, grid, protocol.scaling, options.max_iter, each)
        return _search(fits, problem, protocol, grid, options.first)


def _search(
    fits: Fits, problem: Problem, protocol: Protocol, grid: tuple[Candidate, ...], first: Candidate | None
) -> SearchResult:
    trials = outer_trials(problem.folds)
    check_trained(trials, problem.target, problem.estimator)
    predictions = np.full((len(grid), len(problem.folds)), np.nan)
    if protocol.nested:
        plan = nested_plan(
            problem.folds, problem.target, problem.estimator, protocol.seed, problem.inner_folds, problem.groups
        )
        contests = _decide(plan, fits, problem, protocol, grid, first)
        chosen = [_winner(contests, contest) for contest in range(len(trials))]
        for candidate in sorted(set(chosen)):
            wanted = [(trial, [candidate]) for trial, choice in zip(trials, chosen, strict=True) if choice == candidate]
            for trial, _, solution in fits.run(wanted):
                predictions[candidate, trial.tested] = solution.predictions
    else:
        plan = plain_plan(trials, problem.folds)
        contests = _decide(plan, fits, problem, protocol, grid, first, predictions)
        chosen = [_winner(contests, 0)] * len(trials)
    final = np.full(len(problem.folds), np.nan)
    for trial, candidate in zip(trials, chosen, strict=True):
        final[trial.tested] = predictions[candidate, trial.tested]
    return _result(problem, protocol, grid, contests, chosen, final, fits.count)


def _decide(
    plan: Plan,
    fits: Fits,
    problem: Problem,
    protocol: Protocol,
    grid: tuple[Candidate, ...],
    first: Candidate | None,
    predictions: np.ndarray | None = None,
) -> Contests:
    """Solve the trials round by round and drop losers in between. The rounds do not depend on the number of jobs."""
    check_trained(plan.trials, problem.target, problem.estimator)
    contests = Contests(plan, len(grid), problem.estimator, protocol.fold_weighting, problem.target)
    first = first if first in grid else likely_winner(grid, fits.n_features)
    groups = by_kernel(grid, first)
    if protocol.scaling:
        # Each trial has inner products of its own, which are better computed once for all kernels.
        groups = [[candidate for group in groups for candidate in group]]
    trials, losses = list(plan.trials), {}
    for group in [[grid.index(first)], *groups]:
        for some in _rounds(trials, group, contests, budget=fits.has_budget):
            wanted = [(trial, [one for one in group if contests.wanted(trial, one)]) for trial in some]
            for trial, candidate, solution in fits.run(wanted):
                contests.enter(trial, candidate, solution.predictions, solution.cut_off)
                loss = clip_losses(problem.estimator, problem.target[trial.tested], solution.predictions)
                losses.setdefault(id(trial), loss.sum())
                if predictions is not None:
                    predictions[candidate, trial.tested] = solution.predictions
            contests.drop_losers()
        # From now on the trials that cost the first candidate most come first: they tell losers soonest.
        trials.sort(key=lambda trial: -losses.get(id(trial), 0.0))
    return contests


def _rounds(trials: list[Trial], group: list[int], contests: Contests, budget: bool) -> Iterator[list[Trial]]:
    """Cut the trials into rounds: at first as many as it takes to drop a candidate that is always wrong, then few.

    Under an iteration budget one trial goes first: candidates that it cuts off cost a single fit.
    """
    ahead = len(trials) if len(group) == 1 else max(1, int(len(trials) * contests.smallest_loss()))
    begin = 0
    if budget:
        yield trials[:1]
        begin, ahead = 1, max(1, ahead - 1)
    while begin < len(trials):
        yield trials[begin : begin + ahead]
        begin += ahead
        running = sum(any(contests.wanted(trial, one) for trial in trials[begin:]) for one in group)
        # Fits of very unequal length leave jobs idle at the end of a round, most of all where only a few are left.
        ahead = max(-(-len(trials) // 10), 1 if running >= _MANY else 2)


def _winner(contests: Contests, contest: int) -> int:
    winner = contests.winner(contest)
    if winner is None:
        raise OptionError("the iteration budget cut off every candidate", field="max_iter", cure="use a larger one")
    return winner


def _result(
    problem: Problem,
    protocol: Protocol,
    grid: tuple[Candidate, ...],
    contests: Contests,
    chosen: list[int],
    predictions: np.ndarray,
    n_fits: int,
) -> SearchResult:
    tested, truth = problem.folds >= 0, problem.target
    table = []
    for contest, statuses in enumerate(contests.status):
        for candidate, status, bound in zip(grid, statuses, contests.bounds[contest], strict=True):
            row = {"fold": contest if protocol.nested else -1, "kernel": candidate.kernel, "C": candidate.C}
            row |= {"gamma": np.nan if candidate.gamma is None else candidate.gamma}
            table.append(row | {"score": bound if status == COMPLETE else np.nan, "status": STATUS[int(status)]})
    cut_off = (contests.status == CUT_OFF).any(axis=0)
    clips = pd.DataFrame({"clip": problem.order, "fold": problem.folds, "truth": truth, "prediction": predictions})
    clips = clips[tested].sort_values("clip", ignore_index=True)
    if problem.classes is not None:
        for column in ("truth", "prediction"):
            clips[column] = problem.classes[clips[column].astype(int)]
    return SearchResult(
        estimator=problem.estimator,
        metric=METRICS[problem.estimator],
        protocol=protocol.name,
        score=total_score(problem.estimator, protocol.fold_weighting, truth, predictions, problem.folds),
        best=grid[max(Counter(sorted(chosen)).items(), key=lambda item: item[1])[0]],
        chosen=tuple(grid[candidate] for candidate in chosen),
        fold_scores=tuple(fold_scores(problem.estimator, truth, predictions, problem.folds)),
        predictions=clips,
        table=pd.DataFrame(table),
        cut_off=tuple(candidate.name for candidate, cut in zip(grid, cut_off, strict=True) if cut),
        n_fits=n_fits,
    )


@cache
def _blas() -> ThreadpoolController:
    # Looking for the libraries takes milliseconds: once a process is enough.
    return ThreadpoolController()
