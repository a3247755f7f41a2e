"""The search on a cluster: whole feature sets, or single fits, as its tasks.

Workers are sent the blocks of features, once, and compute kernel matrices of these themselves, which they keep between
tasks. Joblib's Dask backend would send the features of every set, keep no kernels, and neither name a worker that is
gone nor compare versions.
"""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mgc_keras.cluster import Cluster, Task
from mgc_keras.search.fits import Fit, Fits, units_of
from mgc_keras.search.grid import Candidate, SearchSettings
from mgc_keras.search.grid_search import Options, search_by, search_prepared
from mgc_keras.search.kernels import BYTES_KEPT, BlockKernels
from mgc_keras.search.result import SearchResult
from mgc_keras.search.splits import SearchTask, Split
from mgc_keras.threads import one_thread

if TYPE_CHECKING:
    from distributed import Future

# Tasks that a round of fits is cut into for each thread, if there are as many fits: fewer leave threads waiting.
_TASKS_A_THREAD = 3


@dataclass(frozen=True, eq=False)
class _Shared:
    """What all tasks of a sweep need.

    Parameters
    ----------
    sweep : str
        A name of its own.
    blocks : mapping of str to np.ndarray [shape=(n_clips, n_columns), dtype=float]
    task, settings
        Of the search.
    bytes_kept : int
        How large the kernel matrices may be that a process keeps.
    """

    sweep: str
    blocks: Mapping[str, np.ndarray]
    task: SearchTask
    settings: SearchSettings
    bytes_kept: int


@dataclass(frozen=True)
class _Search:
    """A search on some blocks."""

    blocks: tuple[str, ...]
    grid: tuple[Candidate, ...]
    max_iter: int | None


class ClusterSearches:
    """Searches of the feature sets of one task; made by `searches_on`."""

    def __init__(self, cluster: Cluster, future: "Future", shared: _Shared) -> None:
        self._cluster, self._future, self._shared = cluster, future, shared

    def side_by_side(
        self, features: Mapping[str, Sequence[str]], options: Mapping[str, Options]
    ) -> Iterator[tuple[str, SearchResult]]:
        """Search every set on a worker; yield names and results as they are done."""
        names = list(features)
        tasks = (
            Task((tuple(features[name]), replace(options[name], jobs=1)), name=f"feature set {name}") for name in names
        )
        for number, result in self._cluster.run(_search, tasks, shared=self._future):
            yield names[number], result

    def search(self, blocks: Sequence[str], options: Options) -> SearchResult:
        """Search one set, its fits on all workers."""
        shared = self._shared

        def fitter(grid: tuple[Candidate, ...]) -> _ClusterFits:
            search = _Search(tuple(blocks), grid, options.max_iter)
            return _ClusterFits(self._cluster, self._future, search, shared.settings.standardize)

        n_features = sum(shared.blocks[block].shape[1] for block in blocks)
        return search_by(fitter, n_features, shared.task, shared.settings, options)


@contextmanager
def searches_on(
    cluster: Cluster, blocks: Mapping[str, np.ndarray], task: SearchTask, settings: SearchSettings
) -> Iterator[ClusterSearches]:
    """Lend the searches of a task to a cluster for as long as the context lasts.

    Parameters
    ----------
    cluster : Cluster
    blocks : mapping of str to np.ndarray [shape=(n_clips, n_columns), dtype=float]
        In the caller's order of clips.
    task, settings
        Of the search.
    """
    # What one process would keep, the workers of a machine keep together.
    machines = Counter(worker.rpartition(":")[0] for worker in cluster.fit())
    bytes_kept = BYTES_KEPT // max(machines.values(), default=1)
    arrays = {name: np.asarray(block) for name, block in blocks.items()}
    shared = _Shared(uuid.uuid4().hex, arrays, task, settings, bytes_kept)
    with cluster.sharing(shared) as future:
        try:
            yield ClusterSearches(cluster, future, shared)
        finally:
            with suppress(Exception):
                # Whatever ended the sweep counts; the next one makes workers forget, too.
                cluster.client.run(_forget, shared.sweep)


class _ClusterFits:
    """As `Fits`, made by the workers of a cluster. A unit of its work is a task."""

    def __init__(
        self,
        cluster: Cluster,
        future: "Future",
        search: _Search,
        standardize: bool,
    ) -> None:
        self._cluster, self._future, self._search, self._standardize = cluster, future, search, standardize
        self.has_budget = search.max_iter is not None
        self.count = 0

    def run(self, requests: list[tuple[Split, list[int]]]) -> list[Fit]:
        units = units_of(requests, whole=self._standardize or len(requests) >= self._cluster.n_threads)
        name = f"blocks {'+'.join(self._search.blocks)}"
        # Of short fits, a few to a task: each way to a worker costs some ten milliseconds.
        step = max(1, len(units) // (_TASKS_A_THREAD * self._cluster.n_threads))
        groups = [units[start : start + step] for start in range(0, len(units), step)]
        tasks = (
            Task((self._search, [(split.train, split.test, some) for split, some in group]), name=name)
            for group in groups
        )
        fits = []
        for number, answers in self._cluster.run(_fit, tasks, shared=self._future, in_order=True):
            for (split, some), found in zip(groups[number], answers, strict=True):
                fits += [Fit(split, index, *answer) for index, answer in zip(some, found, strict=True)]
        self.count += len(fits)
        return fits


class _Kept:
    """What the tasks of a sweep leave to each other in a worker's process: kernel matrices."""

    def __init__(self, shared: _Shared) -> None:
        from distributed import get_worker

        limit = get_worker().memory_manager.memory_limit
        # A worker above its limit is ended. Beside what is kept there are matrices in use, and the solver's own memory.
        bytes_kept = min(shared.bytes_kept, limit // 4) if limit else shared.bytes_kept
        self.shared, self.n_threads = shared, get_worker().state.nthreads
        self.kernels = BlockKernels(shared.blocks, shared.task.order, bytes_kept)
        self._lock = threading.Lock()
        self._fits: tuple[_Search, Fits] | None = None

    def fits(self, search: _Search, some: list[int]) -> Fits:
        """Return the fits of a search, ready for some candidates. Only the last search's are kept."""
        with self._lock, one_thread(), ThreadPoolExecutor(self.n_threads) as pool:
            # Other tasks wait for the same matrix.
            each: Callable = pool.map if self.n_threads > 1 else map
            if self._fits is None or self._fits[0] != search:
                self._fits = None  # its matrices go before others come
                task, standardize = self.shared.task, self.shared.settings.standardize
                fits = Fits(
                    self.kernels, search.blocks, task, search.grid, standardize, search.max_iter, each, self.n_threads
                )
                self._fits = (search, fits)
            self._fits[1].prepare(some, each)
            return self._fits[1]


# Of the sweep that this process worked for last, by its name.
_kept: dict[str, _Kept] = {}
_lock = threading.Lock()


def _kept_for(shared: _Shared) -> _Kept:
    with _lock:
        if shared.sweep not in _kept:
            _kept.clear()
            _kept[shared.sweep] = _Kept(shared)
        return _kept[shared.sweep]


def _forget(sweep: str) -> None:
    _kept.pop(sweep, None)


def _search(shared: _Shared, blocks: tuple[str, ...], options: Options) -> SearchResult:
    """Search a feature set, on a worker."""
    return search_prepared(_kept_for(shared).kernels, blocks, shared.task, shared.settings, options)


def _fit(
    shared: _Shared, search: _Search, units: list[tuple[np.ndarray, np.ndarray, list[int]]]
) -> list[list[tuple[np.ndarray, bool]]]:
    """Fit candidates on splits, on a worker; return the predictions of each, and whether it was cut off."""
    kept, answers = _kept_for(shared), []
    for train, test, some in units:
        fits = kept.fits(search, some)
        with one_thread():
            answers.append([(fit.predictions, fit.cut_off) for fit in fits.fit(Split(train, test), some)])
    return answers
