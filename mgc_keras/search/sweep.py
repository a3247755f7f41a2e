"""Search many feature sets of one task; what is finished is kept, so that a killed sweep goes on where it was."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from mgc_keras.errors import OptionError
from mgc_keras.progress import progress_bar
from mgc_keras.protocols import PUBLISHED, Protocol
from mgc_keras.search.grid import Candidate, Grid
from mgc_keras.search.kernels import BlockKernels
from mgc_keras.search.problem import Problem, prepare
from mgc_keras.search.result import SearchResult, read_result, write_result
from mgc_keras.search.search import Options, search_prepared
from mgc_keras.work import fingerprint

# Up to this many clips kernel matrices are small enough for every job to have its own: processes share the sets among
# them. Above, one set after another is searched by threads that share its kernels, the last winner first.
_FEW_CLIPS = 2500
_FORMAT = "2"


def sweep(
    features_by_block: Mapping[str, np.ndarray],
    target: Sequence | np.ndarray,
    folds: np.ndarray,
    features: Mapping[str, Sequence[str]],
    estimator: str = "SVC",
    protocol: Protocol = PUBLISHED,
    *,
    task: str = "task",
    record: str | Path | None = None,
    on_result: Callable[[str, SearchResult], None] | None = None,
    inner_folds: np.ndarray | None = None,
    groups: Sequence | np.ndarray | None = None,
    grid: Grid = "authors",
    max_iter: int | Mapping[str, int] | None = None,
    jobs: int = 1,
) -> dict[str, SearchResult]:
    """Search every feature set of a task.

    Parameters
    ----------
    features_by_block : mapping of str to np.ndarray [shape=(n_clips, n_columns), dtype=float]
        Blocks by name: '1' … '5', 'mfcc', 'random_1', …
    target, folds, estimator, protocol, inner_folds, groups, grid, jobs
        As in `mgc_keras.search.search`.
    features : mapping of str to sequence of str
        The blocks that each feature set joins, by the set's name.
    task : str
        Names the records.
    record : str, Path or None
        A folder for one JSON file a finished search. A search whose file is there already, made from the same
        features, target, folds, protocol and options, is read instead of run.
    on_result : callable or None
        Called with name and result of each set, as soon as that is known, in the order of `features`.
    max_iter : int, mapping of str to int, or None
        Iteration budget of all feature sets, or of those named.

    Returns
    -------
    dict of str to SearchResult
        In the order of `features`, the same for any number of jobs.

    Raises
    ------
    OptionError
        A feature set that names a missing block, and whatever `search` raises.
    """
    _check_blocks(features, features_by_block)
    budgets = dict.fromkeys(features, max_iter) if not isinstance(max_iter, Mapping) else max_iter
    options = {name: Options(grid, None, budgets.get(name), jobs) for name in features}
    problem = prepare(target, folds, estimator, inner_folds, groups)
    prints = _fingerprints(features_by_block, features, problem, protocol, options)
    paths = {name: record_path(record, task, name, protocol.name) for name in features} if record is not None else {}
    known = {name: read_result(paths[name], prints[name]) if paths else None for name in features}
    run = _side_by_side if jobs > 1 and len(problem.folds) <= _FEW_CLIPS else _one_by_one
    fresh = run(features_by_block, features, problem, protocol, options, known)
    results = {}
    to_do = sum(result is None for result in known.values())
    with progress_bar(description=f"searching {task}", total=to_do, unit="set") as bar:
        for name in features:
            result = known[name]
            if result is None:
                result = next(fresh)
                if paths:
                    write_result(result, paths[name], prints[name])
                bar.update()
            results[name] = result
            if on_result is not None:
                on_result(name, result)
    return results


def record_path(record: str | Path, task: str, feature: str, protocol: str) -> Path:
    """Return where `sweep` keeps a result: `<record>/<task>__<feature>__<protocol>.json`."""
    return Path(record) / f"{task}__{feature}__{protocol}.json"


def _one_by_one(
    blocks: Mapping[str, np.ndarray],
    features: Mapping[str, Sequence[str]],
    problem: Problem,
    protocol: Protocol,
    options: Mapping[str, Options],
    known: Mapping[str, SearchResult | None],
) -> Iterator[SearchResult]:
    """Search the unknown sets on shared kernels."""
    kernels = BlockKernels(blocks, problem.order)
    first: Candidate | None = None
    # Small tasks go without this hint, so that one job drops the same candidates as many jobs side by side.
    many = len(problem.folds) > _FEW_CLIPS
    for name, option in options.items():
        result = known[name]
        if result is None:
            hinted = Options(option.grid, first if many else None, option.max_iter, option.jobs)
            result = search_prepared(kernels, features[name], problem, protocol, hinted)
            yield result
        first = result.best


def _side_by_side(
    blocks: Mapping[str, np.ndarray],
    features: Mapping[str, Sequence[str]],
    problem: Problem,
    protocol: Protocol,
    options: Mapping[str, Options],
    known: Mapping[str, SearchResult | None],
) -> Iterator[SearchResult]:
    """Search the unknown sets in processes of their own."""
    todo = [name for name in options if known[name] is None]
    jobs = min([len(todo), *(options[name].jobs for name in todo)])
    parts = ({block: blocks[block] for block in features[name]} for name in todo)
    return Parallel(n_jobs=max(1, jobs), return_as="generator")(
        delayed(_search_alone)(part, problem, protocol, options[name]) for name, part in zip(todo, parts, strict=True)
    )


def _search_alone(
    blocks: Mapping[str, np.ndarray], problem: Problem, protocol: Protocol, options: Options
) -> SearchResult:
    alone = Options(options.grid, options.first, options.max_iter, 1)
    return search_prepared(BlockKernels(blocks, problem.order), tuple(blocks), problem, protocol, alone)


def _check_blocks(features: Mapping[str, Sequence[str]], blocks: Mapping[str, np.ndarray]) -> None:
    for name, needed in features.items():
        for block in needed:
            if block not in blocks:
                raise OptionError(
                    f"feature set {name!r} needs the block {block!r}, which is not given",
                    field="features",
                    cure=f"choose among the blocks {', '.join(blocks)}",
                )


def _fingerprints(
    blocks: Mapping[str, np.ndarray],
    features: Mapping[str, Sequence[str]],
    problem: Problem,
    protocol: Protocol,
    options: Mapping[str, Options],
) -> dict[str, str]:
    """Tell for each feature set, in a hash, all that its result depends on."""
    hashes = {name: fingerprint(np.asarray(block)) for name, block in blocks.items()}
    shared = fingerprint(_FORMAT, problem, protocol)
    return {
        name: fingerprint(shared, str(option.grid), option.max_iter, [hashes[block] for block in features[name]])
        for name, option in options.items()
    }
