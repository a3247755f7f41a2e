"""The search of a task's feature sets, its predictions saved and scored."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.protocols import ARTISTS_TOGETHER, Protocol
from mgc_keras.runs.rows import ScoreRow
from mgc_keras.runs.summary import score_row
from mgc_keras.runs.writer import RunWriter, write_table
from mgc_keras.search.grid import SearchSettings
from mgc_keras.search.result import SearchResult
from mgc_keras.search.splits import check_train_clips, nested_cv, outer_splits, prepare_task
from mgc_keras.search.sweeps import sweep
from mgc_keras.studies.choi2017.feature_sets import feature_blocks
from mgc_keras.studies.choi2017.features import StudyData
from mgc_keras.studies.choi2017.study import Options, weighting_of
from mgc_keras.studies.common.run import Run


def search_settings(protocol: Protocol, seed: int) -> SearchSettings:
    """Return what a protocol asks of the search."""
    return SearchSettings(
        protocol.name,
        standardize=protocol.mends("scaling"),
        nested=protocol.mends("nested"),
        fold_weighting=weighting_of(protocol),
        seed=seed,
    )


def search_and_score(
    data: StudyData,
    protocol: Protocol,
    features: Sequence[str],
    run: Run[Options],
    *,
    writer: RunWriter | None = None,
    max_iter: Mapping[str, int] | None = None,
) -> list[ScoreRow]:
    """Search feature sets of one task under one protocol; save predictions and candidates, return rows of scores.csv.

    Finished searches are kept in ``search/`` and read instead of run again.

    Parameters
    ----------
    data, protocol, features, run
        See `mgc_keras.studies.choi2017.feature_sets.feature_blocks` for the names of features.
    writer : RunWriter, optional
        Where all of it is kept, if not in the run's own folder.
    max_iter : mapping of str to int, optional
        As in `mgc_keras.search.sweeps.sweep`.
    """
    writer = writer or run.writer
    task, blocks = data.under(protocol)
    settings, grouped = search_settings(protocol, run.seed), protocol.mends(ARTISTS_TOGETHER)
    folds = _folds(task, protocol, run)
    run.note_task(task, protocol, [np.flatnonzero(folds == number) for number in range(folds.max() + 1)])
    results = sweep(
        blocks,
        task.target,
        folds,
        {name: feature_blocks(name) for name in features},
        task.estimator,
        settings,
        task=task.name,
        record=writer.folder / "search",
        groups=task.groups,
        grid=run.options.search.grid,
        max_iter=max_iter,
        jobs=run.jobs,
        cluster=run.cluster,
    )
    rows = []
    for feature, result in results.items():
        predictions = _named(result, task)
        writer.predictions(task.name, feature, protocol.name, predictions)
        rows.append(
            score_row(
                run.study.key,
                task.name,
                feature,
                protocol.name,
                task.metric,
                predictions,
                weighting=settings.fold_weighting,
                # Artists are the evidence only where folds keep them apart, so that both tell of unknown artists.
                grouped=grouped and task.groups is not None,
                published=task.published.get(feature),
            )
        )
    candidates = pd.concat([result.cv_results.assign(feature=name) for name, result in results.items()])
    table = candidates[["feature", *candidates.columns.drop("feature")]]
    write_table(table, writer.folder / "candidates" / f"{task.name}__{protocol.name}.csv")
    return rows


def check_folds(task: StudyTask, protocol: Protocol, run: Run[Options]) -> None:
    """Raise `OptionError` where a task's clips cannot be searched: too few for the folds, or for those inside them."""
    prepared = prepare_task(task.target, _folds(task, protocol, run), task.estimator, groups=task.groups)
    outer = outer_splits(prepared)
    check_train_clips(nested_cv(prepared, run.seed).splits if protocol.mends("nested") else outer, prepared)


def _folds(task: StudyTask, protocol: Protocol, run: Run[Options]) -> np.ndarray:
    grouped = protocol.mends(ARTISTS_TOGETHER)
    return task.folds(grouped, run.seed, run.options.search.corrected_folds if grouped else 10)


def _named(result: SearchResult, task: StudyTask) -> pd.DataFrame:
    table = result.predictions
    clips = table["clip"].to_numpy()
    named = pd.DataFrame({"clip_id": np.asarray(task.clip_ids)[clips], **table[["fold", "truth", "prediction"]]})
    for column in ("truth", "prediction") if task.class_names else ():
        named[column] = named[column].map(task.class_names)
    return named if task.groups is None else named.assign(group=task.groups[clips])
