"""Search many feature sets of one task. Finished searches are kept, so that a killed sweep goes on where it was."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from joblib import delayed

from mgc_keras.cluster import Cluster
from mgc_keras.errors import OptionError
from mgc_keras.processes import in_processes
from mgc_keras.progress import progress_bar
from mgc_keras.search.grid import PUBLISHED, Candidate, Grid, SearchSettings
from mgc_keras.search.grid_search import Options, search_prepared
from mgc_keras.search.kernels import BlockKernels
from mgc_keras.search.on_cluster import searches_on
from mgc_keras.search.result import SearchResult, read_result, write_result
from mgc_keras.search.splits import SearchTask, prepare_task
from mgc_keras.work import fingerprint

# Up to this many clips kernel matrices are small enough for every job to have its own: processes share the sets among
# them. Above, one set after another is searched by threads that share its kernels, the last set's best candidate first.
_FEW_CLIPS = 2500
_FORMAT = "2"


def sweep(
    features_by_block: Mapping[str, np.ndarray],
    target: Sequence | np.ndarray,
    folds: np.ndarray,
    features: Mapping[str, Sequence[str]],
    estimator: str = "SVC",
    settings: SearchSettings = PUBLISHED,
    *,
    task: str = "task",
    record: str | Path | None = None,
    on_result: Callable[[str, SearchResult], None] | None = None,
    inner_folds: np.ndarray | None = None,
    groups: Sequence | np.ndarray | None = None,
    grid: Grid = "authors",
    max_iter: int | Mapping[str, int] | None = None,
    jobs: int = 1,
    cluster: Cluster | None = None,
) -> dict[str, SearchResult]:
    """Search every feature set of a task; results come in the order of `features`, the same whoever computes them.

    Parameters
    ----------
    features_by_block : mapping of str to np.ndarray [shape=(n_clips, n_columns), dtype=float]
        Blocks by name: '1' … '5', 'mfcc', 'random_1', …
    target, folds, estimator, settings, inner_folds, groups, grid, jobs
        As in `mgc_keras.search.search`.
    features : mapping of str to sequence of str
        The blocks that each feature set joins, by the set's name.
    task : str
        Names the records.
    record : str, Path or None
        A folder for one JSON file a finished search. A search whose file is there already, made from the same
        features, target, folds, settings and options, is read instead of run.
    on_result : callable or None
        Called with name and result of each set, as soon as that is known, in the order of `features`.
    max_iter : int, mapping of str to int, or None
        Iteration budget of all feature sets, or of those named.
    cluster : Cluster or None
        Of `mgc_keras.cluster.open_cluster`: its workers search instead of `jobs` on this machine. Records are written
        here, as searches finish, so that a sweep goes on on another cluster or without one.

    Raises
    ------
    OptionError
        A feature set that names a missing block, and whatever `search` raises.
    MgcKerasError
        The cluster is gone, or no worker is fit for the work. What is finished is kept.
    """
    for name, needed in features.items():
        for block in needed:
            if block not in features_by_block:
                problem = f"feature set {name!r} needs the block {block!r}, which is not given"
                cure = f"choose among the blocks {', '.join(features_by_block)}"
                raise OptionError(problem, field="features", cure=cure)
    budgets = max_iter if isinstance(max_iter, Mapping) else dict.fromkeys(features, max_iter)
    options = {name: Options(grid, None, budgets.get(name), jobs) for name in features}
    prepared = prepare_task(target, folds, estimator, inner_folds, groups)
    searches = _Searches(features_by_block, features, prepared, settings, options)
    prints = searches.fingerprints()
    paths = {name: record_path(record, task, name, settings.name) for name in features} if record is not None else {}
    known = {name: read_result(paths[name], prints[name]) if paths else None for name in features}
    found = {name: result for name, result in known.items() if result is not None}
    with (
        progress_bar(description=f"searching {task}", total=len(features) - len(found), unit="set") as bar,
        closing(searches.run(known, cluster)) as fresh,
    ):
        for name in features:
            while name not in found:
                finished, result = next(fresh)
                if paths:
                    write_result(result, paths[finished], prints[finished])
                found[finished] = result
                bar.update()
            if on_result is not None:
                on_result(name, found[name])
    return {name: found[name] for name in features}


def record_path(record: str | Path, task: str, feature: str, settings: str) -> Path:
    """Return where `sweep` keeps a result: `<record>/<task>__<feature>__<settings>.json`."""
    return Path(record) / f"{task}__{feature}__{settings}.json"


@dataclass(frozen=True)
class _Searches:
    """The searches of a sweep, one a feature set."""

    blocks: Mapping[str, np.ndarray]
    features: Mapping[str, Sequence[str]]
    task: SearchTask
    settings: SearchSettings
    options: Mapping[str, Options]

    def run(
        self, known: Mapping[str, SearchResult | None], cluster: Cluster | None
    ) -> Generator[tuple[str, SearchResult], None, None]:
        """Yield names and results of the sets that are not known, as these are done."""
        jobs = max((option.jobs for option in self.options.values()), default=1)
        few = len(self.task.folds) <= _FEW_CLIPS
        unknown = {name: self.features[name] for name, result in known.items() if result is None}
        if cluster is not None and unknown:
            used = {block: self.blocks[block] for blocks in unknown.values() for block in blocks}
            with searches_on(cluster, used, self.task, self.settings) as on_cluster:
                if few:
                    yield from on_cluster.side_by_side(unknown, self.options)
                else:
                    yield from self._one_by_one(known, on_cluster.search)
        elif jobs > 1 and few:
            yield from zip(unknown, self._side_by_side(list(unknown), jobs), strict=True)
        else:
            kernels = BlockKernels(self.blocks, self.task.order)

            def search(blocks: Sequence[str], options: Options) -> SearchResult:
                return search_prepared(kernels, blocks, self.task, self.settings, options)

            yield from self._one_by_one(known, search)

    def _one_by_one(
        self, known: Mapping[str, SearchResult | None], search: Callable[[Sequence[str], Options], SearchResult]
    ) -> Iterator[tuple[str, SearchResult]]:
        """Search on shared kernels."""
        first: Candidate | None = None
        # Small tasks go without this hint, so that one job drops the same candidates as many jobs side by side.
        many = len(self.task.folds) > _FEW_CLIPS
        for name, option in self.options.items():
            result = known[name]
            if result is None:
                result = search(self.features[name], replace(option, first=first if many else None))
                yield name, result
            first = result.best

    def _side_by_side(self, unknown: list[str], jobs: int) -> Iterator[SearchResult]:
        """Search in processes of their own."""
        parts = ({block: self.blocks[block] for block in self.features[name]} for name in unknown)
        searches = (
            delayed(_search_alone)(part, self.task, self.settings, replace(self.options[name], jobs=1))
            for name, part in zip(unknown, parts, strict=True)
        )
        return in_processes(searches, max(1, min(jobs, len(unknown))))

    def fingerprints(self) -> dict[str, str]:
        """Tell for each feature set, in a hash, all that its result depends on."""
        hashes = {name: fingerprint(np.asarray(block)) for name, block in self.blocks.items()}
        shared = fingerprint(_FORMAT, self.task, self.settings)
        joined = {name: [hashes[block] for block in blocks] for name, blocks in self.features.items()}
        return {
            name: fingerprint(shared, str(option.grid), option.max_iter, joined[name])
            for name, option in self.options.items()
        }


def _search_alone(
    blocks: Mapping[str, np.ndarray], task: SearchTask, settings: SearchSettings, options: Options
) -> SearchResult:
    return search_prepared(BlockKernels(blocks, task.order), tuple(blocks), task, settings, options)
