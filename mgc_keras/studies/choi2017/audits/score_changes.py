"""What published scores owe to two slips: a scaler that never scaled, and means over folds weighted by their size."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mgc_keras.errors import OptionError
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
        folds = table["fold"].to_numpy()
        sizes = np.unique(folds, return_counts=True)[1]
        size, equal, pooled = (
            score(*columns_for(table, metric), metric, folds, kind) for kind in ("size", "equal", "pooled")
        )
        # Equal folds leave rounding errors alone.
        change = round(equal - size, 12)
        rows.append([task, feature, metric, len(sizes), sizes.min(), sizes.max(), size, equal, pooled, change])
    columns = "task feature metric n_folds smallest_fold largest_fold size_weighted plain_mean pooled change".split()
    table = pd.DataFrame(rows, columns=columns)
    return AuditResult("fold_weighting", table, _of_weights(table))


def _of_weights(table: pd.DataFrame) -> str:
    if table.empty:
        return "There were no predictions to score."
    if not table["change"].any():
        return f"A plain mean over folds changes none of {len(table)} scores: the folds are of equal size."
    subject = "A plain mean over folds in place of the size-weighted one"
    most = _largest(table)
    return f"{_moved(subject, table, 4)} (folds of {most['smallest_fold']} to {most['largest_fold']} clips)."


def _largest(table: pd.DataFrame) -> pd.Series:
    return table.loc[table["change"].abs().idxmax()]


def _moved(subject: str, table: pd.DataFrame, digits: int) -> str:
    changes, most = table["change"], _largest(table)
    ends = f"{changes.min():+.{digits}f} to {changes.max():+.{digits}f}"
    return f"{subject} moves {len(table)} scores by {ends}, most for {most['feature']} on {most['task']}"


def scaling(unscaled: pd.DataFrame, scaled: pd.DataFrame) -> AuditResult:
    """Put scores without and with standardised features side by side, all else as published.

    Parameters
    ----------
    unscaled, scaled : pd.DataFrame
        Rows of ``scores.csv``: columns task, feature, score, and in `unscaled` maybe published.

    Returns
    -------
    AuditResult
        Columns task, feature, published, unscaled, scaled, change; rows that both tables have.

    Raises
    ------
    OptionError
        No task and feature is in both tables.

    Notes
    -----
    The original's ``OptionalStandardScaler`` reads its switch only in its constructor, so the grid's "on" never scaled.
    """
    key = ["task", "feature"]
    left = unscaled[[*key, "score"]].rename(columns={"score": "unscaled"})
    left["published"] = unscaled["published"] if "published" in unscaled else np.nan
    table = left.merge(scaled[[*key, "score"]].rename(columns={"score": "scaled"}), on=key, validate="one_to_one")
    if table.empty:
        raise OptionError("no feature was scored both ways", cure="run the search with and without scaling")
    table["change"] = table["scaled"] - table["unscaled"]
    table = table[[*key, "published", "unscaled", "scaled", "change"]]
    return AuditResult("scaling", table, _of_scaling(table))


def _of_scaling(table: pd.DataFrame) -> str:
    most = _largest(table)
    text = f"{_moved('Scaling as the original meant to', table, 3)} ({most['unscaled']:.3f} to {most['scaled']:.3f})"
    added = table.pivot(index="task", columns="feature")
    if {"mfcc+12345", "12345"} <= set(table["feature"]):
        gains = [added[kind]["mfcc+12345"] - added[kind]["12345"] for kind in ("unscaled", "scaled")]
        parts = [
            f"{before:+.3f} unscaled and {after:+.3f} scaled on {task}"
            for task, before, after in pd.concat(gains, axis=1).dropna().itertuples()
        ]
        if parts:
            text += "; adding MFCCs to all five layers changes the score by " + ", ".join(parts)
    return text + "."
