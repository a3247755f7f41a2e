"""From predictions to rows of scores.csv and comparisons.csv."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.intervals import score_interval
from mgc_keras.evaluation.paired import compare, holm
from mgc_keras.runs.rows import ComparisonRow, ScoreRow
from mgc_keras.runs.writer import prediction_file, read_predictions

Pairs = Iterable[tuple[str, str]]


def score_row(
    study: str,
    task: str,
    feature: str,
    protocol: str,
    metric: str,
    predictions: pd.DataFrame,
    *,
    weighting: str = "pooled",
    grouped: bool = False,
    published: float | None = None,
) -> ScoreRow:
    """Score one feature's out-of-fold predictions, as a row of ``scores.csv``. Raises what `score_interval` does.

    Parameters
    ----------
    metric : {"accuracy", "r2"}
    predictions : pd.DataFrame
        Columns clip_id, fold, truth, prediction and, if `grouped`, group.
    weighting : str
        "size" for the published protocol (scores of folds, weighted by their sizes), else "pooled" or "equal".
    grouped : bool
        Groups (artists) are the independent evidence, where the predictions name them; otherwise clips are.
    published : float, optional
        The recorded score, if there is one.
    """
    interval = score_interval(
        *columns_for(predictions, metric),
        metric,
        folds=predictions["fold"].to_numpy(),
        weighting=weighting,
        groups=_units_of(predictions, grouped),
        clips=_tested_again(predictions),
    )
    ends = (interval.score, interval.low, interval.high)
    recorded = np.nan if published is None else float(published)
    return ScoreRow(study, task, feature, protocol, metric, *ends, recorded, len(predictions))


def compare_features(
    run_folder: str | Path,
    scores: Iterable[ScoreRow] | pd.DataFrame,
    pairs: Pairs | Callable[[Iterable[str]], Pairs],
    *,
    weighting: Mapping[str, str],
    grouped: Mapping[str, bool],
    seed: int = 0,
) -> list[ComparisonRow]:
    """Compare features pairwise, on each task and protocol whose saved predictions hold both of a pair.

    p_holm corrects for all comparisons of one protocol.

    Parameters
    ----------
    run_folder : str or Path
        Holds ``predictions/``.
    scores : rows of ``scores.csv``
        Say which tasks, protocols and metrics there are.
    pairs : iterable of (feature_a, feature_b), or function of features to such
        Planned before scores are seen, or the p-values mean nothing. A function is asked for each task.
    weighting : mapping
        Weighting of folds for each protocol.
    grouped : mapping
        For each protocol, whether groups (artists) are swapped instead of clips, where predictions name them.
    seed : int
        Of the swaps.

    Raises
    ------
    OptionError
        Predictions cannot be read, or two features were scored on different clips.
    """
    rows = []
    for (task, protocol, metric), cell in pd.DataFrame(scores).groupby(["task", "protocol", "metric"], sort=False):
        for names in pairs(cell["feature"]) if callable(pairs) else pairs:
            files = [Path(run_folder) / "predictions" / prediction_file(task, name, protocol) for name in names]
            if not all(path.is_file() for path in files):
                continue
            table_a, table_b = map(read_predictions, files)
            found = compare_tables(
                table_a, table_b, metric, weighting=weighting[protocol], grouped=grouped[protocol], seed=seed
            )
            first, second = names
            rows.append({"task": task, "protocol": protocol, "feature_a": first, "feature_b": second, **found})
    if not rows:
        return []
    table = pd.DataFrame(rows)
    table["p_holm"] = table.groupby("protocol")["p_value"].transform(holm)
    return [ComparisonRow(**row) for row in table.to_dict("records")]


def compare_tables(
    table_a: pd.DataFrame,
    table_b: pd.DataFrame,
    metric: str,
    *,
    weighting: str = "pooled",
    grouped: bool = False,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare two tables of predictions of the same clips. Return the numeric columns of ``comparisons.csv``.

    Raises `OptionError` where the tables hold different clips or truths.
    """
    # A clip that several folds (of several splits) tested has a row for each.
    keys = ["clip_id"] if table_a["clip_id"].is_unique else ["clip_id", "fold"]
    table_b = table_a[keys].merge(table_b, on=keys, how="left")
    truth, prediction_a = columns_for(table_a, metric)
    if table_b["truth"].isna().any():
        raise OptionError("the two features were scored on different clips", cure="score both on one manifest")
    truth_b, prediction_b = columns_for(table_b, metric)
    if not np.array_equal(truth, truth_b):
        raise OptionError("the two features were scored against different labels", cure="score both on one manifest")
    same_folds = np.array_equal(table_a["fold"], table_b["fold"])
    units = _units_of(table_a, grouped)
    result = compare(
        truth,
        prediction_a,
        prediction_b,
        metric,
        folds=table_a["fold"].to_numpy() if same_folds else None,
        weighting=weighting if same_folds else "pooled",
        groups=units,
        clips=_tested_again(table_a),
        seed=seed,
    )
    ends = {"difference": result.difference, "ci_low": result.low, "ci_high": result.high}
    test = "McNemar, exact" if metric == "accuracy" and units is None else "swaps of clips"
    if grouped and units is not None:
        test = "swaps of groups (artists, songs)"
    return {"metric": metric, **ends, "p_value": result.p_value, "n_clips": len(table_a), "test": test}


def _units_of(predictions: pd.DataFrame, grouped: bool) -> np.ndarray | None:
    """Return what is independent evidence: groups, or clips that were predicted several times; None for single rows."""
    if grouped and "group" in predictions:
        return groups_of(predictions)
    return _tested_again(predictions)


def _tested_again(predictions: pd.DataFrame) -> np.ndarray | None:
    """Return each row's clip where some were predicted several times: by seeds, or in several splits."""
    return None if predictions["clip_id"].is_unique else predictions["clip_id"].to_numpy(str)


def columns_for(predictions: pd.DataFrame, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Return truth and prediction as text for accuracy, as float64 for r2."""
    kind = str if metric == "accuracy" else np.float64
    return predictions["truth"].to_numpy().astype(kind), predictions["prediction"].to_numpy().astype(kind)


def groups_of(predictions: pd.DataFrame) -> np.ndarray:
    """Return each clip's group; a clip whose group is unknown (empty) is a group of its own."""
    group = predictions["group"].fillna("").astype(str)
    return ("group " + group).where(group != "", "clip " + predictions["clip_id"].astype(str)).to_numpy(str)
