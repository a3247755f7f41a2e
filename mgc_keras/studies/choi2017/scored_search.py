"""The search of a task's feature sets, its predictions saved and scored."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.protocols import Protocol
from mgc_keras.runs.summary import score_row
from mgc_keras.runs.writer import RunWriter, write_table
from mgc_keras.search.result import SearchResult
from mgc_keras.search.settings import SearchSettings
from mgc_keras.search.sweeps import sweep
from mgc_keras.studies.choi2017.feature_sets import feature_blocks
from mgc_keras.studies.choi2017.features import StudyData


def search_settings(protocol: Protocol) -> SearchSettings:
    """Return what a protocol means for the search."""
    return SearchSettings(
        protocol.name,
        standardize=protocol.scaling,
        nested=protocol.nested,
        fold_weighting=protocol.fold_weighting,
        seed=protocol.seed,
    )


def search_and_score(
    study: str,
    data: StudyData,
    protocol: Protocol,
    features: Sequence[str],
    writer: RunWriter,
    *,
    grid: str = "authors",
    max_iter: int | Mapping[str, int] | None = None,
    jobs: int = 1,
) -> tuple[list[dict[str, Any]], dict[str, SearchResult]]:
    """Search feature sets of one task under one protocol; save predictions and candidates, return rows of scores.csv.

    Finished searches are kept in ``<run>/search`` and read instead of run again.

    Parameters
    ----------
    study : str
        Name of the study, for the rows.
    data : StudyData
    protocol : Protocol
        Its name chooses the features and folds that the task has under it: "published" or "corrected".
    features : sequence of str
        Names of feature sets; see `mgc_keras.studies.choi2017.feature_sets.feature_names`.
    writer : RunWriter
    grid, max_iter, jobs
        As in `mgc_keras.search.sweep`.

    Returns
    -------
    rows : list of dict
        Keys as `mgc_keras.runs.writer.SCORE_COLUMNS`.
    results : dict of str to SearchResult
    """
    task, blocks = data.under(protocol.name)
    # Intervals draw whole artists only where folds keep them apart, so that both tell of unknown artists.
    grouped = protocol.folds == "grouped" and task.groups is not None
    settings = search_settings(protocol)
    results = sweep(
        blocks,
        task.target,
        task.folds(protocol.name, protocol.seed, protocol.n_folds),
        {name: feature_blocks(name) for name in features},
        task.estimator,
        settings,
        task=task.name,
        record=writer.folder / "search",
        groups=task.groups,
        grid=grid,
        max_iter=max_iter,
        jobs=jobs,
    )
    rows = []
    for feature, result in results.items():
        predictions = _named(result, task)
        writer.predictions(task.name, feature, protocol.name, predictions)
        rows.append(
            score_row(
                study,
                task.name,
                feature,
                protocol.name,
                task.metric,
                predictions,
                weighting=settings.fold_weighting,
                grouped=grouped,
                published=task.published.get(feature),
                seed=protocol.seed,
            )
        )
    _write_candidates(results, writer, task.name, protocol.name)
    return rows, results


def _named(result: SearchResult, task: StudyTask) -> pd.DataFrame:
    table = result.predictions
    clips = table["clip"].to_numpy()
    named = pd.DataFrame({"clip_id": np.asarray(task.clip_ids)[clips], **table[["fold", "truth", "prediction"]]})
    for column in ("truth", "prediction") if task.class_names else ():
        named[column] = named[column].map(task.class_names)
    return named if task.groups is None else named.assign(group=task.groups[clips])


def _write_candidates(results: Mapping[str, SearchResult], writer: RunWriter, task: str, protocol: str) -> None:
    tables = [result.cv_results.assign(feature=feature) for feature, result in results.items()]
    table = pd.concat(tables, ignore_index=True)
    write_table(
        table[["feature", *table.columns.drop("feature")]], writer.folder / "candidates" / f"{task}__{protocol}.csv"
    )
