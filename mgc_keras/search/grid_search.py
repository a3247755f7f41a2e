"""The search: the best support vector machine for a set of features, and its out-of-fold predictions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import mode
from typing import Protocol

import numpy as np
import pandas as pd

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.metrics import score
from mgc_keras.search.fits import Fit, Fits
from mgc_keras.search.grid import PUBLISHED, Candidate, Grid, SearchSettings, by_kernel, candidates, likely_best
from mgc_keras.search.kernels import BlockKernels
from mgc_keras.search.result import SearchResult
from mgc_keras.search.selection import COMPLETE, CUT_OFF, STATUS, Selections, fold_scores
from mgc_keras.search.splits import (
    CrossValidation,
    SearchTask,
    Split,
    check_train_clips,
    nested_cv,
    outer_splits,
    plain_cv,
    prepare_task,
)
from mgc_keras.threads import one_thread


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
    settings: SearchSettings = PUBLISHED,
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
    folds : np.ndarray [shape=(n_clips,), dtype=int]
        The fold that tests each clip; -1: never tested, always trained on. See `mgc_keras.datasets.splits`.
    estimator : {"SVC", "SVR"}
    settings : SearchSettings
        `PUBLISHED`, `CORRECTED` or anything between.
    inner_folds : np.ndarray [shape=(n_clips,), dtype=int] or None
        Nested searches: the folds to select on; -1: always trained on. By default the other outer folds; where there
        are fewer than three, five seeded folds of the training clips.
    groups : sequence or None, (n_clips,)
        Nested searches: clips to keep together where inner folds must be drawn.
    grid : {"authors", "reduced"} or sequence of Candidate
        See `candidates`.
    first : Candidate or None
        The candidate to fit first. It changes the work, never the score or the selected candidate.
    max_iter : int or None
        Iteration budget for each of libsvm's binary problems. A candidate that exceeds it in some fit cannot be
        selected, and is named in the result. None: no limit; unscaled MFCCs can then take hours.
    jobs : int
        Threads. The result is the same for any number.

    Raises
    ------
    OptionError
        Options, lengths or folds that make no sense; a budget that cut off every candidate.

    Example
    -------
    >>> from mgc_keras.datasets.splits import plain_folds
    >>> blocks = {"1": np.random.default_rng(0).normal(size=(30, 4))}
    >>> search(blocks, blocks["1"][:, 0], plain_folds(30, 3), "SVR").best
    Candidate(kernel='rbf', C=32.0, gamma=0.0078125)
    """
    task = prepare_task(target, folds, estimator, inner_folds, groups)
    kernels = BlockKernels(features_by_block, task.order)
    return search_prepared(kernels, tuple(features_by_block), task, settings, Options(grid, first, max_iter, jobs))


def search_prepared(
    kernels: BlockKernels, blocks: Sequence[str], task: SearchTask, settings: SearchSettings, options: Options
) -> SearchResult:
    """Search on some of the blocks of `kernels`, which are in the order of `task`; see `search`."""
    if kernels.n_clips != len(task.folds):
        raise OptionError(f"{len(task.folds)} clips have a target, but {kernels.n_clips} have features", field="target")
    with one_thread(), ThreadPoolExecutor(options.jobs) as pool:
        each = pool.map if options.jobs > 1 else map

        def fitter(grid: tuple[Candidate, ...]) -> Fits:
            return Fits(kernels, blocks, task, grid, settings.standardize, options.max_iter, each, options.jobs)

        return search_by(fitter, kernels.n_features(blocks), task, settings, options)


class Fitter(Protocol):
    """Who fits the candidates of a search: `Fits`, or the workers of a cluster."""

    count: int
    has_budget: bool

    def run(self, requests: list[tuple[Split, list[int]]]) -> list[Fit]:
        """As `Fits.run`."""


def search_by(
    fitter: Callable[[tuple[Candidate, ...]], Fitter],
    n_features: int,
    task: SearchTask,
    settings: SearchSettings,
    options: Options,
) -> SearchResult:
    """Search, and leave the fits to what `fitter` returns for the grid; see `search`."""
    grid = candidates(n_features, options.grid)
    first = options.first if options.first in grid else likely_best(grid, n_features)
    return _GridSearch(fitter(grid), task, settings, grid, first).run()


class _GridSearch:
    """One search: its fits, its selections and the predictions that come of them."""

    def __init__(
        self, fits: Fitter, task: SearchTask, settings: SearchSettings, grid: tuple[Candidate, ...], first: Candidate
    ) -> None:
        self._fits, self._task, self._settings, self._grid, self._first = fits, task, settings, grid, first
        # Each candidate's last prediction of each clip.
        self._predictions = np.full((len(grid), len(task.folds)), np.nan)

    def run(self) -> SearchResult:
        splits = outer_splits(self._task)
        check_train_clips(splits, self._task)
        if self._settings.nested:
            selections = self._select(nested_cv(self._task, self._settings.seed))
            chosen = [selections.selected(selection) for selection in range(len(splits))]
            # The fits of one candidate share its kernel.
            for candidate in sorted(set(chosen)):
                of_candidate = [split for split, choice in zip(splits, chosen, strict=True) if choice == candidate]
                self._fit([(split, [candidate]) for split in of_candidate])
        else:
            selections = self._select(plain_cv(splits, self._task))
            chosen = [selections.selected(0)] * len(splits)
        out_of_fold = np.full(len(self._task.folds), np.nan)
        for split, candidate in zip(splits, chosen, strict=True):
            out_of_fold[split.test] = self._predictions[candidate, split.test]
        return self._result(selections, chosen, out_of_fold)

    def _fit(self, requests: list[tuple[Split, list[int]]]) -> list[Fit]:
        fits = self._fits.run(requests)
        for fit in fits:
            self._predictions[fit.candidate, fit.split.test] = fit.predictions
        return fits

    def _select(self, cv: CrossValidation) -> Selections:
        """Fit the splits round by round and drop candidates in between. Rounds do not depend on the number of jobs."""
        check_train_clips(cv.splits, self._task)
        selections = Selections(cv, len(self._grid), self._task, self._settings.fold_weighting)
        groups = by_kernel(self._grid, self._first)
        if self._settings.standardize:
            # Each split has inner products of its own, which are better computed once for all kernels.
            groups = [[candidate for group in groups for candidate in group]]
        splits = list(cv.splits)
        losses: dict[int, float] = {}
        for group in [[self._grid.index(self._first)], *groups]:
            for some in _rounds(splits, group, selections, budget=self._fits.has_budget):
                requests = [(split, [index for index in group if selections.needs(split, index)]) for split in some]
                for fit in self._fit(requests):
                    losses.setdefault(id(fit.split), selections.add(fit))
                selections.drop()
            # From now on the splits that cost the first candidate most come first: they drop candidates soonest.
            splits.sort(key=lambda split: -losses.get(id(split), 0.0))
        return selections

    def _result(self, selections: Selections, chosen: list[int], predictions: np.ndarray) -> SearchResult:
        task, grid = self._task, self._grid
        tested = task.folds >= 0
        truth, predicted, folds = task.target[tested], predictions[tested], task.folds[tested]
        cut_off = (selections.status == CUT_OFF).any(axis=0)
        clips = pd.DataFrame({"clip": task.order[tested], "fold": folds, "truth": truth, "prediction": predicted})
        clips = clips.sort_values("clip", ignore_index=True)
        if task.classes is not None:
            for column in ("truth", "prediction"):
                clips[column] = task.classes[clips[column].astype(int)]
        return SearchResult(
            estimator=task.estimator,
            metric=task.metric,
            settings=self._settings,
            score=score(truth, predicted, task.metric, folds, self._settings.fold_weighting),
            best=grid[mode(sorted(chosen))],
            chosen=tuple(grid[candidate] for candidate in chosen),
            fold_scores=tuple(fold_scores(task.metric, truth, predicted, folds)),
            predictions=clips,
            cv_results=self._cv_results(selections),
            cut_off=tuple(candidate.name for candidate, cut in zip(grid, cut_off, strict=True) if cut),
            n_fits=self._fits.count,
        )

    def _cv_results(self, selections: Selections) -> pd.DataFrame:
        n_selections, n_candidates = selections.status.shape
        table = pd.DataFrame(self._grid * n_selections).astype({"gamma": float})
        table.insert(0, "fold", np.repeat(np.arange(n_selections), n_candidates) if self._settings.nested else -1)
        table["score"] = np.where(selections.status == COMPLETE, selections.bounds, np.nan).ravel()
        table["status"] = [STATUS[status] for status in selections.status.ravel()]
        return table


def _rounds(splits: list[Split], group: list[int], selections: Selections, budget: bool) -> Iterator[list[Split]]:
    """Cut the splits into rounds: at first as many as it takes to drop a candidate that is always wrong, then few.

    Under an iteration budget one split goes first: candidates that it cuts off cost a single fit.
    """
    ahead = len(splits) if len(group) == 1 else max(1, int(len(splits) * selections.smallest_loss()))
    begin = 0
    if budget:
        yield splits[:1]
        begin, ahead = 1, max(1, ahead - 1)
    while begin < len(splits):
        yield splits[begin : begin + ahead]
        begin += ahead
        # Two jobs each take all candidates of a split, where penalties may share a machine.
        ahead = max(-(-len(splits) // 10), 2)
