"""What the mean over folds owes to its weights: by fold size (as published), plain, or one score over all clips."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mgc_keras.evaluation.audit import AuditResult
from mgc_keras.evaluation.metrics import score
from mgc_keras.runs.summary import columns_for


def fold_weighting(predictions: Mapping[tuple[str, str], pd.DataFrame], metrics: Mapping[str, str]) -> AuditResult:
    """Score the same out-of-fold predictions with each weighting of folds.

    Parameters
    ----------
    predictions : mapping of (task, feature) to pd.DataFrame
        Columns clip_id, fold, truth, prediction.
    metrics : mapping of task to "accuracy" or "r2"

    Returns
    -------
    AuditResult
        Columns task, feature, metric, n_folds, smallest_fold, largest_fold, size_weighted, plain_mean, pooled, change
        (plain mean minus size-weighted).

    Raises
    ------
    OptionError
        Predictions that cannot be scored.

    Notes
    -----
    scikit-learn's old ``iid=True`` weighted folds by size: GTZAN speech/music was published as 127 of 128 clips. For
    r2 the weighting is not all: each fold's r2 is relative to that fold's own spread, the pooled one to that of all
    clips.
    """
    rows = []
    for (task, feature), table in predictions.items():
        metric = metrics[task]
        truth, prediction = columns_for(table, metric)
        folds = table["fold"].to_numpy()
        sizes = np.unique(folds, return_counts=True)[1]
        found = {kind: score(truth, prediction, metric, folds, kind) for kind in ("size", "equal", "pooled")}
        rows.append(
            {
                "task": task,
                "feature": feature,
                "metric": metric,
                "n_folds": len(sizes),
                "smallest_fold": int(sizes.min()),
                "largest_fold": int(sizes.max()),
                "size_weighted": found["size"],
                "plain_mean": found["equal"],
                "pooled": found["pooled"],
                # Equal folds leave rounding errors alone.
                "change": round(found["equal"] - found["size"], 12),
            }
        )
    columns = "task feature metric n_folds smallest_fold largest_fold size_weighted plain_mean pooled change".split()
    table = pd.DataFrame(rows, columns=columns)
    return AuditResult("fold_weighting", table, _conclusion(table))


def _conclusion(table: pd.DataFrame) -> str:
    if table.empty:
        return "There were no predictions to score."
    if not table["change"].any():
        return f"A plain mean over folds changes none of {len(table)} scores: the folds are of equal size."
    most = table.loc[table["change"].abs().idxmax()]
    return (
        f"A plain mean over folds in place of the size-weighted one moves {len(table)} scores by "
        f"{table['change'].min():+.4f} to {table['change'].max():+.4f}, most for {most['feature']} on {most['task']} "
        f"(folds of {most['smallest_fold']} to {most['largest_fold']} clips)."
    )
